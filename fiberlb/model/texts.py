"""
Objects as JSON text, by functions that are made once for each class.

What L{fiberlb.model.convert.said} says of an object, and JSON of that, in a fraction of the time:
for the store, which gets the documents of many thousand objects at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

from fiberlb.model.convert import said, secret_fields, spoken
from fiberlb.model.copying import plain
from fiberlb.model.fields import Flag, Kind, OneOf, Optional, Reference, Text, Whole

#: JSON without blanks; one encoder, for there may be many documents.
written: Callable[[Any], str] = json.JSONEncoder(separators=(",", ":")).encode
#: JSON of a text, in ASCII.
quoted: Callable[[str], str] = encode_basestring_ascii
#: Makes the text of an object.
Write = Callable[[Any], str]


def writers(without: Callable[[type], Iterable[str]]) -> Mapping[type, Write]:
    """
    Class -> what writes the JSON of what C{said} says, no fields of secrets.

    @param without: fields of a class that are left out.
    """
    return _Writers(without)


class _Writers(dict[type, Write]):
    """A function for each class, made when it is first wanted."""

    def __init__(self, without: Callable[[type], Iterable[str]]) -> None:
        super().__init__()
        self._without = without

    def __missing__(self, cls: type) -> Write:
        made = self[cls] = _writer(cls, frozenset(self._without(cls)))
        return made


def _writer(cls: type, without: frozenset[str]) -> Write:
    without |= secret_fields(cls)
    if not plain(cls):
        # What its constructor makes of values need not be what its kinds make of them.
        return lambda made: written({n: v for n, v in said(made).items() if n not in without})
    known: dict[str, Any] = {"quoted": quoted, "written": written}
    lines = list(_source(cls, without, known))
    exec(compile("\n".join(lines), f"<text: {cls.__name__}>", "exec"), known)
    made: Write = known["text"]
    return made


def _source(cls: type, without: frozenset[str], known: dict[str, Any]) -> Iterator[str]:
    yield "def text(made):"
    yield " done = ''"
    for name, kind, empty, _ in spoken(cls):
        if name in without:
            continue
        known[f"dump_{name}"], known[f"empty_{name}"] = kind.dump, empty
        yield f" value = made.{name}"
        piece = f"done += ',\"{name}\":' + {expression(kind, f'dump_{name}')}"
        yield f" if value is not empty_{name}: {piece}"
    yield " return '{' + done[1:] + '}'"


def expression(kind: Kind, dump: str) -> str:
    """
    The source of an expression: the JSON of C{value}, which is of a kind.

    @param dump: by which name the source knows the kind's method.
    """
    if isinstance(kind, Optional):
        return f"('null' if value is None else {expression(kind.kind, dump)})"
    if type(kind) in (Text, Reference):
        return "quoted(value)"
    if type(kind) is Whole:
        return "str(value)"
    if type(kind) is Flag:
        return "('true' if value else 'false')"
    if type(kind) is OneOf:
        return "quoted(value._value_)"
    return f"written({dump}(value))"


def innermost(kind: Kind) -> Kind:
    """What optional kinds are optional of."""
    return innermost(kind.kind) if isinstance(kind, Optional) else kind
