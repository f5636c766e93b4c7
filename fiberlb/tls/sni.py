"""
Which certificate a server name gets: exact, then wildcard, then the default.

Pure: what is chosen is the caller's, names are texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


def normal(name: str) -> str:
    """A host name as it is compared: lower case (ASCII, RFC 4343), no final dot."""
    return name.lower().removesuffix(".")


class Names(Generic[T]):
    """
    Things by the host names they are for.

    A wildcard stands for exactly one label and only as the whole first one
    (RFC 9525 section 6.3): C{*.a.test} is for C{x.a.test}, not for C{a.test}
    and not for C{x.y.a.test}. Any other use of C{*} matches nothing.

    @param pairs: names or wildcards, normal, with what they select; the first
        one given for a name stays.
    """

    __slots__ = ("_exact", "_wildcard")

    def __init__(self, pairs: Iterable[tuple[str, T]]) -> None:
        self._exact: dict[str, T] = {}
        self._wildcard: dict[str, T] = {}
        for name, what in pairs:
            if name.startswith("*."):
                self._wildcard.setdefault(name[2:], what)
            elif "*" not in name:
                self._exact.setdefault(name, what)

    def select(self, name: str) -> T | None:
        """
        What is for a name, in constant time; C{None} when nothing is.

        @param name: in any case, with or without a final dot.
        """
        name = normal(name)
        found = self._exact.get(name)
        if found is None:
            label, dot, parent = name.partition(".")
            if label and dot:
                found = self._wildcard.get(parent)
        return found
