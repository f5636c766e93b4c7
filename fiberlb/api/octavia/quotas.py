"""How much a project may have (spec page C{octavia-api}, section 2.8)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from fiberlb.api.octavia.attributes import Attribute, created, number
from fiberlb.api.octavia.faults import Fault
from fiberlb.api.octavia.view import View
from fiberlb.control.operations import Op, Operation
from fiberlb.control.shelf import Shelf
from fiberlb.model.configuration import DEFAULT_LOAD_BALANCER
from fiberlb.model.l7 import L7Policy
from fiberlb.model.pool import Pool

#: What is counted, and the word for it in the refusal.
RESOURCES = {
    "loadbalancer": "Load Balancer",
    "listener": "Listener",
    "pool": "Pool",
    "member": "Member",
    "healthmonitor": "Health Monitor",
    "l7policy": "L7Policy",
    "l7rule": "L7Rule",
}
#: The names that Octavia has misspelt and kept -> those that it means.
ALIASES = {"load_balancer": "loadbalancer", "health_monitor": "healthmonitor"}
UNLIMITED = -1
SHELF = "octavia/quotas/"
_MOST = 2_000_000_000
_LIMIT = Attribute(number(-1, _MOST))
_ATTRIBUTES = dict.fromkeys((*RESOURCES, *ALIASES), _LIMIT)
_COLLECTIONS = {
    "load_balancers": "loadbalancer",
    "listeners": "listener",
    "pools": "pool",
    "members": "member",
    "health_monitors": "healthmonitor",
    "l7_policies": "l7policy",
    "l7_rules": "l7rule",
}


def shown(limits: Mapping[str, int]) -> dict[str, int]:
    """A quota as a document, under all names."""
    done = {name: limits.get(name, UNLIMITED) for name in RESOURCES}
    return {**done, **{alias: done[name] for alias, name in ALIASES.items()}}


def read(body: Any) -> dict[str, int]:
    """
    The limits of a PUT; null is no limit.

    @raise Fault: 400.
    """
    sent = body if isinstance(body, dict) else {}
    given = {n: v for n, v in created("quota", body, _ATTRIBUTES).items() if n in sent}
    plain = {ALIASES.get(name, name): value for name, value in given.items()}
    return {name: UNLIMITED if value is None else value for name, value in plain.items()}


async def all_of(shelf: Shelf) -> dict[str, tuple[dict[str, int], int]]:
    """The quotas that somebody has set, by project."""
    return await shelf.all(SHELF)


async def change(shelf: Shelf, project: str, limits: Mapping[str, int]) -> dict[str, int]:
    """Set some limits of a project; returns all of them."""
    before, revision = (await all_of(shelf)).get(project, ({}, 0))
    done = {**before, **limits}
    await shelf.put(SHELF + project, done, revision)
    return shown(done)


async def reset(shelf: Shelf, project: str) -> None:
    """Have a project without limits again."""
    found = (await all_of(shelf)).get(project)
    if found is not None:
        await shelf.put(SHELF + project, None, found[1])


async def check(view: View, project: str, operations: Sequence[Operation]) -> None:
    """
    Refuse what would make a project's objects more than it may have.

    @raise Fault: 403.
    """
    more = _more(view, operations)
    if not +more:
        return
    limits, _ = (await all_of(view.control.shelf)).get(project, ({}, 0))
    if all(limits.get(name, UNLIMITED) < 0 for name in more):
        return
    there = count(view, project)
    over = [
        RESOURCES[name]
        for name, count_ in more.items()
        if count_ > 0 and 0 <= limits.get(name, UNLIMITED) < there[name] + count_
    ]
    if over:
        raise Fault(403, f"Quota has been met for resources: {', '.join(over)}")


def _more(view: View, operations: Sequence[Operation]) -> Counter[str]:
    """How many more of each kind there would be, at least."""
    more: Counter[str] = Counter()
    for each in operations:
        name = _COLLECTIONS.get(each.collection, "")
        if each.op is Op.CREATE or (name == "healthmonitor" and each.op is Op.REPLACE):
            more[name] += 1
        elif each.op is Op.DELETE:
            more[name] -= 1
    return more


def count(view: View, project: str) -> Counter[str]:
    """How many objects of each kind a project has."""
    found: Counter[str] = Counter()
    owners: dict[str, str] = {}
    for collection, objects in view.configuration.objects.items():
        name = _COLLECTIONS.get(collection)
        for made in objects.values() if name is not None else ():
            if made.id == DEFAULT_LOAD_BALANCER.id:
                continue  # nobody has made it
            owner = _owner(view, collection, made, owners)
            owners[made.id] = owner
            if owner == project and name is not None:
                found[name] += 1
                if isinstance(made, Pool) and made.health_monitor is not None:
                    found["healthmonitor"] += 1
    return found


def _owner(view: View, collection: str, made: Any, owners: Mapping[str, str]) -> str:
    """The project of an object; its parents were asked about before."""
    if collection == "load_balancers":
        return view.project(made.id)
    if isinstance(made, Pool):
        return view.project(view.balancer_of_pool(made.id))
    if collection == "listeners":
        return view.project(made.loadbalancer_id)
    parent = made.PARENT[0] if made.PARENT else L7Policy.COLLECTION
    return owners.get(getattr(made, parent, ""), view.settings.project)
