"""The children of a draft's objects, while some come and others go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.resource import Resource


class Siblings:
    """
    Which children belong to one parent, in order of creation; found out when it is asked for.

    @param objects: those of the draft, by collection and id; they change.
    @param before: what the draft started from.
    """

    def __init__(
        self, objects: Mapping[str, Mapping[str, Resource]], before: Configuration
    ) -> None:
        self._objects = objects
        self._before = before
        self._indices: dict[str, dict[str, dict[str, None]]] = {}
        self._entered: set[str] = set()

    def index(self, collection: str) -> dict[str, dict[str, None]]:
        """A collection's ids by those of their parents; who changes it keeps it true."""
        index = self._indices.get(collection)
        if index is None:
            index = self._indices[collection] = {}
            objects = self._objects[collection]
            for ident, parent in zip(objects, map(parent_of, objects.values()), strict=True):
                index.setdefault(parent, {})[ident] = None
        return index

    def enter(self, collection: str, idents: Iterable[str], parents: Iterable[str]) -> None:
        """Objects were put in, new ones or in place of others, as the children of these."""
        self._entered.add(collection)
        index = self._indices.get(collection)
        if index is not None:
            for ident, parent in zip(idents, parents, strict=True):
                index.setdefault(parent, {})[ident] = None

    def of(self, collection: str, parent: str) -> list[Resource]:
        """The children of one parent."""
        objects = self._objects[collection]
        return [objects[ident] for ident in self.index(collection).get(parent, {})]

    def each(self, collection: str, parents: Iterable[str]) -> list[Sequence[Resource]]:
        """The children of each of many parents."""
        if collection in self._indices or collection in self._entered:
            return [self.of(collection, parent) for parent in parents]
        # All is as it was.
        known = self._before.by_parent(COLLECTIONS[collection])
        return [known.get(parent, ()) for parent in parents]


def parent_of(made: Resource) -> str:
    """The id of an object's parent; C{""} of one that has none."""
    return "" if made.PARENT is None else getattr(made, made.PARENT[0])
