"""
Which objects an object refers to, found by functions that are made once for each class.

Of many thousand objects nearly all hold their references in fields of their own, or none at all;
those within other values are found by L{fiberlb.model.convert.map_references}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.convert import map_references, referring
from fiberlb.model.copying import COPIERS
from fiberlb.model.fields import Kind, Optional, Reference

#: A collection, the id or name referred to, and the path within the object.
Referred = tuple[str, str, Path]
#: Finds the one id that a word stands for in a collection; C{None}: it is not one.
Find = Callable[[str, str], str | None]
#: An object with ids for names, given what there is in each collection; C{None}: it takes more.
Settle = Callable[[Any, Mapping[str, Mapping[str, Any]], Find], Any]


def references(made: Any) -> list[Referred]:
    """Every reference in an object."""
    return REFERENCES[type(made)](made)


class _References(dict[type, Callable[[Any], list[Referred]]]):
    """A function for each class, made when it is first wanted."""

    def __missing__(self, cls: type) -> Callable[[Any], list[Referred]]:
        made = self[cls] = _compiled("found", _finding(cls))
        return made


class _Settles(dict[type, Settle]):
    """The same, for what has ids put in."""

    def __missing__(self, cls: type) -> Settle:
        made = self[cls] = _compiled("settled", _settling(cls), COPIERS[cls])
        return made


#: Class -> what finds the references of its objects.
REFERENCES: Mapping[type, Callable[[Any], list[Referred]]] = _References()
#: Class -> what puts ids into its objects.
SETTLES: Mapping[type, Settle] = _Settles()


def _finding(cls: type) -> Iterator[str]:
    yield "def found(made):"
    yield " several = []"
    for name, kind in referring(cls):
        to = _target(kind)
        yield f" value = made.{name}"
        if to is None:
            yield f" if value is not None: several += within(made, {name!r}, value)"
        else:
            yield f" if value is not None: several.append(({to!r}, value, ({name!r},)))"
    yield " return several"


def _settling(cls: type) -> Iterator[str]:
    yield "def settled(made, there, find):"
    yield " changed = None"
    for name, kind in referring(cls):
        to = _target(kind)
        yield f" value = made.{name}"
        if to is None:
            yield " if value is not None and value != (): return None"
            continue
        yield f" if value and value not in there[{to!r}]:"
        yield f"  value = find({to!r}, value)"
        yield "  if value is None: return None"
        yield "  if changed is None: changed = {}"
        yield f"  changed[{name!r}] = value"
    yield " return made if changed is None else copy(made, changed)"


def _target(kind: Kind) -> str | None:
    """The collection that a field's value itself is a reference to."""
    if isinstance(kind, Optional):
        kind = kind.kind
    return kind.to if type(kind) is Reference else None


def _within(made: Any, name: str, value: Any) -> list[Referred]:
    """The references within the value of one field."""
    found: list[Referred] = []

    def note(to: str, text: str, path: Path) -> str:
        if path[0] == name:
            found.append((to, text, path))
        return text

    map_references(made, note)
    return found


def _compiled(name: str, lines: Iterator[str], copy: Any = attrs.evolve) -> Any:
    known: dict[str, Any] = {"within": _within, "copy": copy}
    exec(compile("\n".join(lines), f"<{name}>", "exec"), known)
    return known[name]
