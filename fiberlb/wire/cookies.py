"""Cookies of requests and answers, as far as a proxy has to find its own (RFC 6265)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

_fields: Final = re.compile(rb"\r\n(?i:cookie):([^\r]*)").finditer
#: Cookies of one name that are looked at.
MOST: Final = 8


def values(head: bytes, name: bytes) -> list[bytes]:
    """The values of a request's cookies of one name, at most L{MOST}; names are case-sensitive."""
    if name not in head:
        return []
    found: list[bytes] = []
    for line in _fields(head):
        if name in line[1]:
            for pair in line[1].split(b";"):
                key, sign, value = pair.partition(b"=")
                if sign and key.strip(b" \t") == name:
                    found.append(value.strip(b" \t"))
    return found[:MOST]


def without(head: bytes, name: bytes) -> bytes:
    """
    A request's head without any cookie of a name; all other bytes are as they were.

    A Cookie field that has nothing else goes.

    @param head: the field lines, each with CRLF in front; anything may stand before the first.
    """
    if name not in head:
        return head
    kept: list[bytes] = []
    at = 0
    for line in _fields(head):
        if name not in line[1]:
            continue
        pairs = line[1].split(b";")
        others = [pair for pair in pairs if pair.partition(b"=")[0].strip(b" \t") != name]
        if len(others) == len(pairs):
            continue
        if not any(pair.strip(b" \t") for pair in others):
            kept.append(head[at : line.start()])
        else:
            kept.append(head[at : line.start(1)])
            if others[0] is not pairs[0]:
                others[0] = b" " + others[0].lstrip(b" \t")
            kept.append(b";".join(others))
        at = line.end()
    kept.append(head[at:])
    return b"".join(kept)


def setting(name: bytes) -> Callable[[bytes], list[Any]]:
    """Makes what finds the values that an answer's head sets a cookie of this name to."""
    return re.compile(
        rb"\r\n(?i:set-cookie):[ \t]*" + re.escape(name) + rb"[ \t]*=[ \t]*([^;\r]*[^;\r \t])"
    ).findall
