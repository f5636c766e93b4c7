"""
The fields of an object that came, as JSON text: what L{differences} tells of it.

By functions that are made once for each class, for a large configuration that is new is told
whole. Texts are as they are; only what JSON has to escape is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from json.encoder import encode_basestring
from typing import Any

from fiberlb.control.differences import Difference, defaults, differing
from fiberlb.model.convert import secret_fields
from fiberlb.model.copying import plain
from fiberlb.model.fields import Flag, Kind, OneOf, Reference, Text, Whole
from fiberlb.model.texts import expression, innermost

#: JSON with a blank after each comma and colon, as Python's own is by default.
spaced: Callable[[Any], str] = json.JSONEncoder(ensure_ascii=False).encode
#: JSON of a text.
as_text: Callable[[str], str] = encode_basestring
_SIMPLE = (Text, Whole, Flag, OneOf, Reference)


def shown(one: Difference) -> dict[str, Any]:
    """A field that differs, as it is answered."""
    return {"field": one.field, "before": one.before, "after": one.after, "secret": one.secret}


class _Writers(dict[type, Callable[[Any], str]]):
    """A function for each class, made when it is first wanted."""

    def __missing__(self, cls: type) -> Callable[[Any], str]:
        known: dict[str, Any] = {"quoted": as_text, "written": spaced, "other": _other}
        exec(compile("\n".join(_source(cls, known)), f"<created: {cls.__name__}>", "exec"), known)
        made: Callable[[Any], str] = known["text"]
        self[cls] = made
        return made


#: Class -> what writes the list of the fields that an object differs from its defaults in.
FIELDS: Mapping[type, Callable[[Any], str]] = _Writers()


def _source(cls: type, known: dict[str, Any]) -> Iterator[str]:
    secrets = secret_fields(cls)
    yield "def text(made):"
    yield " done = ''"
    for name, kind, default, dumped in defaults(cls):
        if name == "id":
            continue
        known[f"default_{name}"], known[f"dumped_{name}"] = default, dumped
        known[f"dump_{name}"] = kind.dump
        yield f" value = made.{name}"
        yield f" if value is not default_{name}:"
        if name in secrets:
            known[f"secret_{name}"] = ", " + spaced(shown(Difference(name, None, None, True)))
            yield f"  done += secret_{name}"
        elif plain(cls) and _is_simple(kind, dumped):
            known[f"start_{name}"] = (
                f', {{"field": {as_text(name)}, "before": {spaced(dumped)}, "after": '
            )
            value = expression(kind, f"dump_{name}")
            piece = f"done += start_{name} + {value} + ', \"secret\": false}}'"
            yield f"  if value != default_{name}: {piece}"
        else:
            yield f"  done += other({name!r}, dumped_{name}, dump_{name}(value))"
    yield " return '[' + done[2:] + ']'"


def _is_simple(kind: Kind, dumped: Any) -> bool:
    return type(innermost(kind)) in _SIMPLE and not isinstance(dumped, dict)


def _other(name: str, old: Any, new: Any) -> str:
    return "".join(", " + spaced(shown(one)) for one in differing(name, old, new))
