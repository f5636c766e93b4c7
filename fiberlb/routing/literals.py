"""
Regular expressions that are literals in disguise.

Most patterns that people write for routing, such as C{^/api/} or
C{\\.(js|css)$}, say no more than "begins with" or "ends with one of". Those
are found here, so that they run as string operations: an order of magnitude
faster than an expression, and without any need for a time limit.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterable

import attrs

#: More alternatives than this are left to the engine.
MOST_ALTERNATIVES = 64
_DEEPEST = 20
_START, _END, _ANYTHING = "^", "$", ".*"
_SPECIAL = frozenset(".^$*+?{}[]\\|()")
_PUNCTUATION = frozenset(string.punctuation + " ")

#: Whether a candidate matches.
Predicate = Callable[[bytes], bool]


@attrs.frozen
class Literals:
    """
    A test that is any of these.

    @ivar exact: the whole candidate is one of them.
    @ivar prefixes: it begins with one.
    @ivar suffixes: it ends with one.
    @ivar parts: it contains one.
    @ivar fold: the candidate's ASCII letters are compared in lower case.
    """

    exact: frozenset[bytes] = frozenset()
    prefixes: tuple[bytes, ...] = ()
    suffixes: tuple[bytes, ...] = ()
    parts: tuple[bytes, ...] = ()
    fold: bool = False

    @property
    def empty(self) -> bool:
        """Nothing matches."""
        return not (self.exact or self.prefixes or self.suffixes or self.parts)

    def union(self, other: Literals) -> Literals:
        """Either of two that fold alike."""
        return Literals(
            self.exact | other.exact,
            self.prefixes + other.prefixes,
            self.suffixes + other.suffixes,
            self.parts + other.parts,
            self.fold,
        )

    def lowered(self, fold: bool) -> Literals:
        """The same in lower case, for candidates that are so already or, to C{fold}, become so."""
        return Literals(
            frozenset(text.lower() for text in self.exact),
            tuple(text.lower() for text in self.prefixes),
            tuple(text.lower() for text in self.suffixes),
            tuple(text.lower() for text in self.parts),
            fold,
        )

    def predicate(self) -> Predicate:
        """The cheapest function that tests for them; it returns C{True} or C{False} itself."""
        test = self._predicate()
        return (lambda candidate: test(candidate.lower())) if self.fold else test

    def _predicate(self) -> Predicate:
        exact, prefixes = self.exact, self.prefixes
        suffixes, parts = self.suffixes, self.parts
        if b"" in prefixes + suffixes + parts:
            return lambda candidate: True
        kinds = [bool(exact), bool(prefixes), bool(suffixes), bool(parts)]
        if kinds == [True, False, False, False]:
            return exact.__contains__
        if kinds == [False, True, False, False]:
            return lambda candidate: candidate.startswith(prefixes)
        if kinds == [False, False, True, False]:
            return lambda candidate: candidate.endswith(suffixes)
        if kinds == [False, False, False, True]:
            return _containing(parts)
        contains = _containing(parts)
        return lambda candidate: (
            candidate in exact
            or candidate.startswith(prefixes)
            or candidate.endswith(suffixes)
            or contains(candidate)
        )


def _containing(parts: tuple[bytes, ...]) -> Predicate:
    if len(parts) == 1:
        (part,) = parts
        return lambda candidate: part in candidate

    def contains(candidate: bytes) -> bool:
        for part in parts:  # noqa: SIM110 (any() costs a generator per call)
            if part in candidate:
                return True
        return False

    return contains


def reduced(pattern: str) -> Literals | None:
    """
    What a pattern, searched for, comes down to; C{None} if it needs an engine.

    @param pattern: without flags; C{.} matches every octet and C{$} only at the end.
    """
    try:
        branches = _Reader(pattern).read()
        return _classified(branches)
    except _NotLiteralError:
        return None


class _NotLiteralError(Exception):
    """The pattern needs an engine."""


#: One way to match: literal texts between marks.
_Branch = tuple[str, ...]


class _Reader:
    """A recursive descent over the few constructs that stay literal."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0

    def read(self) -> list[_Branch]:
        branches = self._alternation(0)
        if self._at < len(self._text):
            raise _NotLiteralError
        return branches

    def _alternation(self, depth: int) -> list[_Branch]:
        if depth > _DEEPEST:
            raise _NotLiteralError
        branches = self._sequence(depth)
        while self._text[self._at : self._at + 1] == "|":
            self._at += 1
            branches = branches + self._sequence(depth)
            if len(branches) > MOST_ALTERNATIVES:
                raise _NotLiteralError
        return branches

    def _sequence(self, depth: int) -> list[_Branch]:
        branches: list[_Branch] = [()]
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            pieces = self._piece(depth)
            branches = [before + piece for before in branches for piece in pieces]
            if len(branches) > MOST_ALTERNATIVES:
                raise _NotLiteralError
        return branches

    def _piece(self, depth: int) -> list[_Branch]:
        char = self._text[self._at]
        self._at += 1
        if char == "(":
            pieces = self._group(depth)
        elif char == ".":
            return self._anything()
        elif char == "\\":
            pieces = [(self._escaped(),)]
        elif char in "^$":
            pieces = [(char,)]
        elif char in _SPECIAL:
            raise _NotLiteralError
        else:
            pieces = [("=" + char,)]
        self._refuse_repeat()
        return pieces

    def _group(self, depth: int) -> list[_Branch]:
        if self._text.startswith("?:", self._at):
            self._at += 2
        elif self._text[self._at : self._at + 1] in ("?", "*"):
            raise _NotLiteralError
        pieces = self._alternation(depth + 1)
        if self._text[self._at : self._at + 1] != ")":
            raise _NotLiteralError
        self._at += 1
        return pieces

    def _anything(self) -> list[_Branch]:
        if self._text[self._at : self._at + 1] != "*":
            raise _NotLiteralError
        self._at += 1
        if self._text[self._at : self._at + 1] == "?":
            self._at += 1  # how much it takes first does not matter to whether it matches
        self._refuse_repeat()
        return [(_ANYTHING,)]

    def _escaped(self) -> str:
        char = self._text[self._at : self._at + 1]
        self._at += 1
        if char in ("A", "Z"):
            return _START if char == "A" else _END
        if char in _PUNCTUATION:
            return "=" + char
        raise _NotLiteralError

    def _refuse_repeat(self) -> None:
        if self._text[self._at : self._at + 1] in ("*", "+", "?", "{"):
            raise _NotLiteralError


def _classified(branches: Iterable[_Branch]) -> Literals:
    #: Anchored at the start, at the end -> the texts.
    found: dict[tuple[bool, bool], list[bytes]] = {}
    for branch in branches:
        pieces = list(branch)
        anchored = (_trim(pieces, 0, _START), _trim(pieces, -1, _END))
        if any(piece[0] != "=" for piece in pieces):
            raise _NotLiteralError
        text = "".join(piece[1:] for piece in pieces).encode()
        found.setdefault(anchored, []).append(text)
    return Literals(
        exact=frozenset(found.get((True, True), ())),
        prefixes=tuple(found.get((True, False), ())),
        suffixes=tuple(found.get((False, True), ())),
        parts=tuple(found.get((False, False), ())),
    )


def _trim(pieces: list[str], side: int, anchor: str) -> bool:
    """Take anchors and C{.*} off one side; whether what is left is anchored there."""
    anchored = False
    while pieces and pieces[side] in (anchor, _ANYTHING):
        # Anything may stand between an anchor and what follows it, but not beyond an anchor.
        anchored = pieces.pop(side) == anchor
    return anchored
