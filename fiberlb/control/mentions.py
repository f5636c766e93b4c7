"""Objects in few words, and who refers to them."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from fiberlb.control.refusals import Mention
from fiberlb.control.state import State
from fiberlb.errors import Problem
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.referring import references
from fiberlb.model.resource import Resource


def users_of(configuration: Configuration, ids: Iterable[str]) -> dict[str, list[Resource]]:
    """
    Who refers to some objects, other than their children.

    @return: id -> the objects that refer to it, for those that any does.
    """
    wanted = frozenset(ids)
    found: dict[str, list[Resource]] = {}
    for objects in configuration.objects.values():
        for made in objects.values():
            parent = made.PARENT[0] if made.PARENT else None
            words = {word for _, word, path in references(made) if path[0] != parent}
            for ident in words & wanted:
                found.setdefault(ident, []).append(made)
    return found


def mention(made: Resource) -> Mention:
    """The object in few words."""
    return Mention(made.COLLECTION, made.id, made.name)


def elsewhere(problem: Problem, configuration: Configuration, state: State) -> Problem:
    """A problem at (collection, id, ...) of an object that the client did not send."""
    if len(problem.path) < 2 or problem.path[0] not in COLLECTIONS:
        return problem
    collection, ident, *field = problem.path
    made = configuration.objects.get(str(collection), {}).get(str(ident))
    name = (made.name or made.id) if made is not None else str(ident)
    at = f", {Problem(tuple(field), '').field}" if field else ""
    position = problem.position or state.file.position(problem.path)
    message = f"{name!r} of {collection}{at}: {problem.message}"
    return attrs.evolve(problem, path=(), message=message, position=position)
