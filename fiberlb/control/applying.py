"""Operations, played on a draft one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from fiberlb.control.bodies import completed, facts, merged, patched, settable, unmarked
from fiberlb.control.certificates import CertificateFacts, separated
from fiberlb.control.document import Place
from fiberlb.control.draft import Draft, with_parent
from fiberlb.control.operations import ANY, Applied, Condition, Op, Operation
from fiberlb.control.refusals import NotFound, Stale
from fiberlb.control.tree import Tree, numbered, structure_tree
from fiberlb.control.union import monitor_id
from fiberlb.errors import ConfigurationError, Path
from fiberlb.model.addresses import at
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import UUID_PATTERN, Resource
from fiberlb.tls.bundles import unpacked

#: The singleton of a pool: a value of the pool with an address of its own.
MONITORS = HealthMonitor.COLLECTION


class Applying:
    """
    Plays operations on a draft; the problems of all of them are told at once.

    @param make_id: gives fresh UUIDs.
    """

    def __init__(
        self, draft: Draft, certificates: CertificateFacts, make_id: Callable[[], str]
    ) -> None:
        self._draft = draft
        self._certificates = certificates
        self._make_id = make_id
        self._loading = Loading()

    def run(self, operations: Iterable[Operation]) -> tuple[Applied, ...]:
        """
        Play them all, later ones on what the earlier ones made.

        @raise ConfigurationError: with what is wrong in any of the bodies.
        @raise fiberlb.control.refusals.Refusal: by the first operation that cannot be done.
        """
        table: Mapping[Op, Callable[[Operation], Applied]] = {
            Op.CREATE: self._create,
            Op.REPLACE: self._replace,
            Op.PATCH: self._patch,
            Op.DELETE: self._delete,
            Op.REPLACE_ALL: self._replace_all,
        }
        applied = tuple(self._noted(each, table) for each in operations)
        if self._loading.problems:
            raise ConfigurationError(self._loading.problems)
        self._draft.check_gone()
        return applied

    def _noted(
        self, operation: Operation, table: Mapping[Op, Callable[[Operation], Applied]]
    ) -> Applied:
        monitor = operation.collection == MONITORS
        applied = self._monitor(operation) if monitor else table[operation.op](operation)
        if operation.notes is not None and applied.id:
            collection = Pool.COLLECTION if monitor else operation.collection
            self._draft.note(collection, applied.id, operation.notes)
        return applied

    def _create(self, operation: Operation) -> Applied:
        self._check_list(operation.condition)
        parent = self._parent(operation)
        document = self._settable(operation, "", parent)
        document = self._without_mark(document, None, operation.at)
        trees = self._trees(operation, document, parent)
        made = [self._plant(tree) for tree in trees]
        return Applied(made[0] if made else "", True)

    def _replace(self, operation: Operation) -> Applied:
        parent = self._parent(operation)
        current = self._draft.seek(operation.collection, operation.word, parent)
        if current is None:
            return self._create_named(operation)
        self._check(current, operation.condition)
        document = self._settable(operation, current.id, parent)
        by_name = operation.word.lower() != current.id
        document = completed(
            document, current, by_name, self._certificates, operation.at, self._loading
        )
        for tree in self._trees(operation, document, _parent_of(current, document)):
            self._settle(tree, current)
        return Applied(current.id)

    def _create_named(self, operation: Operation) -> Applied:
        """PUT of what is not there: a new object of the name that the address says."""
        if operation.condition.match is not None:
            raise Stale(None)
        word, body = operation.word, operation.body
        if re.fullmatch(UUID_PATTERN, word):
            raise NotFound(operation.collection, word)
        if isinstance(body, dict):
            if body.get("name", word) != word:
                message = f"is not the name of the address, {word!r}"
                self._loading.refuse((*operation.at, "name"), message)
            body = {**body, "name": word}
        fresh = attrs.evolve(operation, word="", body=body, condition=Condition())
        return self._create(fresh)

    def _patch(self, operation: Operation) -> Applied:
        current = self._draft.look(operation.collection, operation.word, self._parent(operation))
        self._check(current, operation.condition)
        body = self._settable(operation, current.id, self._parent(operation))
        if not isinstance(body, dict):
            self._loading.refuse(operation.at, "must be a mapping")
            return Applied(current.id)
        if current.PARENT is not None and body.get(current.PARENT[0], "") is None:
            self._loading.refuse((*operation.at, current.PARENT[0]), "is needed", code="missing")
        document = patched(current, body, operation.at, self._loading)
        document = self._without_mark(document, current, operation.at)
        for tree in self._trees(operation, document, _parent_of(current, document)):
            self._settle(tree, current)
        return Applied(current.id)

    def _delete(self, operation: Operation) -> Applied:
        current = self._draft.look(operation.collection, operation.word, self._parent(operation))
        self._check(current, operation.condition)
        self._draft.remove(current)
        return Applied(current.id)

    def _replace_all(self, operation: Operation) -> Applied:
        self._check_list(operation.condition)
        parent = self._parent(operation)
        if not isinstance(operation.body, list):
            self._loading.refuse(operation.at, "must be a list")
            return Applied(parent)
        trees: list[Tree] = []
        for index, each in enumerate(operation.body):
            one = attrs.evolve(operation, body=each, at=(*operation.at, index))
            trees += self._trees(one, self._settable(one, "", parent), parent)
        self._replace_list(operation.collection, parent, trees)
        return Applied(parent)

    def _monitor(self, operation: Operation) -> Applied:
        """PUT, PATCH and DELETE of a pool's health monitor."""
        pool = self._draft.look(Pool.COLLECTION, operation.parent)
        assert isinstance(pool, Pool)
        there = pool.health_monitor
        if there is None and operation.op is not Op.REPLACE:
            raise NotFound(MONITORS, operation.parent)
        if there is None and operation.condition.match is not None:
            raise Stale(None)
        if there is not None:
            self._check(pool, operation.condition)
        made: HealthMonitor | None = None
        if operation.op is not Op.DELETE:
            body = settable(
                MONITORS,
                operation.body,
                operation.at,
                self._loading,
                self._known,
                monitor_id(pool.id),
            )
            if operation.op is Op.PATCH and there is not None and isinstance(body, dict):
                body = merged(unstructure(there), body)
            made = structure(HealthMonitor, body, operation.at, self._loading)
            if made is None:
                return Applied(pool.id)
        place = Place(None, (), {"health_monitor": operation.at})
        self._draft.put(_with_monitor(pool, made), place)
        return Applied(pool.id, there is None)

    # -- conditions

    def _check(self, current: Resource, condition: Condition) -> None:
        state = self._draft.state
        known = state.configuration.objects.get(current.COLLECTION, {})
        tag = state.tags.of(current.COLLECTION, current.id) if current.id in known else ""
        check_condition(tag, condition)

    def _check_list(self, condition: Condition) -> None:
        check_condition(self._draft.state.tags.whole, condition)

    # -- bodies

    def _parent(self, operation: Operation) -> str:
        """The parent's id, where the place of the request names it."""
        parent = COLLECTIONS[operation.collection].PARENT
        if not operation.parent or parent is None:
            return ""
        return self._draft.look(parent[1], operation.parent).id

    def _settable(self, operation: Operation, ident: str, parent: str) -> Any:
        """The body without what cannot be set, and with the parent's id for its name."""
        body = settable(
            operation.collection, operation.body, operation.at, self._loading, self._known, ident
        )
        of = COLLECTIONS[operation.collection].PARENT
        if of is None or not isinstance(body, dict):
            return body
        word = body.get(of[0])
        if parent and isinstance(word, str) and word:
            named = self._draft.seek(of[1], word)
            return {**body, of[0]: named.id} if named is not None else body
        return body

    def _known(self, collection: str, ident: str) -> Mapping[str, Any] | None:
        configuration = self._draft.state.configuration
        if collection == MONITORS:
            return self._known_monitor(ident)
        made = configuration.objects.get(collection, {}).get(ident)
        if made is None:
            return None
        ordered = isinstance(made, Certificate) and made.acme is not None
        return {**facts(configuration, made, self._certificates), "ordered": ordered}

    def _known_monitor(self, ident: str) -> Mapping[str, Any] | None:
        configuration = self._draft.state.configuration
        for pool in configuration.all(Pool).values():
            if pool.health_monitor is not None and pool.health_monitor.id == ident:
                return facts(configuration, pool, self._certificates)
        return None

    def _without_mark(self, document: Any, current: Resource | None, at: Path) -> Any:
        if not isinstance(document, dict):
            return document
        return unmarked(document, current, self._certificates, at, self._loading)

    def _trees(self, operation: Operation, document: Any, parent: str) -> list[Tree]:
        if isinstance(document, dict) and "listener_ids" in document:
            message = "is for the file: send one policy for each listener"
            self._loading.refuse((*operation.at, "listener_ids"), message, code="not_supported")
            return []
        trees = structure_tree(operation.collection, document, operation.at, self._loading, parent)
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

    # -- objects

    def _plant(self, tree: Tree, parent: str = "") -> str:
        """A new object with all that is nested in it; returns its id."""
        made = with_parent(tree.made, parent) if parent else tree.made
        ident = self._draft.new_id(made, self._make_id())
        self._draft.put(_finished(attrs.evolve(made, id=ident)), _place(tree))
        for collection in sorted(tree.given):
            children = [child for child in tree.children if child.collection == collection]
            # All at once: each one by itself would look at all those before it.
            for child in numbered(children) if collection == L7Policy.COLLECTION else children:
                self._plant(child, ident)
        return ident

    def _settle(self, tree: Tree, current: Resource, parent: str = "") -> None:
        """What is nested replaces the lists that the document gives."""
        made = with_parent(tree.made, parent) if parent else tree.made
        made = _finished(attrs.evolve(made, id=current.id))
        if made != current:
            # Else not even the load balancer that is there by itself is taken over.
            self._draft.put(made, _place(tree))
        for collection in sorted(tree.given):
            children = [child for child in tree.children if child.collection == collection]
            self._replace_list(collection, current.id, children)

    def _replace_list(self, collection: str, parent: str, trees: Sequence[Tree]) -> None:
        """Children found again by id, name or address keep their identity; others go or come."""
        existing = self._draft.children(collection, parent)
        if collection == L7Policy.COLLECTION:
            trees = numbered(trees)
        found = matched(trees, existing)
        kept = {made.id for made in found if made is not None}
        for made in existing:
            if made.id not in kept:
                self._draft.remove(made)
        for tree, current in zip(trees, found, strict=True):
            if current is None:
                self._plant(tree, parent)
            else:
                self._settle(_renamed(tree, current), current, parent)


def check_condition(tag: str, condition: Condition) -> None:
    """
    Hold a request's conditions against the tag of an object that is there.

    @raise Stale: one does not hold.
    """
    match, none_match = condition.match, condition.none_match
    if match is not None and ANY not in match and tag not in match:
        raise Stale(tag)
    if none_match is not None and (ANY in none_match or tag in none_match):
        raise Stale(tag)


def matched(trees: Sequence[Tree], existing: Sequence[Resource]) -> list[Resource | None]:
    """Which existing object each tree is about: by id, name, address and port, or content."""
    left = {made.id: made for made in existing}
    found: list[Resource | None] = [None] * len(trees)

    def pair(key: Callable[[Resource], Any]) -> None:
        waiting: dict[Any, list[Resource]] = {}
        for made in left.values():
            waiting.setdefault(key(made), []).append(made)
        for index, tree in enumerate(trees):
            word = key(tree.made)
            if found[index] is None and word and waiting.get(word):
                taken = waiting[word].pop(0)
                found[index] = taken
                del left[taken.id]

    pair(lambda made: made.id.lower())
    pair(lambda made: made.name)
    pair(lambda made: made.place if isinstance(made, Member) else None)
    pair(lambda made: _bare(made) if isinstance(made, L7Rule) else None)
    return found


def _bare(rule: L7Rule) -> L7Rule:
    """What a rule tests; rules have no names, as a rule."""
    return attrs.evolve(rule, id="", name="", policy_id="")


def _renamed(tree: Tree, current: Resource) -> Tree:
    """A member found by its address, sent without a name, keeps the one that it has."""
    made = tree.made
    if not isinstance(made, Member) or made.name == current.name:
        return tree
    if made.name != at(*made.place):
        return tree
    return attrs.evolve(tree, made=attrs.evolve(made, name=current.name))


def _parent_of(current: Resource, document: Any) -> str:
    """The parent when the document leaves it; empty when the document moves the object."""
    if current.PARENT is None:
        return ""
    parent: str = getattr(current, current.PARENT[0])
    word = document.get(current.PARENT[0], parent) if isinstance(document, dict) else parent
    return parent if word == parent else ""


def _finished(made: Resource) -> Resource:
    """With its secrets in their own fields, and an id for a pool's health monitor."""
    if isinstance(made, Certificate):
        return separated(made)
    if isinstance(made, Pool) and made.health_monitor is not None:
        return _with_monitor(made, made.health_monitor)
    return made


def _with_monitor(pool: Pool, monitor: HealthMonitor | None) -> Pool:
    if monitor is not None:
        monitor = attrs.evolve(monitor, id=monitor_id(pool.id))
    return attrs.evolve(pool, health_monitor=monitor)


def _place(tree: Tree) -> Place:
    parent = tree.made.PARENT
    if tree.parent_path is None or parent is None:
        return Place(None, tree.path)
    return Place(None, tree.path, {parent[0]: tree.parent_path})
