"""Objects as people read them: rows of a list, and the fields of one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import attrs

from fiberlb.commands.asking import Client
from fiberlb.commands.exits import Failed
from fiberlb.commands.object_kinds import ObjectKind, kinds
from fiberlb.commands.printing import Printer
from fiberlb.model.convert import AllOr
from fiberlb.model.convert import kinds as fields_of
from fiberlb.model.fields import Kind, Optional, Reference, Several

#: What a list shows, by collection; dots lead into documents. Anything else: C{--columns}.
_COLUMNS = {
    "load_balancers": "name enabled description managed_by",
    "certificates": "name cert_type names expires_at managed_by",
    "pools": "name protocol algorithm members health_monitor.type enabled managed_by",
    "members": "pool_id name address port weight backup status.health operational.state"
    " status.in_flight",
    "listeners": "name protocol address port default_pool_id status.state status.connections"
    " managed_by",
    "l7_policies": "listener_id position name action redirect_pool_id rules enabled managed_by",
    "l7_rules": "name rule_type compare_type key value values invert enabled",
}
_OTHERWISE = "name enabled managed_by"
#: Characters of a value in the fields of one object.
_LONGEST = 300


@attrs.frozen
class Names:
    """
    Names of the objects that others refer to, asked for when they are needed.

    @ivar client: who is asked.
    """

    client: Client
    _known: dict[str, Mapping[str, str]] = attrs.field(factory=dict)

    def of(self, collection: str, ident: str) -> str:
        """What an object is called; its id, if it has no name or nobody can say."""
        if collection not in self._known:
            try:
                several = self.client.every(f"/v1/{collection}")
            except Failed:
                several = []
            self._known[collection] = {one["id"]: one.get("name") or one["id"] for one in several}
        return self._known[collection].get(ident, ident)


def columns_of(kind: ObjectKind, given: str | None) -> Sequence[str]:
    """What a list shows of each object."""
    if given is not None:
        return [name.strip() for name in given.split(",") if name.strip()]
    return _COLUMNS.get(kind.collection, _OTHERWISE).split()


def rows(
    kind: ObjectKind, documents: Sequence[Mapping[str, Any]], columns: Sequence[str], names: Names
) -> Iterator[Sequence[str]]:
    """Each document as a row of these columns."""
    for one in documents:
        yield [_cell(kind.cls, one, name, names) for name in columns]


def titles(columns: Sequence[str]) -> list[str]:
    """The head of a table."""
    ends = [_title(*name.split(".")).removesuffix("_id") for name in columns]
    return [end.replace("_", " ").upper() for end in ends]


def _title(*steps: str) -> str:
    return steps[-2] if len(steps) > 1 and steps[-1] in ("type", "name") else steps[-1]


def show(kind: ObjectKind, found: Mapping[str, Any], names: Names, printer: Printer) -> None:
    """Print one object: its fields, then what is in it as tables of their own."""
    within = {
        key: kinds()[collection] for key, collection in getattr(kind.cls, "CHILDREN", {}).items()
    }
    rest = {key: value for key, value in found.items() if key not in within}
    printer.fields(_flat(kind.cls, rest, "", names))
    for key, inner in within.items():
        printer.text(f"\n{key}: {'' if found.get(key) else 'none'}".rstrip())
        if found.get(key):
            columns = [
                name
                for name in columns_of(inner, None)
                if name.partition(".")[0] in found[key][0] and name not in _parents(inner)
            ]
            printer.table(titles(columns), rows(inner, found[key], columns, names))


def _parents(kind: ObjectKind) -> tuple[str, ...]:
    return () if kind.cls.PARENT is None else (kind.cls.PARENT[0],)


def _flat(
    cls: type, found: Mapping[str, Any], before: str, names: Names
) -> Iterator[tuple[str, str]]:
    for key, value in found.items():
        if isinstance(value, dict) and value:
            yield from _flat(cls, value, f"{before}{key}.", names)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for index, one in enumerate(value):
                yield from _flat(cls, one, f"{before}{key}[{index}].", names)
        elif value not in ("", [], {}):
            kind = None if before else fields_of(cls).get(key)
            yield f"{before}{key}", _bounded(told(_named(kind, value, names)))


def _bounded(text: str) -> str:
    first, newline, _ = text.partition("\n")
    if newline:
        return f"{first} ... ({len(text)} characters)"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _cell(cls: type, document: Mapping[str, Any], name: str, names: Names) -> str:
    value: Any = document
    for step in name.split("."):
        value = value.get(step) if isinstance(value, Mapping) else None
    return told(_named(fields_of(cls).get(name), value, names))


def _named(kind: Kind | None, value: Any, names: Names) -> Any:
    """A value with names in place of the ids in it."""
    while isinstance(kind, Optional | AllOr):
        kind = kind.kind
    if isinstance(kind, Several) and isinstance(value, list):
        return [_named(kind.kind, one, names) for one in value]
    if isinstance(kind, Several):
        kind = kind.kind
    if isinstance(kind, Reference) and isinstance(value, str) and value:
        return names.of(kind.to, value)
    return value


def told(value: Any) -> str:
    """A value of a document, for people; lists of objects as their number."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        if value and isinstance(value[0], dict):
            return str(len(value))
        return ", ".join(map(told, value)) or "-"
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {told(one)}" for key, one in value.items()) or "-"
    return "-" if value is None or value == "" else str(value)
