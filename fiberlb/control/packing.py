"""Documents of the history that are large are stored compressed; they repeat themselves a lot."""

from __future__ import annotations

import json
import zlib
from typing import Any

from fiberlb.store.sealed import PREFIX

#: Bytes from which on a document is compressed.
LARGE = 16 * 1024
#: Fast, and most of what there is to be had.
_LEVEL = 1
_SEALED = PREFIX.encode()


def packed(document: bytes) -> bytes:
    """
    A document of JSON as it is stored.

    One with sealed secrets stays as it is, so that they are found when keys are exchanged.
    """
    if len(document) < LARGE or _SEALED in document:
        return document
    return zlib.compress(document, _LEVEL)


def unpacked(value: bytes) -> Any:
    """
    What a document says.

    @raise ValueError: it is damaged.
    """
    # JSON of ours begins with a bracket, and what zlib makes does not.
    if value[:1] in (b"{", b"["):
        return json.loads(value)
    try:
        return json.loads(zlib.decompress(value))
    except zlib.error:
        return json.loads(value)
