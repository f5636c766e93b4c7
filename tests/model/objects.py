"""Objects of a configuration with few fields, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fiberlb.errors import Problem
from fiberlb.model.configuration import COLLECTIONS, DEFAULT_LOAD_BALANCER, Configuration
from fiberlb.model.l7 import L7Policy
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Meta, Owner, Resource
from tests.model.documents import made


def ident(number: int) -> str:
    """A UUID with a number in it."""
    return f"0a0a0a0a-0000-4000-8000-{number:012d}"


def configuration(*objects: Resource, owners: dict[str, Owner] | None = None) -> Configuration:
    """A configuration of these objects, in this order."""
    collections: dict[str, dict[str, Resource]] = {collection: {} for collection in COLLECTIONS}
    collections["load_balancers"][DEFAULT_LOAD_BALANCER.id] = DEFAULT_LOAD_BALANCER
    for each in objects:
        collections[each.COLLECTION][each.id] = each
    meta = {
        each.id: Meta((owners or {}).get(each.id, Owner.API), "", "", 1)
        for each in (DEFAULT_LOAD_BALANCER, *objects)
    }
    return Configuration(1, collections, meta)


def listener(number: int, **fields: Any) -> Listener:
    """An http listener on a port of its own."""
    given = {"name": f"l{number}", "port": 8000 + number, "protocol": "http", **fields}
    return made(Listener, id=ident(number), **given)


def pool(number: int, **fields: Any) -> Pool:
    """A pool."""
    return made(Pool, id=ident(number), **{"name": f"p{number}", **fields})


def policy(number: int, parent: str, **fields: Any) -> L7Policy:
    """A policy that rejects unless said otherwise."""
    target = fields if "redirect_pool_id" in fields else {"action": "reject", **fields}
    return made(L7Policy, id=ident(number), name=f"y{number}", listener_id=parent, **target)


def told(problems: Any) -> list[tuple[str, str]]:
    """Field and message of each problem."""
    assert all(isinstance(problem, Problem) for problem in problems)
    return [(problem.field, problem.message) for problem in problems]


def within(problems: Iterable[Problem]) -> list[tuple[str, str]]:
    """The same, the fields within their objects."""
    return [(field.split(".", 2)[2], message) for field, message in told(list(problems))]
