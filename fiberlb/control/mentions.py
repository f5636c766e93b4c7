"""Objects in few words, and who refers to them."""

from __future__ import annotations

from collections.abc import Iterable

from fiberlb.control.refusals import Mention
from fiberlb.model.configuration import Configuration
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
