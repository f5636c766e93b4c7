"""Trees of objects, put into a draft: new ones, and those that take the place of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import compress, groupby
from typing import Any

import attrs

from fiberlb.control.certificates import separated
from fiberlb.control.draft import Draft
from fiberlb.control.tree import MakeIds, Tree, positions, structure_tree
from fiberlb.control.union import monitor_id
from fiberlb.errors import ConfigurationError, Path
from fiberlb.model.addresses import at
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.copying import all_replacers, evolved, replacers
from fiberlb.model.differing import differing
from fiberlb.model.fields import Loading
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Resource
from fiberlb.tls.bundles import unpacked

#: The names that files give (L{fiberlb.control.file_objects.settled}).
_GIVEN = re.compile("(?:rule|policy)-[0-9]+")
#: By the field with a parent's id: what puts objects in their places, one or many.
_PARENTS = {cls.PARENT[0] for cls in COLLECTIONS.values() if cls.PARENT}
_PLACED = {field: replacers("id", field) for field in _PARENTS}
_ALL_PLACED = {field: all_replacers("id", field) for field in _PARENTS}
_ALL_PLACED_POLICIES = all_replacers("id", "listener_id", "position")
#: The collection that is nested in the objects of another one; no class has several.
_NESTED = {
    collection: nested
    for collection, cls in COLLECTIONS.items()
    for nested in getattr(cls, "CHILDREN", {}).values()
}


def every(made: Resource) -> bool:
    """What a list lacks that replaces another one is taken out, whatever it is."""
    return True


class Planting:
    """
    Puts trees into a draft.

    @param make_ids: gives ids to new objects.
    @param loading: gathers the problems.
    @param prunes: which children a list takes out that lacks them.
    @param of_file: rules and policies that lack a name bear the ones that files give them.

    @ivar planted: the collections and ids of the objects that a tree was about, in order.
    """

    def __init__(
        self,
        draft: Draft,
        make_ids: MakeIds,
        loading: Loading,
        prunes: Callable[[Resource], bool] = every,
        of_file: bool = False,
    ) -> None:
        self._draft = draft
        self._make_ids = make_ids
        self._loading = loading
        self._prunes = prunes
        self._of_file = of_file
        self.planted: dict[tuple[str, str], None] = {}

    def trees(self, collection: str, document: Any, place: Path, parent: str) -> list[Tree]:
        """
        The objects of a document; none after noting what is wrong with it.

        @param place: where the document stands.
        @param parent: the parent's id; empty: the document says it.
        """
        if isinstance(document, dict) and "listener_ids" in document:
            message = "is for the file: send one policy for each listener"
            self._loading.refuse((*place, "listener_ids"), message, code="not_supported")
            return []
        trees = structure_tree(collection, document, place, self._loading, parent)
        return [done for tree in trees for done in self._opened(tree)]

    def _opened(self, tree: Tree) -> list[Tree]:
        """With a certificate's text in PEM; nothing after noting why it cannot be."""
        if not isinstance(tree.made, Certificate):
            return [tree]
        try:
            return [attrs.evolve(tree, made=unpacked(tree.made))]
        except ConfigurationError as why:
            for problem in why.problems:
                at = (*tree.path, *problem.path)
                self._loading.refuse(at, problem.message, code=problem.code)
            return []

    def plant(self, tree: Tree, parent: str = "") -> str:
        """A new object with all that is nested in it; returns its id."""
        made, draft = tree.made, self._draft
        collection = made.COLLECTION
        (fresh,) = self._make_ids(collection, [parent or tree.parent], [made.name])
        ident = draft.new_id(made, fresh)
        self.planted[collection, ident] = None
        draft.put(finished(placed(made, ident, parent)), tree)
        self._plant_nested(collection, [tree], [ident])
        return ident

    def _plant_nested(self, collection: str, trees: Sequence[Tree], idents: Sequence[str]) -> None:
        """What is nested in new objects of a collection; of one, where that are policies."""
        inner = _NESTED.get(collection)
        children = [child for tree in trees for child in tree.children]
        if inner is None or not children:
            return
        parents = [ident for tree, ident in zip(trees, idents, strict=True) for _ in tree.children]
        at = [*positions(children)] if inner == L7Policy.COLLECTION else []
        self._plant_all(inner, children, parents, at)

    def _plant_all(
        self,
        collection: str,
        trees: Sequence[Tree],
        parents: Sequence[str],
        at: Sequence[int],
    ) -> None:
        """
        New children of parents that are new, or were asked to be joined; all at once, for there
        may be very many.

        @param parents: the id of the parent of each.
        @param at: the positions of policies.
        """
        objects = [tree.made for tree in trees]
        names = [made.name for made in objects]
        idents = self._make_ids(collection, parents, names)
        if any(made.id for made in objects) or len({*idents}) < len(idents):
            if len(trees) > 1:
                # Some may have ids that others have: each is looked at after those before it.
                for row, tree in enumerate(trees):
                    self._plant_all(collection, [tree], [parents[row]], at[row : row + 1])
                return
            idents = [self._draft.new_id(objects[0], idents[0])]
        done = _all_placed(collection, objects, idents, parents, at)
        if at and not all(names):
            done = [
                made if made.name else evolved(made, name=f"policy-{position}")
                for made, position in zip(done, at, strict=True)
            ]
        keys = self._draft.add(collection, done, trees, idents, parents)
        self.planted.update(dict.fromkeys(keys))
        self._plant_nested(collection, trees, idents)

    def _join(self, collection: str, parent: str, trees: Sequence[Tree], at: Sequence[int]) -> None:
        """As L{_plant_all}, of a parent that was there before."""
        if trees:
            self._draft.join(collection, parent)
            self._plant_all(collection, trees, [parent] * len(trees), at)

    def settle(self, tree: Tree, current: Resource, parent: str = "") -> None:
        """What is nested replaces the lists that the document gives."""
        made = finished(placed(tree.made, current.id, parent))
        self.planted[made.COLLECTION, made.id] = None
        if made != current:
            # Else not even the load balancer that is there by itself is taken over.
            self._draft.put(made, tree)
        for collection in tree.given:
            self.replace_list(collection, current.id, tree.children)

    def replace_list(self, collection: str, parent: str, trees: Sequence[Tree]) -> None:
        """Children found again by id, name or address keep their identity; others go or come."""
        (existing,) = self._draft.lists(collection, [parent])
        at = [*positions(trees)] if collection == L7Policy.COLLECTION else []
        if not existing:
            self._join(collection, parent, trees, at)
            return
        found = matched(trees, existing)
        kept = {made.id for made in found if made is not None}
        for made in existing:
            if made.id not in kept and self._prunes(made):
                self._draft.remove(made)
        for is_new, several in groupby(range(len(trees)), lambda row: found[row] is None):
            rows = [*several]
            first, last = rows[0], rows[-1] + 1
            if is_new:
                self._join(collection, parent, trees[first:last], at[first:last])
                continue
            pairs = [
                self._called(tree, current)
                for tree, current in zip(trees[first:last], found[first:last], strict=True)
                if current is not None
            ]
            currents = [made for made in found[first:last] if made is not None]
            objects = [tree.made for tree in pairs]
            idents, parents = [made.id for made in currents], [parent] * len(rows)
            done = _all_placed(collection, objects, idents, parents, at[first:last])
            differ = differing(COLLECTIONS[collection], done, currents)
            self._settle_all(collection, pairs, currents, done, differ)

    def _called(self, tree: Tree, current: Resource) -> Tree:
        """As it is called where that is not said."""
        if tree.made.name == current.name:
            return tree
        return _renamed(_unnamed(tree, current) if self._of_file else tree, current)

    def _settle_all(
        self,
        collection: str,
        trees: Sequence[Tree],
        currents: Sequence[Resource],
        done: Sequence[Resource],
        differ: Sequence[bool],
    ) -> None:
        """
        As L{settle} of children, which may be very many.

        @param done: what is to be in the places of the current ones.
        @param differ: whether each differs from the one that is there.
        """
        idents = [made.id for made in currents]
        self.planted.update(dict.fromkeys([(collection, ident) for ident in idents]))
        self._draft.replace(collection, [*compress(done, differ)], compress(trees, differ))
        inner = _NESTED.get(collection)
        if inner is not None:
            given = [inner in tree.given for tree in trees]
            lists = [tree.children for tree in compress(trees, given)]
            self._replace_lists(inner, [*compress(idents, given)], lists)

    def _replace_lists(
        self, collection: str, parents: Sequence[str], lists: Sequence[Sequence[Tree]]
    ) -> None:
        """L{replace_list} of many parents, most of whose lists are as they were."""
        existing = self._draft.lists(collection, parents)
        pairs: list[Tree] = []
        currents: list[Resource] = []
        within, starts = [], []
        for parent, trees, there in zip(parents, lists, existing, strict=True):
            starts.append(len(pairs))
            if len(trees) == len(there):
                pairs += trees
                currents += there
                within += [parent] * len(trees)
        starts.append(len(pairs))
        at = [*positions(pairs)] if collection == L7Policy.COLLECTION else []
        idents, objects = [made.id for made in currents], [tree.made for tree in pairs]
        done = _all_placed(collection, objects, idents, within, at)
        differ = differing(COLLECTIONS[collection], done, currents)
        alike = list(map(_as_it_was, objects, currents, differ))
        kept = [
            len(trees) == len(there) and all(alike[start:end])
            for trees, there, start, end in zip(lists, existing, starts, starts[1:], strict=False)
        ]
        for are_kept, several in groupby(range(len(parents)), kept.__getitem__):
            rows = [*several]
            if are_kept:
                one = slice(starts[rows[0]], starts[rows[-1] + 1])
                self._settle_all(collection, pairs[one], currents[one], done[one], differ[one])
                continue
            for row in rows:
                self.replace_list(collection, parents[row], lists[row])


def _all_placed(
    collection: str,
    objects: Sequence[Resource],
    idents: Sequence[str],
    parents: Sequence[str],
    at: Sequence[int],
) -> list[Any]:
    """Objects of a collection with their ids, their parents' ids and, of policies, positions."""
    cls = COLLECTIONS[collection]
    assert cls.PARENT is not None
    if cls is L7Policy:
        return _ALL_PLACED_POLICIES[cls](objects, idents, parents, at)
    return _ALL_PLACED[cls.PARENT[0]][cls](objects, idents, parents)


def _as_it_was(sent: Resource, current: Resource, differs: bool) -> bool:
    """Whether what was sent has no id, and the name of an object, or tests what it does."""
    if sent.id or sent.name != current.name:
        return False
    return bool(sent.name) or (isinstance(sent, L7Rule) and not differs)


def matched(trees: Sequence[Tree], existing: Sequence[Resource]) -> list[Resource | None]:
    """Which existing object each tree is about: by id, name, address and port, or content."""
    if len(trees) == len(existing) and all(map(_alike, trees, existing)):
        return list(existing)  # what all of the below comes to for a list that is sent back
    left = {made.id: made for made in existing}
    found: list[Resource | None] = [None] * len(trees)
    alone = list(range(len(trees)))

    def pair(key: Callable[[Resource], Any]) -> None:
        words = [(index, key(trees[index].made)) for index in alone] if left else []
        if not any(word for _, word in words):
            return
        waiting: dict[Any, list[Resource]] = {}
        for made in left.values():
            waiting.setdefault(key(made), []).append(made)
        for index, word in words:
            if word and waiting.get(word):
                taken = waiting[word].pop(0)
                found[index] = taken
                del left[taken.id]
        alone[:] = [index for index in alone if found[index] is None]

    pair(lambda made: made.id.lower())
    pair(lambda made: made.name)
    pair(lambda made: made.place if isinstance(made, Member) else None)
    pair(lambda made: _bare(made) if isinstance(made, L7Rule) else None)
    return found


def _alike(tree: Tree, current: Resource) -> bool:
    """Whether a tree has no id, and the name of an object, or what a rule without one tests."""
    made = tree.made
    if made.id or made.name != current.name:
        return False
    if made.name:
        return True
    return isinstance(made, L7Rule) and made == _AS_SENT[L7Rule](current, "", made.policy_id)


#: A rule with the id and the parent that one has which was sent.
_AS_SENT = replacers("id", "policy_id")


def _bare(rule: L7Rule) -> L7Rule:
    """What a rule tests; rules have no names, as a rule."""
    return evolved(rule, id="", name="", policy_id="")


def _renamed(tree: Tree, current: Resource) -> Tree:
    """A member found by its address, sent without a name, keeps the one that it has."""
    made = tree.made
    if not isinstance(made, Member) or made.name == current.name:
        return tree
    if made.name != at(*made.place):
        return tree
    return attrs.evolve(tree, made=attrs.evolve(made, name=current.name))


def _unnamed(tree: Tree, current: Resource) -> Tree:
    """A rule or policy without a name stays so, whatever a file has called it by itself."""
    made = tree.made
    if current.name or not isinstance(made, L7Rule | L7Policy) or not _GIVEN.fullmatch(made.name):
        return tree
    return attrs.evolve(tree, made=attrs.evolve(made, name=""))


def placed(made: Resource, ident: str, parent: str) -> Resource:
    """The object with its id, and with its parent's, where that is said."""
    if not parent or made.PARENT is None:
        return evolved(made, id=ident)
    done: Resource = _PLACED[made.PARENT[0]][type(made)](made, ident, parent)
    return done


def finished(made: Resource) -> Resource:
    """With its secrets in their own fields, and an id for a pool's health monitor."""
    if isinstance(made, Certificate):
        return separated(made)
    if isinstance(made, Pool) and made.health_monitor is not None:
        return with_monitor(made, made.health_monitor)
    return made


def with_monitor(pool: Pool, monitor: HealthMonitor | None) -> Pool:
    """The pool with another health monitor, or none."""
    if monitor is not None:
        monitor = attrs.evolve(monitor, id=monitor_id(pool.id))
    return attrs.evolve(pool, health_monitor=monitor)
