"""JSON Schemas (2020-12) of the model's documents, derived from the fields and their docstrings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from inspect import cleandoc
from typing import Any, cast

import attrs

from fiberlb.model.convert import AllOr, Nested, kinds
from fiberlb.model.fields import Kind, Optional, Several, Words

_IVAR = re.compile(r"^@ivar (\w+): (.*?)(?=^@|\Z)", re.MULTILINE | re.DOTALL)
_MARKUP = re.compile(r"[CLBI]\{((?:[^{}]|\{[^{}]*\})*)\}")


def properties(cls: type) -> dict[str, dict[str, Any]]:
    """The schema of each field of a class, with what its docstring says and its default."""
    told = _descriptions(cls)
    done = {}
    for name, kind in kinds(cls).items():
        found = dict(kind.schema())
        if name in told:
            found["description"] = told[name]
        default = _default(cls, name, kind)
        if default is not attrs.NOTHING:
            found["default"] = default
        done[name] = found
    return done


def needed(cls: type) -> list[str]:
    """The fields that have no default."""
    return [n for n in kinds(cls) if _attributes(cls)[n].default is attrs.NOTHING]


def definition(cls: type) -> dict[str, Any]:
    """A nested object of a class, as it is written; C{$ref}s lead to C{#/$defs/}."""
    done: dict[str, Any] = {
        "type": "object",
        "description": summary(cls),
        "properties": properties(cls),
        "additionalProperties": False,
    }
    if needed(cls):
        done["required"] = needed(cls)
    return done


def nested(cls: type) -> dict[str, type]:
    """The classes that the fields of a class, and theirs, hold objects of; by name."""
    found: dict[str, type] = {}
    waiting = [cls]
    while waiting:
        for kind in kinds(waiting.pop()).values():
            for inner in _within(kind):
                if inner.__name__ not in found:
                    found[inner.__name__] = inner
                    waiting.append(inner)
    return found


def summary(cls: type) -> str:
    """The first paragraph of a class's docstring, in plain words."""
    return _plain(cleandoc(cls.__doc__ or "").split("\n\n@")[0].split("\n\n")[0])


def _within(kind: Kind) -> Iterator[type]:
    if isinstance(kind, Nested):
        yield kind.cls
    elif hasattr(kind, "nests"):
        yield kind.nests
    elif isinstance(kind, (Optional, AllOr, Several, Words)):
        yield from _within(kind.kind)


def _attributes(cls: type) -> Mapping[str, Any]:
    return {a.name: a for a in attrs.fields(cast(Any, cls))}


def _default(cls: type, name: str, kind: Kind) -> Any:
    """The default as it is written; C{NOTHING} where there is none or it is made anew each time."""
    default = _attributes(cls)[name].default
    if default is attrs.NOTHING or isinstance(default, attrs.Factory):  # type: ignore[arg-type]
        return attrs.NOTHING
    return kind.dump(default)


def _descriptions(cls: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        if each is not object:
            told = _IVAR.findall(cleandoc(each.__doc__ or ""))
            found.update({name: _plain(text) for name, text in told})
    return found


def _plain(text: str) -> str:
    """A docstring's words without its markup, in one line."""
    return " ".join(_MARKUP.sub(r"\1", text).split())
