"""Whether answers are compressed, and which."""

from __future__ import annotations

from enum import Enum
from typing import Final

import attrs

from fiberlb.model.convert import AllOr
from fiberlb.model.fields import OneOf, Several, Text, field
from fiberlb.model.quantities import Size

#: What shrinks, and what of it is sent while it is made. Pictures, films and archives do not.
TYPES: Final = (
    "text/html",
    "text/css",
    "text/plain",
    "text/javascript",
    "text/xml",
    "text/csv",
    "text/markdown",
    "text/event-stream",
    "application/json",
    "application/*+json",
    "application/javascript",
    "application/xml",
    "application/*+xml",
    "application/wasm",
    "application/x-ndjson",
    "image/svg+xml",
    "font/ttf",
    "font/otf",
)
_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


class Encoding(Enum):
    """A content coding, by its name on the wire."""

    ZSTD = "zstd"
    BR = "br"
    GZIP = "gzip"


@attrs.frozen(kw_only=True)
class Compression:
    """
    Which answers of members are compressed.

    @ivar encodings: those that are offered, the one we like best first; C{None}: all that are
        installed. None at all: nothing is compressed.
    @ivar types: media types, C{*} for any characters.
    @ivar minimum: octets; an answer that is known to have less stays as it is.
    """

    encodings: tuple[Encoding, ...] | None = field(
        AllOr(Several(OneOf(Encoding, {"brotli": "br"}), single=True, most=3)), None
    )
    types: tuple[str, ...] = field(
        Several(Text(127, 3, f"{_TOKEN}/{_TOKEN}", "a media type such as text/html"), most=200),
        TYPES,
    )
    minimum: int = field(Size(), 1024)
