"""
Which objects an object refers to, found by functions that are made once for each class.

Of many thousand objects nearly all hold their references in fields of their own, or none at all;
those within other values are found by L{fiberlb.model.convert.map_references}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.convert import map_references, referring
from fiberlb.model.copying import Form, plain
from fiberlb.model.fields import Kind, Optional, Reference

#: A collection, the id or name referred to, and the path within the object.
Referred = tuple[str, str, Path]
#: Finds the one id that a word stands for in a collection; C{None}: it is not one.
Find = Callable[[str, str], str | None]
#: Objects with ids for names, given what there is in each collection, and what finds the words of
#: each of them; C{None} in place of one: it takes more.
Settle = Callable[[Iterable[Any], Mapping[str, Mapping[str, Any]], Iterable[Find]], list[Any]]


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
        form = Form(cls)
        made = self[cls] = form.compiled("settled", _settling(cls, form))
        return made


#: Class -> what finds the references of its objects.
REFERENCES: Mapping[type, Callable[[Any], list[Referred]]] = _References()
#: Class -> what puts ids into its objects.
SETTLES: Mapping[type, Settle] = _Settles()


@cache
def directly(cls: Any) -> tuple[tuple[str, str], ...]:
    """The fields of a class that are a reference, with the collections they refer to."""
    targets = [(name, _target(kind)) for name, kind in referring(cls)]
    return tuple((name, to) for name, to in targets if to is not None)


@cache
def indirectly(cls: Any) -> tuple[str, ...]:
    """The fields of a class whose values may have references within."""
    return tuple(name for name, kind in referring(cls) if _target(kind) is None)


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


def _settling(cls: Any, form: Form) -> Iterator[str]:
    direct = directly(cls)
    yield "def settled(several, there, finding):"
    yield " done = []"
    yield " add = done.append"
    for name, to in direct:
        yield f" there_{name} = there[{to!r}]"
    yield " for made, find in zip(several, finding):"
    yield "  changed = False"
    for name, to in direct:
        yield f"  {name} = made.{name}"
        yield f"  if {name} and {name} not in there_{name}:"
        yield f"   {name} = find({to!r}, {name})"
        yield f"   if {name} is None: add(None); continue"
        yield "   changed = True"
    for name in indirectly(cls):
        yield f"  value = made.{name}"
        yield "  if value is not None and value != (): add(None); continue"
    yield "  if not changed: add(made); continue"
    put = {name: name for name, _ in direct}
    if plain(cls):
        values = {a.name: put.get(a.name, f"made.{a.name}") for a in attrs.fields(cls)}
        for line in (*form.begin(values), form.CLOSE, " add(new)"):
            yield " " + line
    else:
        form.names["evolve"] = attrs.evolve
        yield f"  add(evolve(made, {', '.join(f'{name}={name}' for name in put)}))"
    yield " return done"


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


def _compiled(name: str, lines: Iterator[str]) -> Any:
    known: dict[str, Any] = {"within": _within}
    exec(compile("\n".join(lines), f"<{name}>", "exec"), known)
    return known[name]
