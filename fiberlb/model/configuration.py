"""
All objects of one revision, with their references resolved.

Problems found here name fields as C{(collection, id, field, ...)}; whoever
knows which document an object came from turns that into a place in a file or
a pointer into an API body.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice
from operator import attrgetter, is_
from typing import Any, TypeVar

import attrs

from fiberlb.errors import Path, Problem, nearest
from fiberlb.model.certificate import Certificate
from fiberlb.model.convert import map_references
from fiberlb.model.fields import MOST_SUGGESTIONS
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Member, Pool
from fiberlb.model.referring import SETTLES, Find, references
from fiberlb.model.resource import UUID_PATTERN, Meta, Owner, Resource, file_id

R = TypeVar("R", bound=Resource)

#: Every collection, parents before children: name -> class. The one registry of kinds of objects.
COLLECTIONS: Mapping[str, type[Resource]] = {
    "load_balancers": LoadBalancer,
    "certificates": Certificate,
    "pools": Pool,
    "members": Member,
    "listeners": Listener,
    "l7_policies": L7Policy,
    "l7_rules": L7Rule,
}

#: Objects that are looked at in one step.
_STEP = 1000
_UUID = re.compile(UUID_PATTERN)

DEFAULT_LOAD_BALANCER = LoadBalancer(id=file_id("load_balancers", "", "default"), name="default")


@attrs.frozen
class Configuration:
    """
    The objects in force at one revision, of the file and of the store together.

    @ivar revision: the store's counter of configuration commits.
    @ivar objects: collection -> id -> object, in order of creation.
    @ivar meta: id -> owner, times and revision.
    """

    revision: int = 0
    objects: Mapping[str, Mapping[str, Resource]] = attrs.field(factory=dict)
    meta: Mapping[str, Meta] = attrs.field(factory=dict)
    _children: dict[str, dict[str, list[Any]]] = attrs.field(
        factory=dict, init=False, eq=False, repr=False
    )

    @property
    def size(self) -> int:
        """How many objects there are."""
        return sum(map(len, self.objects.values()))

    def holds(self, ident: str) -> bool:
        """Whether there is an object of this id."""
        return any(ident in objects for objects in self.objects.values())

    def all(self, cls: type[R]) -> Mapping[str, R]:
        """One collection, by its class."""
        return self.objects.get(cls.COLLECTION, {})  # type: ignore[return-value]

    def children(self, cls: type[R], parent: str) -> list[R]:
        """The objects of a class that belong to one parent, in order of creation."""
        return self.by_parent(cls).get(parent, [])

    def by_parent(self, cls: type[R]) -> Mapping[str, list[R]]:
        """The objects of a class by the ids of their parents; those that have some."""
        index = self._children.get(cls.COLLECTION)
        if index is None:
            for _ in self.indexed(cls):
                pass
            index = self._children[cls.COLLECTION]
        return index

    def indexed(self, cls: type[R]) -> Iterator[None]:
        """Find out the L{children} of all parents, in steps, before they are asked for."""
        assert cls.PARENT is not None
        if cls.COLLECTION in self._children:
            return
        index: defaultdict[str, list[Any]] = defaultdict(list)
        parent_of = attrgetter(cls.PARENT[0])
        objects = iter(self.all(cls).values())
        while some := list(islice(objects, _STEP)):
            for made, parent in zip(some, map(parent_of, some), strict=True):
                index[parent].append(made)
            yield
        self._children[cls.COLLECTION] = dict(index)

    def share(self, other: Configuration) -> None:
        """Have the L{children} of another one where those are the very same objects."""
        for collection, index in other._children.items():
            ours, theirs = self.objects.get(collection, {}), other.objects.get(collection, {})
            if len(ours) == len(theirs) and all(map(is_, ours.values(), theirs.values())):
                self._children.setdefault(collection, index)

    def policies(self, listener: str) -> list[L7Policy]:
        """A listener's policies in order of position, ties by creation."""
        found = self.children(L7Policy, listener)
        return sorted(found, key=lambda p: -1 if p.position is None else p.position)

    def owner(self, ident: str) -> Owner:
        """Who made an object."""
        return self.meta[ident].managed_by


def find(
    configuration: Configuration, collection: str, word: str, prefer: Owner | None = None
) -> list[str]:
    """
    The ids of the objects that an id or a name stands for: none, one, or several of one name.

    @param prefer: objects of this owner win over the others (references in a file).
    """
    objects = configuration.objects.get(collection, {})
    ident = word.lower() if _UUID.fullmatch(word) else word
    if ident in objects:
        return [ident]
    named = [made.id for made in objects.values() if made.name == word]
    return _preferred(configuration, named, prefer)


def _preferred(configuration: Configuration, named: list[str], prefer: Owner | None) -> list[str]:
    if prefer is None or len(named) < 2:
        return named
    return [ident for ident in named if configuration.owner(ident) is prefer] or named


class _Names:
    """L{find} for many words: the names of a collection are gone through once."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._ids: dict[str, dict[str, list[str]]] = {}

    def find(self, collection: str, word: str, prefer: Owner | None) -> list[str]:
        objects = self._configuration.objects.get(collection, {})
        if word in objects:
            return [word]
        if collection not in self._ids:
            index = self._ids[collection] = {}
            for made in objects.values():
                index.setdefault(made.name, []).append(made.id)
        named = self._ids[collection].get(word)
        if named is None:
            return find(self._configuration, collection, word, prefer)
        return _preferred(self._configuration, named, prefer)

    def finding(self, prefer: Owner | None) -> Find:
        """The one id that a word stands for in a collection; C{None}: none, or several."""
        known: dict[tuple[str, str], str | None] = {}

        def find(collection: str, word: str) -> str | None:
            key = collection, word
            if key not in known:
                found = self.find(collection, word, prefer)
                known[key] = found[0] if len(found) == 1 else None
            return known[key]

        return find


def resolve(configuration: Configuration) -> tuple[Configuration, list[Problem]]:
    """The configuration with every reference an id, and what could not be resolved."""
    problems: list[Problem] = []
    names = _Names(configuration)
    there = {collection: configuration.objects.get(collection, {}) for collection in COLLECTIONS}
    of_file, of_others = names.finding(Owner.FILE), names.finding(None)
    meta, file = configuration.meta, Owner.FILE
    resolved: dict[str, dict[str, Resource]] = {}
    for collection, objects in configuration.objects.items():
        finding = [of_file if meta[i].managed_by is file else of_others for i in objects]
        settled = SETTLES[COLLECTIONS[collection]](objects.values(), there, finding)
        done: dict[str, Any] = dict(zip(objects, settled, strict=True))
        for ident in [ident for ident, made in done.items() if made is None]:
            prefer = file if meta[ident].managed_by is file else None
            done[ident] = _resolved(configuration, names, objects[ident], prefer, problems)
        resolved[collection] = done
    return attrs.evolve(configuration, objects=resolved), problems


def _resolved(
    configuration: Configuration,
    names: _Names,
    made: Resource,
    prefer: Owner | None,
    problems: list[Problem],
) -> Resource:
    """An object with every reference an id; notes those that are not resolved."""

    def change(to: str, word: str, path: Path) -> str:
        if not word:
            return word
        found = names.find(to, word, prefer)
        if len(found) == 1:
            return found[0]
        guess = len(problems) < MOST_SUGGESTIONS
        where = (made.COLLECTION, made.id, *path)
        problems.append(_unresolved(configuration, to, word, where, len(found), guess))
        return word

    return map_references(made, change)


def _unresolved(
    c: Configuration, to: str, word: str, path: Path, found: int, guess: bool
) -> Problem:
    kind = to.rstrip("s") if to != "l7_policies" else "l7_policy"
    if found:
        return Problem(path, f"{found} {to} are named {word!r}; use an id", None, "ambiguous")
    names = [made.name for made in c.objects.get(to, {}).values() if made.name] if guess else []
    return Problem(path, f"there is no {kind} {word!r}", nearest(word, names), "unresolved")


def referrers(configuration: Configuration, ident: str) -> list[tuple[str, str]]:
    """The objects that refer to one, other than its children: (collection, id)."""
    found = []
    for collection, objects in configuration.objects.items():
        parent = COLLECTIONS[collection].PARENT
        for made in objects.values():
            for _, word, path in references(made):
                if word == ident and (parent is None or path[0] != parent[0]):
                    found.append((collection, made.id))
                    break
    return found


def addresses(configuration: Configuration, listener: Listener) -> tuple[str, ...]:
    """Where a listener listens: its own addresses, or those of its load balancer."""
    if listener.address:
        return listener.address
    return configuration.all(LoadBalancer)[listener.loadbalancer_id].addresses
