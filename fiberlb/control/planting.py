"""Trees of objects, put into a draft: new ones, and those that take the place of others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

import attrs

from fiberlb.control.certificates import separated
from fiberlb.control.draft import Draft
from fiberlb.control.tree import MakeId, Tree, positioned, positions, structure_tree
from fiberlb.control.union import monitor_id
from fiberlb.errors import ConfigurationError, Path
from fiberlb.model.addresses import at
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.copying import evolved, replacers
from fiberlb.model.fields import Loading
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Resource
from fiberlb.tls.bundles import unpacked

#: The names that files give (L{fiberlb.control.file_objects.settled}).
_GIVEN = re.compile("(?:rule|policy)-[0-9]+")
#: By the field with a parent's id: what puts objects in their places.
_PLACED = {
    cls.PARENT[0]: replacers("id", cls.PARENT[0]) for cls in COLLECTIONS.values() if cls.PARENT
}
_PLACED_POLICY = replacers("id", "listener_id", "position")


def every(made: Resource) -> bool:
    """What a list lacks that replaces another one is taken out, whatever it is."""
    return True


class Planting:
    """
    Puts trees into a draft.

    @param make_id: gives ids to new objects.
    @param loading: gathers the problems.
    @param prunes: which children a list takes out that lacks them.
    @param of_file: rules and policies that lack a name bear the ones that files give them.

    @ivar planted: the collections and ids of the objects that a tree was about, in order.
    """

    def __init__(
        self,
        draft: Draft,
        make_id: MakeId,
        loading: Loading,
        prunes: Callable[[Resource], bool] = every,
        of_file: bool = False,
    ) -> None:
        self._draft = draft
        self._make_id = make_id
        self._loading = loading
        self._prunes = prunes
        self._of_file = of_file
        self.planted: dict[tuple[str, str], None] = {}
        self._adding: dict[str, tuple[Any, Any]] = {}

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
        fresh = self._make_id(collection, parent or tree.parent, made.name)
        ident = draft.new_id(made, fresh)
        self.planted[collection, ident] = None
        draft.put(finished(placed(made, ident, parent)), tree)
        for inner, children in _nested(tree):
            self._plant_all(inner, ident, children)
        return ident

    def _plant_all(
        self, collection: str, parent: str, trees: Sequence[Tree], at: Iterable[int] | None = None
    ) -> None:
        """
        New children of one parent that is new, or was asked to be joined; all at once, for there
        may be very many.

        @param at: the positions of policies; C{None}: they are the first ones of their listener.
        """
        if not trees:
            return
        cls, make_id = COLLECTIONS[collection], self._make_id
        assert cls.PARENT is not None
        policies = cls is L7Policy
        add, place = self._means(cls)
        several = iter((positions(trees) if at is None else at) if policies else ())
        for tree in trees:
            made = tree.made
            ident = make_id(collection, parent, made.name)
            if made.id:
                ident = self._draft.new_id(made, ident)
            self.planted[collection, ident] = None
            if policies:
                position = next(several)
                done = _PLACED_POLICY[cls](made, ident, parent, position)
                if not made.name:
                    done = evolved(done, name=f"policy-{position}")
            else:
                done = place(made, ident, parent)
            add(done, tree, ident, parent)
            if tree.given:
                for inner, children in _nested(tree):
                    self._plant_all(inner, ident, children)

    def _join(
        self, collection: str, parent: str, trees: Sequence[Tree], at: Iterable[int] | None = None
    ) -> None:
        """As L{_plant_all}, of a parent that was there before."""
        if trees:
            self._draft.join(collection, parent)
            self._plant_all(collection, parent, trees, at)

    def _means(self, cls: type[Resource]) -> tuple[Any, Any]:
        """What adds objects of a class to the draft, and what makes them children of others."""
        found = self._adding.get(cls.COLLECTION)
        if found is None:
            assert cls.PARENT is not None
            found = self._draft.adding(cls.COLLECTION), _PLACED[cls.PARENT[0]][cls]
            self._adding[cls.COLLECTION] = found
        return found

    def settle(self, tree: Tree, current: Resource, parent: str = "") -> None:
        """What is nested replaces the lists that the document gives."""
        made = finished(placed(tree.made, current.id, parent))
        self.planted[made.COLLECTION, made.id] = None
        if made != current:
            # Else not even the load balancer that is there by itself is taken over.
            self._draft.put(made, tree)
        for collection, children in _nested(tree):
            self.replace_list(collection, current.id, children)

    def replace_list(self, collection: str, parent: str, trees: Sequence[Tree]) -> None:
        """Children found again by id, name or address keep their identity; others go or come."""
        existing = self._draft.children(collection, parent)
        policies = collection == L7Policy.COLLECTION
        if not existing:
            self._join(collection, parent, trees)
            return
        at = list(positions(trees)) if policies else [0] * len(trees)
        found = matched(trees, existing)
        kept = {made.id for made in found if made is not None}
        for made in existing:
            if made.id not in kept and self._prunes(made):
                self._draft.remove(made)
        for is_new, several in groupby(zip(trees, found, at, strict=True), lambda one: not one[1]):
            together = list(several)
            if is_new:
                new = [tree for tree, _, _ in together]
                self._join(collection, parent, new, [position for _, _, position in together])
                continue
            for tree, current, position in together:
                assert current is not None
                one = positioned(tree, position) if policies else tree
                named = _unnamed(one, current) if self._of_file else one
                self.settle(_renamed(named, current), current, parent)


def _nested(tree: Tree) -> Iterable[tuple[str, Sequence[Tree]]]:
    """The lists of children that the document gives, by their collections."""
    if len(tree.given) == 1:
        (collection,) = tree.given
        return [(collection, tree.children)]
    return [
        (collection, [child for child in tree.children if child.collection == collection])
        for collection in sorted(tree.given)
    ]


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
