"""
Patterns whose time grows with the text alone: the engine RE2, where it is installed.

Only what both engines understand alike is sent there. The rest of a pattern's
life is the same with and without RE2: it is checked, refused and, where RE2
does not take it, matched by C{regex}.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Callable, Sequence
from typing import Any

#: Instructions of the largest pattern that is sent to RE2.
LARGEST_PROGRAM = 390
#: Instructions of the patterns of many rules that are searched for together.
LARGEST_SIEVE = 20_000
# RE2 keeps states that it has met, up to its memory, and begins anew when that is full.
_MEMORY = 128 * 1024
_SIEVE_MEMORY = 2 * 1024 * 1024
#: Larger counts are refused by RE2.
_MOST_REPEATS = 1000

_TOKEN = re.compile(
    rb"""(?P<escape>\\(?:x[0-9A-Fa-f]{2}|.))
    |\[(?P<class>\^?(?:\\x[0-9A-Fa-f]{2}|\\.|[^\\\]\[])+)\]
    |(?P<open>\((?:\?(?::|P?<[A-Za-z_][A-Za-z0-9_]*>)|(?!\?|\*)))
    |(?P<repeat>(?:[*+?]|\{(?P<least>[0-9]{1,4})(?:(?P<to>,)(?P<most>[0-9]{1,4})?)?\})\??(?![*+?{]))
    |(?P<other>[^\\\[(*+?{])""",
    re.DOTALL | re.VERBOSE,
)
_MEMBER = re.compile(rb"\\(x[0-9A-Fa-f]{2}|.)|(.)", re.DOTALL)
_CONTROLS = {b"n": 10, b"t": 9, b"r": 13, b"f": 12, b"v": 11}
# What "regex" means by them in octets; RE2's own \s leaves the vertical tab out.
_SETS = {b"d": rb"0-9", b"w": rb"0-9A-Za-z_", b"s": rb"\t-\r "}
_ANCHORS = {b"^": rb"\A", b"$": rb"\z"}


class _NotAlikeError(Exception):
    """The engines may differ."""


def translated(pattern: bytes, fold: bool) -> bytes | None:
    """
    A pattern in RE2's words; C{None} if the two engines might not agree on it.

    @param pattern: without flags; C{$} is the end of the text alone, C{.} any octet.
    @param fold: ignore the case of ASCII letters.
    """
    try:
        return (b"(?i)" if fold else b"") + b"".join(_pieces(pattern))
    except _NotAlikeError:
        return None


def _pieces(pattern: bytes) -> list[bytes]:
    pieces: list[bytes] = []
    at = depth = 0
    repeatable = False
    while at < len(pattern):
        found = _TOKEN.match(pattern, at)
        if found is None:
            raise _NotAlikeError
        at = found.end()
        if found["repeat"]:
            if not repeatable:
                raise _NotAlikeError
            pieces.append(_repeat(found))
            repeatable = False
        elif found["open"]:
            depth += 1
            pieces.append(b"(?:")
            repeatable = False
        else:
            text = found[0]
            depth -= text == b")"
            pieces.append(_plain(found))
            repeatable = text not in (b"^", b"$", b"|", rb"\A", rb"\Z", rb"\b")
        if depth < 0:
            raise _NotAlikeError
    return pieces


def _repeat(found: re.Match[bytes]) -> bytes:
    if found["least"] is None:
        # Whether it takes much or little first does not matter to whether there is a match.
        return found[0][:1]
    least = int(found["least"])
    most = int(found["most"] or least)
    if least > most or most > _MOST_REPEATS:
        raise _NotAlikeError
    return b"{%d%s%s}" % (least, found["to"] or b"", b"%d" % most if found["most"] else b"")


def _plain(found: re.Match[bytes]) -> bytes:
    if found["escape"]:
        return _escape(found["escape"][1:])
    if found["class"]:
        return _class(found["class"])
    char = found[0]
    if char in b"|)":
        return char
    if char == b".":
        return b"(?s:.)"
    return _ANCHORS.get(char) or _octet(char[0])


def _octet(number: int) -> bytes:
    return rb"\x%02x" % number


def _escape(what: bytes) -> bytes:
    if what == b"A":
        return _ANCHORS[b"^"]
    if what == b"Z":
        return _ANCHORS[b"$"]
    if what == b"b":
        return rb"\b"
    if what.lower() in _SETS and len(what) == 1:
        return b"[%s%s]" % (b"^" if what.isupper() else b"", _SETS[what.lower()])
    return _octet(_escaped_octet(what))


def _escaped_octet(what: bytes) -> int:
    if len(what) == 3:
        return int(what[1:], 16)
    if what in _CONTROLS:
        return _CONTROLS[what]
    if what.isalnum() or what[0] >= 0x80:
        raise _NotAlikeError
    return what[0]


def _class(content: bytes) -> bytes:
    """A set, member by member; set operations and nested sets are left to the other engine."""
    negated = content[:1] == b"^"
    members: list[tuple[bytes, int | None]] = [
        _member(found) for found in _MEMBER.finditer(content, int(negated))
    ]
    if not members or any(content.count(twice) for twice in (b"--", b"&&", b"||", b"~~")):
        raise _NotAlikeError
    spelled = []
    at = 0
    while at < len(members):
        text, number = members[at]
        if members[at + 1 : at + 2] == [(b"-", 45)] and at + 2 < len(members):
            last = members[at + 2][1]
            if number is None or last is None or number > last:
                raise _NotAlikeError
            spelled.append(_octet(number) + b"-" + _octet(last))
            at += 3
        else:
            spelled.append(text if number is None else _octet(number))
            at += 1
    return b"[%s%s]" % (b"^" if negated else b"", b"".join(spelled))


def _member(found: re.Match[bytes]) -> tuple[bytes, int | None]:
    """How it is written, and which octet it is; C{None} for a set of them."""
    escaped, plain = found.groups()
    if plain is not None:
        return plain, plain[0]
    if escaped in _SETS:
        return _SETS[escaped], None
    return b"\\" + escaped, _escaped_octet(escaped)


def literal(text: bytes, fold: bool) -> bytes:
    """The pattern in RE2's words that is found where a text is."""
    octets = b"".join(map(_octet, text))
    return b"(?i:%s)" % octets if fold else octets


#: Which of the patterns, by their places, are found in a text; C{None}: RE2 gave up.
Search = Callable[[bytes], Sequence[int] | None]


class Linear:
    """
    RE2.

    @param re2: the module of C{google-re2}.
    """

    def __init__(self, re2: Any) -> None:
        self._re2 = re2

    def size(self, source: bytes) -> int | None:
        """
        Instructions of a pattern in RE2's words; C{None} if it is not taken.
        """
        try:
            program = self._re2.compile(source, self._options(_MEMORY))
        except self._re2.error:
            return None
        size: int = program.programsize
        return size if size <= LARGEST_PROGRAM else None

    def search(self, sources: Sequence[bytes], large: bool = False) -> Search | None:
        """
        A function that searches for patterns together.

        @param large: they are of many rules (up to L{LARGEST_SIEVE} together).

        @return: C{None} if RE2 has no room for them.
        """
        re2 = self._re2
        found = re2.Set.SearchSet(self._options(_SIEVE_MEMORY if large else _MEMORY))
        try:
            for source in sources:
                found.Add(source)
            # Found in everything: where it is not, RE2 ran out of memory and does not say so.
            last = found.Add(b"")
            found.Compile()
        except re2.error:
            return None
        match = found.Match

        def search(text: bytes) -> Sequence[int] | None:
            places: list[int] | None = match(text)
            if places is None or last not in places:
                return None
            places.remove(last)
            return places

        return search if search(b"") is not None else None

    def _options(self, memory: int) -> Any:
        """Octets rather than characters, all of them alike, and silence."""
        options = self._re2.Options()
        options.encoding = self._re2.Options.Encoding.LATIN1
        options.log_errors = False
        options.never_capture = True
        options.never_nl = False
        options.longest_match = False
        options.posix_syntax = False
        options.max_mem = memory
        return options


#: Gives RE2, if there is one.
Engine = Callable[[], Linear | None]


@functools.cache
def installed() -> Linear | None:
    """RE2, if C{google-re2} is installed; loaded when first asked for."""
    try:
        module = importlib.import_module("re2")
    except ImportError:
        return None
    # Other wrappers of RE2 have a module of the same name.
    return Linear(module) if hasattr(module, "Set") else None
