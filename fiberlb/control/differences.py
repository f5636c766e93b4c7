"""What a change did to an object, field by field; what is secret is only named."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, cast

import attrs

from fiberlb.control.past import Version
from fiberlb.control.records import Record
from fiberlb.model.convert import kinds, referring, secret_fields, unstructure
from fiberlb.model.fields import Kind, Reference
from fiberlb.model.referring import references
from fiberlb.model.resource import Resource
from fiberlb.model.texts import innermost


@attrs.frozen
class Difference:
    """
    One field that differs.

    @ivar field: its name; within a nested value a path, C{health_monitor.interval}.
    @ivar before: C{None} also where there was none.
    @ivar secret: it is a secret that differs, and neither value is told.
    """

    field: str
    before: Any
    after: Any
    secret: bool = False


def differences(version: Version) -> list[Difference]:
    """
    The fields that an object differs in, whose it is among them.

    Of one that came or went those with another value than their default.
    """
    made, before, after = version.record.made, version.before, version.after
    if before is None or after is None:
        return _alone(version.record, after is not None)
    secrets = secret_fields(type(made))
    old, new = unstructure(before.made), unstructure(after.made)
    found = []
    for name in old:
        if name in secrets:
            if getattr(before.made, name) != getattr(after.made, name):
                found.append(Difference(name, None, None, True))
        elif name != "id":
            found += differing(name, old[name], new[name])
    owners = before.meta.managed_by.value, after.meta.managed_by.value
    found += differing("managed_by", *owners)
    return found


def _alone(record: Record, came: bool) -> list[Difference]:
    """
    Of an object that came or went, what differs from its class's defaults: there may be very many.
    """
    made = record.made
    secrets = secret_fields(type(made))
    found = []
    for name, kind, default, dumped in defaults(type(made)):
        value = getattr(made, name)
        if value is default or name == "id":
            continue
        if name in secrets:
            found.append(Difference(name, None, None, True))
        else:
            own = kind.dump(value)
            found += differing(name, dumped, own) if came else differing(name, own, dumped)
    return found


def defaults(cls: type) -> tuple[tuple[str, Kind, Any, Any], ...]:
    """Of each field the name, the kind, the default, and how that is told."""
    return _defaults(cast(Hashable, cls))


@cache
def _defaults(cls: Hashable) -> tuple[tuple[str, Kind, Any, Any], ...]:
    defaults = {a.name: a.default for a in attrs.fields(cast(Any, cls))}
    found = []
    for name, kind in kinds(cast(type, cls)).items():
        default = defaults[name]
        missing = default is attrs.NOTHING or isinstance(default, attrs.Factory)  # type: ignore[arg-type]
        found.append((name, kind, default, None if missing else kind.dump(default)))
    return tuple(found)


def differing(name: str, old: Any, new: Any) -> Iterator[Difference]:
    """The differences of one field, by what documents say of it before and after."""
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in dict.fromkeys([*old, *new]):
            yield from differing(f"{name}.{key}", old.get(key), new.get(key))
        return
    yield Difference(name, old, new)


def names(
    versions: Iterable[Version], known: Iterable[Mapping[str, Resource]] = ()
) -> dict[str, str]:
    """
    What ids in differences stand for.

    @param known: objects by id that there are beside those that changed.
    """
    sides = [
        record.made
        for version in versions
        for record in (version.before, version.after)
        if record is not None
    ]
    wanted = _referred(sides)
    called = {}
    for made in known:
        called.update({ident: made[ident].name for ident in filter(wanted.__contains__, made)})
    called.update({made.id: made.name for made in sides if made.id in wanted})
    return {ident: name for ident, name in called.items() if name}


def _referred(several: Sequence[Resource]) -> set[str | None]:
    """All that objects refer to; there may be very many."""
    found: set[str | None] = set()
    for cls in set(map(type, several)):
        objects = [made for made in several if type(made) is cls]
        for name, kind in referring(cls):
            values = map(attrgetter(name), objects)
            if type(innermost(kind)) is Reference:
                found.update(values)
                continue
            for made, value in zip(objects, values, strict=True):
                if value is not None and value != ():
                    found.update(word for _, word, _ in references(made))
    return found
