"""
The fields of an object that came, as JSON text: what L{differences} tells of it.

Field by field of many objects of a class at once, by functions that are made once for each, for a
large configuration that is new is told whole. Texts are as they are; only what JSON has to escape
is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import repeat
from json.encoder import encode_basestring
from typing import Any

from fiberlb.control.differences import Difference, defaults, differing
from fiberlb.model.convert import secret_fields
from fiberlb.model.copying import gathering, plain
from fiberlb.model.fields import Flag, Kind, OneOf, Reference, Text, Whole
from fiberlb.model.texts import expression, innermost

#: JSON with a blank after each comma and colon, as Python's own is by default.
spaced: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False).encode
#: JSON of a text.
as_text: Callable[[str], str] = encode_basestring
#: Writes something of each value.
Write = Callable[[Sequence[Any]], list[str]]
#: One field of several objects: what stands before the text of each, the texts, and what stands
#: after it; C{None}: there is nothing to tell of any.
Column = Callable[[list[Any]], "tuple[str, list[str], str] | None"]
#: Of each of several objects a text: columns whose texts are to be joined, and that may be endless.
Told = Callable[[Sequence[Any]], list[Iterable[str]]]
_SIMPLE = (Text, Whole, Flag, OneOf, Reference)


def shown(one: Difference) -> dict[str, Any]:
    """A field that differs, as it is answered."""
    return {"field": one.field, "before": one.before, "after": one.after, "secret": one.secret}


class _Writers(dict[type, Told]):
    """A function for each class, made when it is first wanted."""

    def __missing__(self, cls: type) -> Told:
        made = self[cls] = _writer(cls)
        return made


#: Class -> what writes, of each of several objects, the list of the fields that it differs from
#: its defaults in.
FIELDS: Mapping[type, Told] = _Writers()


def each(values: Sequence[Any], write: Write) -> list[str]:
    """What is written of each value; once of one object that stands there many times."""
    idents = list(map(id, values))
    distinct = dict(zip(idents, values, strict=True))
    if 2 * len(distinct) > len(values):
        return write(values)
    done = dict(zip(distinct, write([*distinct.values()]), strict=True))
    return list(map(done.__getitem__, idents))


def _writer(cls: type) -> Told:
    """By fields: what all the objects have in one is looked at, and written, by one loop."""
    several_of = [
        (gathering(name), _column(cls, name, kind, default, dumped))
        for name, kind, default, dumped in defaults(cls)
        if name != "id"
    ]

    def columns(several: Sequence[Any]) -> list[Iterable[str]]:
        written = [column(values(several)) for values, column in several_of]
        told = [one for one in written if one is not None]
        done: list[Iterable[str]] = []
        between = "["
        for begin, texts, end in told:
            # The first one's comma is none, if it is one that all of them begin with.
            done += [repeat(between + (begin if done else begin[2:])), texts]
            between = end
        done.append(repeat(between + "]"))
        if told and told[0][0]:
            return done
        rows = map("".join, zip(*done, [""] * len(several), strict=False))
        return [[row.replace("[, ", "[", 1) for row in rows]]

    return columns


def _column(cls: type, name: str, kind: Kind, default: Any, dumped: Any) -> Column:
    """What writes one field; a comma stands before what is told of it, nothing for a default."""
    if name in secret_fields(cls):
        secret = ", " + spaced(shown(Difference(name, None, None, True)))
        return _unusual(default, lambda value: secret)
    if not plain(cls) or not _is_simple(kind, dumped):
        dump = kind.dump
        return _unusual(default, lambda value: _other(name, dumped, dump(value)))
    begin = f', {{"field": {as_text(name)}, "before": {spaced(dumped)}, "after": '
    end = ', "secret": false}'
    write = _values(kind)

    def column(values: list[Any]) -> tuple[str, list[str], str] | None:
        usual = values.count(default)
        if usual == len(values):
            return None
        if not usual:
            return begin, write(values), end
        texts = zip(values, write(values), strict=True)
        return "", ["" if value == default else begin + text + end for value, text in texts], ""

    return column


def _unusual(default: Any, write: Callable[[Any], str]) -> Column:
    """What writes each value that is not that object."""
    # Nothing else is equal to these.
    counted = default is None or default == ()

    def column(values: list[Any]) -> tuple[str, list[str], str] | None:
        if counted and values.count(default) == len(values):
            return None
        if all(value is default for value in values):
            return None
        return "", ["" if value is default else write(value) for value in values], ""

    return column


def _values(kind: Kind) -> Write:
    """What writes the JSON of values of a kind."""
    if type(kind) in (Text, Reference):
        return lambda values: list(map(as_text, values))
    known = {"dump": kind.dump, "quoted": as_text, "written": spaced}
    source = f"lambda values: [{expression(kind, 'dump')} for value in values]"
    write: Write = eval(compile(source, f"<created: {type(kind).__name__}>", "eval"), known)
    return partial(each, write=write) if type(innermost(kind)) in (OneOf, Flag) else write


def _is_simple(kind: Kind, dumped: Any) -> bool:
    return type(innermost(kind)) in _SIMPLE and not isinstance(dumped, dict)


def mapping(texts: Mapping[str, str]) -> str:
    """The JSON of texts by texts."""
    pairs = [f"{as_text(key)}: {as_text(value)}" for key, value in texts.items()]
    return f"{{{', '.join(pairs)}}}"


def _other(name: str, old: Any, new: Any) -> str:
    return "".join(", " + spaced(shown(one)) for one in differing(name, old, new))
