"""
What persistence cookies hold: for each pool and member a word that nobody else can make.

A token is a keyed hash (HMAC-SHA-256, 128 bits of it) of the pool's and the member's id. It
tells nothing of either, is the same in every process and on every node with the same key, and
is recognised by comparing: there is nothing in it to be parsed.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Sequence
from typing import Final

#: Pools that one cookie can speak of: they may have the same name for it.
MOST: Final = 8
#: Octets of a cookie that is looked at.
LONGEST: Final = 512
_shaped: Final = re.compile(rb"[A-Za-z0-9_-]{22}").fullmatch


def token(key: bytes, pool: str, member: str) -> bytes:
    """The token of a member of a pool, 22 characters."""
    digest = hmac.digest(key, f"persistence/{pool}/{member}".encode(), "sha256")
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=")


def parts(values: Iterable[bytes]) -> list[bytes]:
    """The words of a client's cookies that may be tokens, of whichever pool."""
    found = [
        part
        for value in values
        if len(value) <= LONGEST
        for part in value.strip(b'"').split(b".")
        if _shaped(part)
    ]
    return found[: 2 * MOST]


def joined(own: bytes, others: Sequence[bytes]) -> bytes:
    """A cookie's value: a pool's token, then those of other pools, the latest first."""
    return b".".join([own, *dict.fromkeys(others)][:MOST])
