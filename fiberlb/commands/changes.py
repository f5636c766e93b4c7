"""Changes of objects in lines for people: what comes, what goes, and which fields differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import click

#: What an object of a collection is called.
_KINDS = {
    "load_balancers": "load balancer",
    "certificates": "certificate",
    "pools": "pool",
    "members": "member",
    "listeners": "listener",
    "l7_policies": "policy",
    "l7_rules": "rule",
    "keys": "key",
}
_SIGNS = {"create": ("+", "green"), "update": ("~", "yellow"), "delete": ("-", "red")}
_WORDS = {"create": "to create", "update": "to change", "delete": "to delete"}
#: Characters of a value; what is longer is cut.
LONGEST = 60
#: Lines that are printed together.
AT_ONCE = 500


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """
    The changes of an answer, each object on a line, each field of a changed one below it.

    @param found: what C{POST /v1/apply} or C{GET /v1/revisions/N} answers.
    """
    names = found.get("names", {})
    for change in found["changes"]:
        sign, colour = _SIGNS.get(change["op"], ("*", "cyan"))
        name = change["name"] or change["id"]
        within = change.get("within")
        kind = _KINDS.get(change["collection"], change["collection"])
        head = f"{sign} {kind} {within + '/' if within else ''}{name}"
        styled = click.style(head, fg=colour)
        if change["op"] == "create":
            told = [_came(one, names) for one in change.get("fields", ()) if _tells(one, within)]
            yield f"{styled}  ({', '.join(told)})" if told else styled
            continue
        yield styled
        for one in change.get("fields", ()) if change["op"] == "update" else ():
            yield f"    {_differs(one, names)}"


def _tells(field: Mapping[str, Any], within: str | None) -> bool:
    """Whether a field of a new object says what its name and its place do not."""
    parents = ("pool_id", "listener_id", "policy_id")
    return field["field"] != "name" and not (within and field["field"] in parents)


def _came(field: Mapping[str, Any], names: Mapping[str, str]) -> str:
    hidden = field["secret"] or isinstance(field["after"], dict)
    value = "set" if hidden else _value(field["after"], names)
    return f"{field['field']} {value}"


def _differs(field: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if field["secret"]:
        return f"{field['field']}: another one (not shown)"
    before, after = (_value(field[side], names) for side in ("before", "after"))
    return f"{field['field']}: {before} -> {after}"


def _value(value: Any, names: Mapping[str, str]) -> str:
    if isinstance(value, str) and value in names:
        return names[value]
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        text = "[" + ", ".join(names.get(one, one) for one in value) + "]"
    elif isinstance(value, str):
        text = value if value and value.isprintable() else json.dumps(value)
    else:
        text = json.dumps(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def adopts(change: Mapping[str, Any]) -> bool:
    """Whether a change is of who owns the object and of nothing else."""
    fields = [one["field"] for one in change.get("fields", ())]
    return change["op"] == "update" and fields == ["managed_by"]


def summary(found: Mapping[str, Any]) -> str:
    """How many of each, for one line."""
    adopted = sum(map(adopts, found["changes"]))
    counts = Counter(change["op"] for change in found["changes"])
    counts["update"] -= adopted
    told = [f"{counts[op]} {word}" for op, word in _WORDS.items() if counts[op]]
    if adopted:
        told.append(f"{adopted} as they are, to belong to apply")
    return ", ".join(told) or "nothing to change"


def show(found: Mapping[str, Any]) -> None:
    """Print the changes of an answer, then what should be known of them."""
    told = lines(found)
    # Many at a time: to print a line takes longer than to make it.
    while some := list(islice(told, AT_ONCE)):
        click.echo("\n".join(some))
    for warning in found.get("warnings", ()):
        click.echo(f"warning: {warning}", err=True)
