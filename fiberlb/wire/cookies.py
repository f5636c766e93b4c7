"""Cookies of requests and answers, as far as a proxy has to find its own (RFC 6265)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

_fields: Final = re.compile(rb"\r\n(?i:cookie):([^\r]*)").finditer
#: Cookies of one name that are looked at.
MOST: Final = 8


class RequestCookie:
    """
    A request's cookies of one name; names are case-sensitive.

    The time it takes is in proportion to the head, however many other cookies there are.
    """

    def __init__(self, name: bytes) -> None:
        self._name = name
        pair = rb"(?:^|;)[ \t]*+" + re.escape(name) + rb"[ \t]*+"
        self._values = re.compile(pair + rb"=([^;]*)").findall
        self._pairs = re.compile(pair + rb"(?:=[^;]*)?(?=;|\Z)")

    def values(self, head: bytes) -> list[bytes]:
        """The values, over all fields, at most L{MOST}."""
        if self._name not in head:
            return []
        found = [value for line in _fields(head) for value in self._values(line[1])]
        return [value.strip(b" \t") for value in found[:MOST]]

    def without(self, head: bytes) -> bytes:
        """
        The head without them; all other bytes are as they were.

        A Cookie field that has nothing else goes.

        @param head: the field lines, each with CRLF in front; anything may stand before the first.
        """
        if self._name not in head:
            return head
        kept: list[bytes] = []
        at = 0
        for line in _fields(head):
            first = self._pairs.search(line[1])
            if first is None:
                continue
            others = self._pairs.sub(b"", line[1])
            if not others.strip(b"; \t"):
                kept.append(head[at : line.start()])
            else:
                kept.append(head[at : line.start(1)])
                if first.start() == 0:
                    others = b" " + others[1:].lstrip(b" \t")
                kept.append(others)
            at = line.end()
        kept.append(head[at:])
        return b"".join(kept)


def setting(name: bytes) -> Callable[[bytes], list[Any]]:
    """Makes what finds the values that an answer's head sets a cookie of this name to."""
    found = re.compile(
        rb"\r\n(?i:set-cookie):[ \t]*+" + re.escape(name) + rb"[ \t]*+=([^;\r]*)"
    ).findall
    return lambda head: [value for each in found(head) if (value := each.strip(b" \t"))]
