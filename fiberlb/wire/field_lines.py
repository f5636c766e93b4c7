"""Fields of a head by their names: cut out, and put in, without reading the rest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

#: What may stand in the value of a field; everything else could begin another line, or end it.
_safe = re.compile(rb"[\t\x20-\x7e\x80-\xff]*+").fullmatch


def spelling(name: str) -> bytes:
    """A pattern for a field's name in any case, C{_} and C{-} being the same."""
    letters = []
    for letter in name:
        if letter.isalpha():
            letters.append(f"[{letter.upper()}{letter.lower()}]")
        elif letter in "-_":
            letters.append("[-_]")
        else:
            letters.append(re.escape(letter))
    return "".join(letters).encode()


def cutter(names: Iterable[str]) -> Callable[[bytes], bytes]:
    """
    What cuts the fields of these names out of a head, or out of a block of lines.

    What it is given has a line, or an empty one, before the first field.
    """
    alternatives = b"|".join([spelling(name) for name in names])
    pattern = re.compile(rb"\n(?:" + alternatives + rb")[ \t]*+:[^\r\n]*+\r(?=\n)")
    return lambda head: pattern.sub(b"", head)


def finder(name: str) -> Callable[[bytes], bytes]:
    """
    What finds the values of all fields of a name, joined by commas; C{b""}: there is none.

    What it is given has a line, or an empty one, before the first field.
    """
    found = re.compile(rb"\n(?i:" + re.escape(name.encode()) + rb"):([^\r\n]*)\r").findall
    return lambda head: b",".join(found(head)).strip(b" \t")


def line(name: bytes, value: bytes) -> bytes:
    """
    One field with its line end; C{b""} where there is nothing to say.

    @param value: one that holds what no value can is not told at all, rather than in part.
    """
    value = value.strip(b" \t")
    if not value or _safe(value) is None:
        return b""
    return name + b": " + value + b"\r\n"


def put(head: bytes, lines: bytes) -> bytes:
    """A whole head, with its empty line, with these lines at its end."""
    return head[:-2] + lines + b"\r\n" if lines else head
