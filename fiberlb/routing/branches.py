"""
What a pattern says in literals: all of it, or what every match must hold.

A pattern is taken apart into branches, its ways to match. Where a branch is
made of literal texts and anchors alone, string operations can take the
engine's place; elsewhere what is not understood becomes a gap, and the
literals around it still tell most texts that do not match.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator

from fiberlb.routing.literals import Literals

#: More alternatives than this are left to the engine.
MOST_ALTERNATIVES = 64
_DEEPEST = 20
#: Pieces of a branch: a character is C{=} and itself. A gap is any text at all.
_START, _END, _ANYTHING, _GAP = "^", "$", ".*", "?"
#: A prefix or suffix shorter than this says less than a longer text within, such as the slash
#: that every path begins with.
_TELLING = 2

_SPECIAL = frozenset(".^$*+?{}[]\\|()")
_PUNCTUATION = frozenset(string.punctuation + " ")
_REPEAT = re.compile(r"(?:[*+?]|\{[0-9]*,?[0-9]*\})[+?]?")
_CLASS = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]", re.DOTALL)
_SPAN = re.compile(r"[dDsSwWnrtfv]|x[0-9A-Fa-f]{2}")
_GROUP = re.compile(r"\?:|(?![?*])")
_OTHER_GROUP = re.compile(r"\?(?:P?<[A-Za-z_][A-Za-z0-9_]*>|>)")
_LOOKING = re.compile(r"\?<?[=!]")

#: One way to match.
_Branch = tuple[str, ...]


class _NotLiteralError(Exception):
    """The pattern holds what is not understood here."""


def reduced(pattern: str) -> Literals | None:
    """
    What a pattern, searched for, comes down to; C{None} if it needs an engine.

    @param pattern: without flags; C{.} matches every octet and C{$} only at the end.
    """
    try:
        return _classified(_Reader(pattern, gaps=False).read())
    except _NotLiteralError:
        return None


def required(pattern: str) -> Literals | None:
    """
    Literals one of which is in every text that a pattern is found in; C{None} if none is known.

    @param pattern: as for L{reduced}; one that the engine takes.
    """
    try:
        branches = _Reader(pattern, gaps=True).read()
        found = [_required(list(branch)) for branch in branches]
    except _NotLiteralError:
        return None
    together = Literals()
    for literals in found:
        together = together.union(literals)
    return together


class _Reader:
    """
    A recursive descent over what patterns are made of.

    @param gaps: what is no literal becomes a gap, as far as its end is known;
        else it ends the reading.
    """

    def __init__(self, pattern: str, gaps: bool) -> None:
        self._text = pattern
        self._at = 0
        self._gaps = gaps

    def read(self) -> list[_Branch]:
        branches = self._alternation(0)
        if self._at < len(self._text):
            raise _NotLiteralError
        return branches

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, what: re.Pattern[str]) -> bool:
        found = what.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found is not None

    def _alternation(self, depth: int) -> list[_Branch]:
        if depth > _DEEPEST:
            raise _NotLiteralError
        branches = self._sequence(depth)
        while self._next() == "|":
            self._at += 1
            branches = branches + self._sequence(depth)
            if len(branches) > MOST_ALTERNATIVES:
                raise _NotLiteralError
        return branches

    def _sequence(self, depth: int) -> list[_Branch]:
        branches: list[_Branch] = [()]
        while self._at < len(self._text) and self._next() not in "|)":
            pieces = self._piece(depth)
            if len(branches) * len(pieces) > MOST_ALTERNATIVES:
                pieces = [(self._gap(),)]
            branches = [before + piece for before in branches for piece in pieces]
        return branches

    def _piece(self, depth: int) -> list[_Branch]:
        char = self._next()
        if char == ".":
            return self._anything()
        if char == "[":
            if not self._take(_CLASS):
                raise _NotLiteralError
            return self._repeated([(self._gap(),)])
        self._at += 1
        if char == "(":
            return self._group(depth)
        if char == "\\":
            pieces: list[_Branch] = [self._escaped()]
        elif char in "^$":
            pieces = [(char,)]
        elif char in _SPECIAL:
            raise _NotLiteralError
        else:
            pieces = [("=" + char,)]
        return self._repeated(pieces)

    def _group(self, depth: int) -> list[_Branch]:
        looking = False
        if not self._take(_GROUP):
            # Neither names nor what a group must not give back matter to what is in the text.
            self._gap()
            looking = self._take(_LOOKING)
            if not looking and not self._take(_OTHER_GROUP):
                raise _NotLiteralError
        pieces = self._alternation(depth + 1)
        if self._next() != ")":
            raise _NotLiteralError
        self._at += 1
        # What only looks takes no text: the literals around it stand together.
        return self._repeated([()] if looking else pieces)

    def _anything(self) -> list[_Branch]:
        self._at += 1
        if self._next() != "*":
            return self._repeated([(self._gap(),)])
        self._at += 1
        if self._next() == "?":
            self._at += 1  # how much it takes first does not matter to whether it matches
        if self._next() == "+":
            self._at += 1
            return [(self._gap(),)]
        self._refuse_repeat()
        return [(_ANYTHING,)]

    def _escaped(self) -> _Branch:
        char = self._next()
        if char in ("A", "Z"):
            self._at += 1
            return (_START if char == "A" else _END,)
        if char and char in _PUNCTUATION:
            self._at += 1
            return ("=" + char,)
        if char in ("b", "B"):
            self._at += 1
            self._gap()
            return ()
        if self._take(_SPAN):
            return (self._gap(),)
        raise _NotLiteralError

    def _repeated(self, pieces: list[_Branch]) -> list[_Branch]:
        if self._next() not in ("*", "+", "?", "{"):
            return pieces
        once = self._next() == "+"
        anchored = any(piece in (_START, _END) for branch in pieces for piece in branch)
        if anchored or not self._take(_REPEAT):
            raise _NotLiteralError
        self._refuse_repeat()
        gap = self._gap()
        return [(*piece, gap) for piece in pieces] if once else [(gap,)]

    def _refuse_repeat(self) -> None:
        if self._next() in ("*", "+", "?", "{"):
            raise _NotLiteralError

    def _gap(self) -> str:
        if not self._gaps:
            raise _NotLiteralError
        return _GAP


def _classified(branches: Iterable[_Branch]) -> Literals:
    #: Anchored at the start, at the end -> the texts.
    found: dict[tuple[bool, bool], list[bytes]] = {}
    for branch in branches:
        pieces = list(branch)
        anchored = (_trim(pieces, 0, _START), _trim(pieces, -1, _END))
        if any(piece[0] != "=" for piece in pieces):
            raise _NotLiteralError
        found.setdefault(anchored, []).append(_text(pieces))
    return Literals(
        exact=frozenset(found.get((True, True), ())),
        prefixes=tuple(found.get((True, False), ())),
        suffixes=tuple(found.get((False, True), ())),
        parts=tuple(found.get((False, False), ())),
    )


def _required(pieces: list[str]) -> Literals:
    """The most telling literal of one branch."""
    starts, ends = _trim(pieces, 0, _START), _trim(pieces, -1, _END)
    runs = list(_runs(pieces))
    if len(runs) == 1 and starts and ends:
        return Literals(exact=frozenset(runs))
    prefix = runs[0] if starts else b""
    suffix = runs[-1] if ends else b""
    within = max(runs, key=len)
    best = max(len(prefix), len(suffix))
    if not within:
        raise _NotLiteralError
    if best < _TELLING and len(within) > best:
        return Literals(parts=(within,))
    if len(prefix) >= len(suffix):
        return Literals(prefixes=(prefix,))
    return Literals(suffixes=(suffix,))


def _runs(pieces: list[str]) -> Iterator[bytes]:
    """The literal texts between what is none; the first and the last may be empty."""
    run: list[str] = []
    for piece in pieces:
        if piece[0] == "=":
            run.append(piece)
        else:
            yield _text(run)
            run = []
    yield _text(run)


def _text(pieces: list[str]) -> bytes:
    return "".join(piece[1:] for piece in pieces).encode()


def _trim(pieces: list[str], side: int, anchor: str) -> bool:
    """Take anchors and C{.*} off one side; whether what is left is anchored there."""
    anchored = False
    while pieces and pieces[side] in (anchor, _ANYTHING):
        # Anything may stand between an anchor and what follows it, but not beyond an anchor.
        anchored = pieces.pop(side) == anchor
    return anchored
