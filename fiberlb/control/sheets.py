"""
The documents of many objects in one, field by field.

A write of a large configuration makes tens of thousands of objects that differ in a few fields.
In a sheet what they have in common is said once, and of each other field the values of all of
them stand together, so that it is made, stored and read in a fraction of the time::

    {"collection": "l7_rules", "count": 2, "about": {"managed_by": "api", ...},
     "order": [7, 41], "same": {"rule_type": "HOST_NAME"},
     "columns": {"id": [..., ...], "policy_id": [..., ...], "value": ["a.test", "b.test"]}}

C{order} is that of the first one, where the others follow it one by one, else a list of all.

What objects were before and after a write are two such sheets, either of which may be C{null}. One
object alone is C{{"object": "pools/ID", "before": DOCUMENT or null, "after": DOCUMENT or null}}.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache
from itertools import repeat
from typing import Any, cast

from fiberlb.control.packing import unpacked
from fiberlb.control.records import Record, about
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import spoken
from fiberlb.model.copying import gathering
from fiberlb.model.fields import Flag, Reference, Text, Whole
from fiberlb.model.texts import innermost, written

#: Kinds whose values are what documents have for them.
_AS_THEY_ARE = (Text, Whole, Flag, Reference)
#: Collection and id of an object, its documents before and after; C{None}: it was not there.
Item = tuple[str, str, dict[str, Any] | None, dict[str, Any] | None]


def element(before: Sequence[Record], after: Sequence[Record]) -> bytes:
    """
    What the same objects were before and after, each side as of L{sheet} or empty.
    """
    sides = [b"null" if not side else written(sheet(side)).encode() for side in (before, after)]
    return b'{"before":%b,"after":%b}' % (*sides,)


def items(document: bytes) -> Iterator[Item]:
    """
    The objects of a list of such elements, as it is stored.

    @raise ValueError: it is damaged; so do KeyError and TypeError say.
    """
    for one in unpacked(document):
        if "object" in one:
            collection, ident = one["object"].split("/")
            yield collection, ident, one["before"], one["after"]
            continue
        before, after = (one[side] and rows(one[side]) for side in ("before", "after"))
        for old, new in zip(before or repeat(None), after or repeat(None), strict=False):
            collection, ident, _ = new or old
            yield collection, ident, old and old[2], new and new[2]


def sheet(records: Sequence[Record]) -> dict[str, Any]:
    """
    The documents of some objects.

    @param records: not empty; of one class, which has no secrets, and with equal C{meta}.
    """
    made = [record.made for record in records]
    first = made[0]
    same: dict[str, Any] = {}
    columns: dict[str, list[Any]] = {}
    for name, values_of, kind, empty in _columns(cast(Hashable, type(first))):
        values = values_of(made)
        if values.count(values[0]) < len(values):
            plainly = type(innermost(kind)) in _AS_THEY_ARE
            columns[name] = values if plainly else list(map(kind.dump, values))
        elif values[0] is not empty:
            same[name] = kind.dump(values[0])
    return {
        "collection": first.COLLECTION,
        "count": len(made),
        "about": about(records[0].meta),
        "order": _order([record.order for record in records]),
        "same": same,
        "columns": columns,
    }


@cache
def _columns(cls: Any) -> tuple[tuple[str, Any, Any, Any], ...]:
    return tuple((name, gathering(name), kind, empty) for name, kind, empty, _ in spoken(cls))


def _order(several: list[tuple[int, int]]) -> Any:
    major, minor = several[0]
    following = zip(repeat(major), range(minor, minor + len(several)), strict=False)
    return [major, minor] if several == list(following) else several


def rows(written: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """
    Each object of a sheet: its collection, its id and its document
    (L{fiberlb.control.records.understood}).

    @raise ValueError: it is damaged; so do KeyError and TypeError say.
    """
    collection, count = written["collection"], written["count"]
    parent = COLLECTIONS[collection].PARENT
    columns = written["columns"]
    values = zip(*columns.values(), strict=True) if columns else repeat((), count)
    orders = _orders(written["order"], count)
    for order, row in zip(orders, values, strict=True):
        spec = {**written["same"], **dict(zip(columns, row, strict=True))}
        ident = spec.pop("id")
        within = None if parent is None else spec.pop(parent[0], "")
        yield (
            collection,
            ident,
            {**written["about"], "order": order, "parent": within, "spec": spec},
        )


def _orders(order: Any, count: int) -> Iterator[Any]:
    if isinstance(order[0], int):
        return zip(repeat(order[0], count), range(order[1], order[1] + count), strict=True)
    return iter(order)
