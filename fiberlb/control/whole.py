"""
The whole store layer as one document, in the form of the configuration file.

Objects are found again by id, else by name: what is found keeps its id, its health and whatever
stays with it. What the document lacks is taken out:

* of collections that stand at the top, such as pools, everything else;
* of children (members, policies, rules) what their parent's list lacks, where the document gives
  that list, or the collection as a list of its own at the top. A list that is not given is left
  alone (product page, decision 16).

C{fiberlb apply} takes out nothing but what it has made itself, and what it names becomes its own.
Its document may have tests, which are run and not stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import attrs

from fiberlb.control.draft import Draft
from fiberlb.control.file_settings import IGNORED
from fiberlb.control.planting import Planting, matched
from fiberlb.control.refusals import Ambiguous
from fiberlb.control.sent import Sent
from fiberlb.control.tree import Tree, numbered
from fiberlb.errors import Path
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import Nested, kinds
from fiberlb.model.expectation import RequestTest
from fiberlb.model.fields import REFUSED, Loading, Several
from fiberlb.model.l7 import L7Policy
from fiberlb.model.resource import Owner, Resource, file_id
from fiberlb.model.settings import Settings

#: The version of the form, as in the file.
VERSION = 1
_TESTS = Several(Nested(RequestTest))


class Whole:
    """
    Plays such a document on a draft.

    @param make_id: gives fresh UUIDs.
    @param applies: only what C{apply} made is taken out, and ids follow from names.
    """

    def __init__(
        self,
        draft: Draft,
        sent: Sent,
        loading: Loading,
        make_id: Callable[[], str],
        applies: bool,
    ) -> None:
        self._draft = draft
        self._sent = sent
        self._loading = loading
        self._fresh = make_id
        self._applies = applies
        self._planting = Planting(draft, self._make_ids, loading, self._prunes, applies)
        #: Those of the document.
        self.tests: tuple[RequestTest, ...] = ()
        self._names: dict[str, dict[str, list[Resource]]] = {}
        #: (parent's id, collection) of the lists that stand within their parents.
        self._nested: set[tuple[str, str]] = set()

    def play(self, document: Any, at: Path) -> None:
        """
        Have the store layer be what a document says.

        @param at: where the document stands, for the problems.
        @raise fiberlb.control.refusals.Refusal: it cannot be done.
        """
        if not isinstance(document, dict):
            self._loading.refuse(at, "must be a mapping")
            return
        given = {key: value for key, value in document.items() if self._takes(key, value, at)}
        for collection, cls in COLLECTIONS.items():
            values = given.get(collection)
            if values is None:
                continue
            if not isinstance(values, list):
                self._loading.refuse((*at, collection), "must be a list")
            elif cls.PARENT is None:
                for index, value in enumerate(values):
                    self._root(collection, value, (*at, collection, index))
            else:
                self._flat(collection, values, (*at, collection))
        if not self._loading.problems:
            self._take_out(given)
            self._adopt()

    def _takes(self, key: str, value: Any, at: Path) -> bool:
        """Whether a key is a collection; notes what is wrong with it otherwise."""
        if key in COLLECTIONS:
            return True
        if key == "tests" and self._applies:
            found = _TESTS.load(value, (*at, key), self._loading)
            self.tests = () if found is REFUSED else found
        elif key == "version":
            if value not in (VERSION, str(VERSION)):
                self._loading.refuse((*at, key), f"must be {VERSION}")
        elif key in kinds(Settings):
            message = "is a setting of one process: it stands in the file that the process is"
            self._loading.refuse((*at, key), f"{message} started with", code="not_stored")
        elif not key.startswith(IGNORED):
            guess = self._loading.guess(key, list(COLLECTIONS))
            self._loading.refuse((*at, key), f"unknown key {key!r}", guess, "unknown_key")
        return False

    # -- objects

    def _root(self, collection: str, value: Any, at: Path) -> None:
        """One object at the top, with what is nested in it."""
        current = self._current(collection, value)
        document = self._sent.settable(collection, value, at, current.id if current else "")
        if current is None:
            document = self._sent.unmarked(document, None, at)
        else:
            document = self._sent.completed(document, current, True, at)
        for tree in self._planting.trees(collection, document, at, ""):
            self._note(tree, self._put(tree, current))

    def _current(self, collection: str, value: Any) -> Resource | None:
        """The object that a document is about, if there is one."""
        if not isinstance(value, dict):
            return None
        ident, name = value.get("id"), value.get("name")
        if isinstance(ident, str) and ident:
            return self._draft.objects(collection).get(ident.lower())
        if not isinstance(name, str) or not name:
            return None
        found = [
            made
            for made in self._named(collection, name)
            if (collection, made.id) not in self._planting.planted
        ]
        stored = [made for made in found if not self._draft.of_file(made)]
        if len(stored) > 1:
            raise Ambiguous(collection, name, [made.id for made in stored])
        if found and not stored:
            self._draft.own(found[0])
        return stored[0] if stored else None

    def _named(self, collection: str, name: str) -> list[Resource]:
        """The objects at the top that bore a name at the beginning."""
        if collection not in self._names:
            index = self._names[collection] = {}
            for made in self._draft.objects(collection).values():
                index.setdefault(made.name, []).append(made)
        return self._names[collection].get(name, [])

    def _flat(self, collection: str, values: list[Any], at: Path) -> None:
        """Children that name their parents; those of one parent are looked at together."""
        of: dict[str, list[Tree]] = {}
        for index, value in enumerate(values):
            place = (*at, index)
            document = self._sent.settable(collection, value, place)
            for tree in self._planting.trees(collection, document, place, ""):
                of.setdefault(self._parent_id(tree), []).append(tree)
        for parent, trees in of.items():
            existing = [
                made
                for made in self._draft.children(collection, parent)
                if (collection, made.id) not in self._planting.planted
            ]
            found = matched(trees, existing)
            placed = map(self._in_place, trees, found)
            for tree, current in zip(self._numbered(placed, parent), found, strict=True):
                self._note(tree, self._put(tree, current))

    def _numbered(self, trees: Iterable[Tree], parent: str) -> list[Tree]:
        several = list(trees)
        if not several or several[0].collection != L7Policy.COLLECTION:
            return several
        there = self._draft.policies(parent)
        return numbered(several, [made.position or 0 for made in there])  # type: ignore[attr-defined]

    def _parent_id(self, tree: Tree) -> str:
        assert tree.made.PARENT is not None
        found = self._draft.seek(tree.made.PARENT[1], tree.parent)
        return tree.parent if found is None else found.id

    @staticmethod
    def _in_place(tree: Tree, current: Resource | None) -> Tree:
        """A policy without a position keeps the one it has."""
        made = tree.made
        if not isinstance(made, L7Policy) or made.position is not None:
            return tree
        if not isinstance(current, L7Policy):
            return tree
        return attrs.evolve(tree, made=attrs.evolve(made, position=current.position))

    def _put(self, tree: Tree, current: Resource | None) -> str:
        if current is None:
            return self._planting.plant(tree)
        self._planting.settle(tree, current)
        return current.id

    def _note(self, tree: Tree, ident: str) -> None:
        self._nested.update((ident, collection) for collection in tree.given)

    def _make_ids(self, collection: str, parents: Sequence[str], names: Sequence[str]) -> list[str]:
        if not self._applies:
            fresh = self._fresh
            return [fresh() for _ in names]
        return [
            self._make_id(collection, parent, name)
            for parent, name in zip(parents, names, strict=True)
        ]

    def _make_id(self, collection: str, parent: str, name: str) -> str:
        """
        The id of a new object. What is applied has the one that a file's object would have,
        so that its health survives when it comes back.
        """
        if not name:
            return self._fresh()
        ident = file_id(collection, self._parent_word(collection, parent), name)
        taken = any(ident in self._draft.objects(each) for each in COLLECTIONS)
        return self._fresh() if taken else ident

    def _parent_word(self, collection: str, parent: str) -> str:
        of = COLLECTIONS[collection].PARENT
        found = None if of is None or not parent else self._draft.seek(of[1], parent)
        return parent if found is None else found.id

    # -- what is taken out

    def _prunes(self, made: Resource) -> bool:
        if not self._applies:
            return True
        record = self._draft.state.layer.records[made.COLLECTION].get(made.id)
        return record is not None and record.meta.managed_by is Owner.APPLY

    def _take_out(self, given: dict[str, Any]) -> None:
        planted = self._planting.planted
        for collection, cls in COLLECTIONS.items():
            if cls.PARENT is not None and given.get(collection) is None:
                continue
            for ident in self._draft.state.layer.records[collection]:
                made = self._draft.objects(collection).get(ident)
                if made is None or (collection, ident) in planted or not self._prunes(made):
                    continue
                parent = "" if cls.PARENT is None else getattr(made, cls.PARENT[0])
                if (parent, collection) not in self._nested:
                    self._draft.remove(made)

    def _adopt(self) -> None:
        if not self._applies:
            return
        for collection, ident in self._planting.planted:
            made = self._draft.objects(collection).get(ident)
            if made is not None:
                self._draft.adopt(made, Owner.APPLY)
