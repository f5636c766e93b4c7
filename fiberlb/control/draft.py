"""A mutable picture of the configuration, on which a write is played before it is tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import attrs

from fiberlb.control.last_positions import LastPositions
from fiberlb.control.mentions import elsewhere, mention, users_of
from fiberlb.control.records import Record
from fiberlb.control.refusals import Ambiguous, Exists, InUse, NotFound, OwnedByFile
from fiberlb.control.siblings import Siblings, parent_of
from fiberlb.control.state import State
from fiberlb.control.tree import POSITION_STEP
from fiberlb.errors import Path, Problem
from fiberlb.model.configuration import COLLECTIONS, DEFAULT_LOAD_BALANCER, Configuration, find
from fiberlb.model.copying import evolved
from fiberlb.model.l7 import L7Policy
from fiberlb.model.resource import Owner, Resource

Key = tuple[str, str]


class Placed(Protocol):
    """Where an object stands in what a client sent."""

    def of(self, field: Path) -> Path:
        """The path of a field of the object, C{()} for the object itself."""


class Draft:
    """
    The union of both layers, to be changed; nothing outside sees it.

    References may be names until the draft is examined; parents are ids as
    soon as an object is put.

    @ivar state: what it started from.
    @ivar changed: the objects put, by collection and id, in order.
    @ivar gone: the objects taken out, as they were.
    @ivar lost: ids of objects that lost a child.
    @ivar owners: whose objects are from now on, where that is said.
    @ivar known: what is known of objects that come back.
    @ivar notes: id -> the notes of objects that get others.
    """

    def __init__(self, state: State) -> None:
        self.state = state
        objects = state.configuration.objects
        self._objects = {c: dict(objects.get(c, {})) for c in COLLECTIONS}
        self._view = Configuration(state.revision, self._objects, state.configuration.meta)
        self._siblings = Siblings(self._objects, state.configuration)
        self._last = LastPositions(self.policies)
        self.changed: dict[Key, Resource] = {}
        self.gone: dict[Key, Resource] = {}
        self.lost: set[str] = set()
        self.owners: dict[Key, Owner] = {}
        self.known: dict[Key, Record] = {}
        self.notes: dict[str, Mapping[str, Any]] = {}
        self._places: dict[Key, Placed] = {}

    def objects(self, collection: str) -> Mapping[str, Resource]:
        """A collection as the draft has it, by id, in order of creation."""
        return self._objects[collection]

    def seek(self, collection: str, word: str, parent: str = "") -> Resource | None:
        """
        The object that an id or a name stands for, C{None} if there is none.

        @param parent: only children of this object count.

        @raise Ambiguous: several of that name.
        """
        objects = self._objects[collection]
        found = find(self._view, collection, word)
        if parent:
            siblings = self._siblings.index(collection).get(parent, {})
            found = [ident for ident in found if ident in siblings]
        if len(found) > 1:
            raise Ambiguous(collection, word, found)
        return objects[found[0]] if found else None

    def look(self, collection: str, word: str, parent: str = "") -> Resource:
        """
        As L{seek}.

        @raise NotFound: there is none.
        @raise Ambiguous: several of that name.
        """
        made = self.seek(collection, word, parent)
        if made is None:
            raise NotFound(collection, word)
        return made

    def children(self, collection: str, parent: str) -> list[Resource]:
        """The objects of a collection that belong to a parent, in order of creation."""
        return self._siblings.of(collection, parent)

    def lists(self, collection: str, parents: Iterable[str]) -> list[Sequence[Resource]]:
        """As L{children}, of many parents."""
        return self._siblings.each(collection, parents)

    def new_id(self, made: Resource, fresh: str) -> str:
        """
        The id of a new object: the one it came with, or a fresh one.

        A load balancer called C{default} takes the id of the one that is there
        by itself, so that what refers to that one goes on to.

        @raise Exists: the id is taken.
        """
        ident = made.id.lower()
        default = DEFAULT_LOAD_BALANCER
        if not ident and made.COLLECTION == default.COLLECTION and made.name == default.name:
            there = self._objects[made.COLLECTION].get(default.id)
            if there is None or self.is_implicit(there):
                return default.id
        if ident and any(ident in objects for objects in self._objects.values()):
            raise Exists(f"the id {ident} is taken")
        return ident or fresh

    def put(self, made: Resource, place: Placed | None) -> None:
        """
        Add an object, or have it in place of the one with its id.

        @param place: where it stands in what the client sent; C{None}: it was not sent.

        @raise OwnedByFile: it, or the list it joins, belongs to the file.
        """
        collection = made.COLLECTION
        objects = self._objects[collection]
        before = objects.get(made.id)
        made = self._placed(made, before)
        if before is not None:
            if before == made and not self.is_implicit(before):
                return
            self.own(before)
        if made.PARENT is not None:
            self._adopt(made, before)
        objects[made.id] = made
        self._last.moved(made, before)
        key = (collection, made.id)
        if place is not None:
            self._places[key] = place
        self.changed[key] = made
        if self.gone:
            self.gone.pop(key, None)

    def add(
        self,
        collection: str,
        objects: Sequence[Resource],
        places: Iterable[Placed],
        idents: Sequence[str],
        parents: Iterable[str],
    ) -> list[Key]:
        """
        Add new objects, of which there may be many: to lists of new parents, and such as L{join}
        was asked of.

        @param idents: their ids, which no other objects have.
        @param parents: the ids of their parents.

        @return: their collection with the id of each.
        """
        keys = [(collection, ident) for ident in idents]
        self._objects[collection].update(zip(idents, objects, strict=True))
        self.changed.update(zip(keys, objects, strict=True))
        self._places.update(zip(keys, places, strict=True))
        for key in self.gone.keys() & keys if self.gone else ():
            del self.gone[key]
        self._siblings.enter(collection, idents, parents)
        return keys

    def replace(
        self, collection: str, objects: Sequence[Resource], places: Iterable[Placed]
    ) -> None:
        """
        Have children in place of others that have their ids and their parents, and differ.

        @param places: where they stand in what the client sent.

        @raise OwnedByFile: one that was there belongs to the file.
        """
        there, known = self._objects[collection], self.state.configuration.meta
        idents = [made.id for made in objects]
        for ident in idents:
            meta = known.get(ident)
            if meta is not None and meta.managed_by is Owner.FILE:
                self.own(there[ident])
        parents = [*map(parent_of, objects)]
        self.add(collection, objects, places, idents, parents)
        for parent in {*parents} if collection == L7Policy.COLLECTION else ():
            self._last.forget(parent)

    def join(self, collection: str, parent: str) -> None:
        """
        Make sure that new objects may join the list of a parent that was there before.

        @raise OwnedByFile: the list belongs to the file.
        """
        self._check_list(collection, parent)
        if collection == L7Policy.COLLECTION:
            self._last.forget(parent)

    def _check_list(self, collection: str, parent: str) -> None:
        if (parent, collection) in self.state.file.owned_lists:
            of = COLLECTIONS[collection].PARENT
            assert of is not None
            raise self._owned(self._objects[of[1]][parent], f"the list {collection} of ")

    def adopt(self, made: Resource, owner: Owner) -> None:
        """
        Have an object of the store belong to another owner.

        @raise OwnedByFile: it belongs to the file.
        """
        self.own(made)
        key = (made.COLLECTION, made.id)
        self.owners[key] = owner
        self.changed.setdefault(key, made)

    def restore(self, record: Record) -> None:
        """
        Have an object as it was once, with its owner and its place in the order of creation.

        @raise OwnedByFile: it, or the list it joins, belongs to the file.
        """
        made, key = record.made, (record.made.COLLECTION, record.made.id)
        self.known[key] = record
        self.put(made, None)
        self.note(made.COLLECTION, made.id, record.meta.notes)
        if self.state.layer.holds(*key):
            self.adopt(made, record.meta.managed_by)

    def note(self, collection: str, ident: str, notes: Mapping[str, Any]) -> None:
        """
        Give an object that is there other notes.

        @raise OwnedByFile: it belongs to the file.
        """
        made = self._objects[collection].get(ident)
        if made is None or notes == self.noted(ident):
            return
        self.own(made)
        self.notes[ident] = notes
        self.changed.setdefault((collection, ident), made)

    def noted(self, ident: str) -> Mapping[str, Any]:
        """The notes of an object."""
        meta = self.state.configuration.meta.get(ident)
        return self.notes.get(ident, meta.notes if meta is not None else {})

    def _placed(self, made: Resource, before: Resource | None) -> Resource:
        """With the parent's id for its name, and a position."""
        if made.PARENT is None:
            return made
        field, of = made.PARENT
        parent = getattr(made, field)
        if parent not in self._objects[of]:
            found = find(self._view, of, parent)
            if len(found) == 1:
                made = with_parent(made, found[0])
        if not isinstance(made, L7Policy):
            return made
        if made.position is None:
            made = evolved(made, position=self._last.of(made.listener_id) + POSITION_STEP)
        if not made.name and before is None:
            made = evolved(made, name=f"policy-{made.position}")
        return made

    def policies(self, listener: str) -> list[Resource]:
        """The policies of a listener, in order of creation."""
        return self.children(L7Policy.COLLECTION, listener)

    def _adopt(self, made: Resource, before: Resource | None) -> None:
        """Enter it in its parent's list."""
        assert made.PARENT is not None
        collection, parent = made.COLLECTION, parent_of(made)
        index = self._siblings.index(collection)
        if before is not None and parent_of(before) == parent:
            return
        self._check_list(collection, parent)
        if before is not None:
            index[parent_of(before)].pop(made.id, None)
            self.lost.add(parent_of(before))
        index.setdefault(parent, {})[made.id] = None

    def remove(self, made: Resource) -> None:
        """
        Take an object out, and all that it contains.

        @raise OwnedByFile: it belongs to the file, or is there by itself.
        @raise InUse: it contains an object of the file.
        """
        if self.is_implicit(made):
            raise self._owned(made)
        self.own(made)
        for collection, cls in COLLECTIONS.items():
            if cls.PARENT is None or cls.PARENT[1] != made.COLLECTION:
                continue
            for child in self.children(collection, made.id):
                if self.of_file(child):
                    raise InUse(mention(made), [mention(child)])
                self.remove(child)
        key = (made.COLLECTION, made.id)
        del self._objects[made.COLLECTION][made.id]
        self._last.moved(made, made)
        self.gone[key] = made
        self.changed.pop(key, None)
        if made.PARENT is not None:
            self._siblings.index(made.COLLECTION).get(parent_of(made), {}).pop(made.id, None)
            self.lost.add(parent_of(made))

    def own(self, made: Resource) -> None:
        """
        Make sure that an object may be changed here.

        @raise OwnedByFile: it belongs to the file.
        """
        if self.of_file(made):
            raise self._owned(made)

    def _owned(self, made: Resource, what: str = "") -> OwnedByFile:
        position = self.state.file.position((made.COLLECTION, made.id))
        return OwnedByFile(mention(made), position, what)

    def of_file(self, made: Resource) -> bool:
        """Whether an object belongs to the file; not one that is there by itself."""
        meta = self.state.configuration.meta.get(made.id)
        return meta is not None and meta.managed_by is Owner.FILE and not self.is_implicit(made)

    def is_implicit(self, made: Resource) -> bool:
        """Whether it is the load balancer that is there by itself, in neither layer."""
        return (
            made.id == DEFAULT_LOAD_BALANCER.id
            and (made.COLLECTION, made.id) not in self.changed
            and made.id not in self.state.file.configuration.objects.get(made.COLLECTION, {})
            and not self.state.layer.holds(made.COLLECTION, made.id)
        )

    def check_gone(self) -> None:
        """
        Nothing that stays as it was may refer to what is gone.

        @raise InUse: something does.
        """
        gone = {ident: made for (_, ident), made in self.gone.items()}
        gone.pop(DEFAULT_LOAD_BALANCER.id, None)  # comes back by itself
        if not gone:
            return
        users = users_of(self.state.configuration, gone)
        for ident, several in users.items():
            left = [
                mention(user)
                for user in several
                if (user.COLLECTION, user.id) not in self.gone
                and (user.COLLECTION, user.id) not in self.changed
            ]
            if left:
                raise InUse(mention(gone[ident]), left)

    def located(self, problems: Iterable[Problem]) -> list[Problem]:
        """Problems at (collection, id, field, ...) told at the places of the client's document."""
        return [self._located(p) if len(p.path) > 1 else p for p in problems]

    def _located(self, problem: Problem) -> Problem:
        place = self._places.get((str(problem.path[0]), str(problem.path[1])))
        if place is not None:
            return attrs.evolve(problem, path=place.of(problem.path[2:]))
        return elsewhere(problem, self._view, self.state)

    def place(self, collection: str, ident: str, field: str) -> Path:
        """Where a field stands in the client's document; C{()} if it does not."""
        place = self._places.get((collection, ident))
        return () if place is None else place.of((field,))


def with_parent(made: Resource, parent: str) -> Resource:
    """The object as a child of another parent, whose id is given."""
    assert made.PARENT is not None
    changes: dict[str, Any] = {made.PARENT[0]: parent}
    return evolved(made, **changes)
