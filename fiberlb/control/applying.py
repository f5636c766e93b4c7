"""Operations, played on a draft one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import attrs

from fiberlb.control.bodies import merged, patched
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.document import Place
from fiberlb.control.draft import Draft
from fiberlb.control.operations import ANY, Applied, Condition, Op, Operation
from fiberlb.control.planting import Planting, with_monitor
from fiberlb.control.refusals import NotFound, Refusal, Stale
from fiberlb.control.restoring import restore
from fiberlb.control.sent import Sent
from fiberlb.control.tree import Tree
from fiberlb.control.union import monitor_id
from fiberlb.control.whole import Whole
from fiberlb.errors import ConfigurationError
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.model.convert import structure, unstructure
from fiberlb.model.expectation import RequestTest
from fiberlb.model.fields import Loading
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.operational import StateChange
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import UUID_PATTERN, Resource

#: The singleton of a pool: a value of the pool with an address of its own.
MONITORS = HealthMonitor.COLLECTION


class Applying:
    """
    Plays operations on a draft; the problems of all of them are told at once.

    @param make_id: gives fresh UUIDs.

    @ivar states: what members are to be set to, by id.
    @ivar tests: of requests, which have to pass on what it comes to.
    """

    def __init__(
        self, draft: Draft, certificates: CertificateFacts, make_id: Callable[[], str]
    ) -> None:
        self._draft = draft
        self._make_id = make_id
        self.states: dict[str, StateChange] = {}
        self.tests: tuple[RequestTest, ...] = ()
        self._loading = Loading()
        self._sent = Sent(draft, certificates, self._loading)
        self._planting = Planting(draft, lambda _, of, __: [make_id() for _ in of], self._loading)

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
            Op.SET_STATE: self._set_state,
            Op.CONFIG: self._whole,
            Op.APPLY: self._whole,
            Op.RESTORE: self._restore,
        }
        applied = tuple(self._play(each, table) for each in operations)
        if self._loading.problems:
            raise ConfigurationError(self._loading.problems)
        self._draft.check_gone()
        return applied

    def _play(
        self, operation: Operation, table: Mapping[Op, Callable[[Operation], Applied]]
    ) -> Applied:
        try:
            return self._noted(operation, table)
        except Refusal as why:
            if self._loading.problems:
                # What is wrong in the bodies before may be the reason.
                raise ConfigurationError(self._loading.problems) from None
            why.path = operation.place
            raise

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
        document = self._sent.unmarked(document, None, operation.at)
        trees = self._trees(operation, document, parent)
        made = [self._planting.plant(tree) for tree in trees]
        return Applied(made[0] if made else "", True)

    def _replace(self, operation: Operation) -> Applied:
        parent = self._parent(operation)
        current = self._draft.seek(operation.collection, operation.word, parent)
        if current is None:
            return self._create_named(operation)
        self._check(current, operation.condition)
        document = self._settable(operation, current.id, parent)
        by_name = operation.word.lower() != current.id
        document = self._sent.completed(document, current, by_name, operation.at)
        for tree in self._trees(operation, document, _parent_of(current, document)):
            self._planting.settle(tree, current)
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
        document = self._sent.unmarked(document, current, operation.at)
        for tree in self._trees(operation, document, _parent_of(current, document)):
            self._planting.settle(tree, current)
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
        self._planting.replace_list(operation.collection, parent, trees)
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
            ident = monitor_id(pool.id)
            body = self._sent.settable(MONITORS, operation.body, operation.at, ident)
            if operation.op is Op.PATCH and there is not None and isinstance(body, dict):
                body = merged(unstructure(there), body, HealthMonitor)
            made = structure(HealthMonitor, body, operation.at, self._loading)
            if made is None:
                return Applied(pool.id)
        place = Place(None, (), {"health_monitor": operation.at})
        self._draft.put(with_monitor(pool, made), place)
        return Applied(pool.id, there is None)

    def _set_state(self, operation: Operation) -> Applied:
        member = self._draft.look(Member.COLLECTION, operation.word, self._parent(operation))
        self._check(member, operation.condition)
        change = structure(StateChange, operation.body, operation.at, self._loading)
        if change is not None:
            self.states[member.id] = change
        return Applied(member.id)

    def _whole(self, operation: Operation) -> Applied:
        self._check_list(operation.condition)
        applies = operation.op is Op.APPLY
        whole = Whole(self._draft, self._sent, self._loading, self._make_id, applies)
        whole.play(operation.body, operation.at)
        self.tests += whole.tests
        return Applied("")

    def _restore(self, operation: Operation) -> Applied:
        self._check_list(operation.condition)
        restore(self._draft, operation.body)
        return Applied("")

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
        return self._sent.settable(
            operation.collection, operation.body, operation.at, ident, parent
        )

    def _trees(self, operation: Operation, document: Any, parent: str) -> list[Tree]:
        return self._planting.trees(operation.collection, document, operation.at, parent)


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


def _parent_of(current: Resource, document: Any) -> str:
    """The parent when the document leaves it; empty when the document moves the object."""
    if current.PARENT is None:
        return ""
    parent: str = getattr(current, current.PARENT[0])
    word = document.get(current.PARENT[0], parent) if isinstance(document, dict) else parent
    return parent if word == parent else ""
