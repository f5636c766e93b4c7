"""One write, from the operations to the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.control.applying import MONITORS, Applying, check_condition
from fiberlb.control.aside import LARGE, weight
from fiberlb.control.certificates import CertificateFacts
from fiberlb.control.commits import Commit, drawn_up, time_text
from fiberlb.control.draft import Draft
from fiberlb.control.expecting import TestsFailed
from fiberlb.control.following import Following
from fiberlb.control.force import Force
from fiberlb.control.history import stored
from fiberlb.control.member_states import MemberStates, documents, wanted
from fiberlb.control.operations import Applied, Op, Operation, Origin, Outcome
from fiberlb.control.planned import Plan, Planned, digest
from fiberlb.control.pruning import prune
from fiberlb.control.publish import Ready, Surroundings
from fiberlb.control.putting import documented
from fiberlb.control.refusals import Contended, StoreAway, TooBig
from fiberlb.control.state import State
from fiberlb.errors import AddressInUse, ConfigurationError, Problem
from fiberlb.model.configuration import Configuration
from fiberlb.model.expectation import RequestTest
from fiberlb.model.operational import Operational
from fiberlb.model.pool import Member, Pool
from fiberlb.store.interface import Conflict, Store, StoreError, TooLarge, UnknownOutcome
from fiberlb.store.sealed import Keyring

#: How often a write starts over after commits of others before it gives up.
ATTEMPTS = 20
#: Old revisions are thrown away every so many commits.
PRUNE_EVERY = 16


#: Called with the revision of a commit: what else must hold in the store, and what else is
#: stored. May refuse the write.
Rider = Callable[[int], Awaitable[tuple[Mapping[bytes, int], Mapping[bytes, bytes | None]]]]


@attrs.frozen
class _Work:
    """
    What operations come to.

    @ivar commit: C{None} if no object changes.
    @ivar tests: of requests, which came with them.
    """

    draft: Draft
    applied: tuple[Applied, ...]
    commit: Commit | None
    states: Mapping[str, Operational]
    tests: Sequence[RequestTest] = ()


class Writing:
    """Does writes, one at a time: whoever calls sees to that."""

    _log = Logger()

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        force: Force,
        following: Following,
        certificates: CertificateFacts,
        states: MemberStates,
        surroundings: Surroundings,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._force = force
        self._following = following
        self._certificates = certificates
        self._states = states
        self._surroundings = surroundings
        self._planned = Planned(surroundings.reactor)

    async def write(
        self,
        operations: tuple[Operation, ...],
        origin: Origin,
        dry_run: bool,
        rider: Rider | None = None,
    ) -> Outcome:
        """
        As of L{fiberlb.control.service.ControlService.write}.

        After a conflict the operations are played again on what is stored by
        then, their conditions included.

        @param rider: what is stored with it.
        """
        for _ in range(ATTEMPTS):
            size = self._force.size + sum(weight(each.body) for each in operations)
            plan = await self._surroundings.beside(size, partial(self._plan, operations, size))
            work_out = partial(self._worked_out, operations, origin, plan)
            work = await self._surroundings.beside(size, work_out)
            commit = work.commit
            if commit is None:
                self._force.unchanged(work.tests)
                if work.states and not dry_run:
                    await self._states.set(work.states)
                return self._outcome(work.draft.state, operations, work.applied)
            ready = await self._prepared(work, commit, dry_run, plan)
            if dry_run:
                self._keep(operations, size, work, ready)
                await self._force.publisher.discard(ready)
                return Outcome(
                    self._force.state.revision,
                    commit.entry.changes,
                    work.applied,
                    commit.configuration,
                    versions=commit.versions,
                )
            state = await self._committed(work, commit, ready, rider)
            if state is not None:
                if work.states:
                    await self._states.take(work.states)
                await self._activated(state, ready)
                # Most of what was needed for it goes little by little, not as this returns.
                self._force.publisher.scrap(state.configuration.size, work, commit, operations)
                outcome = self._outcome(state, operations, work.applied)
                changes = commit.entry.changes
                return attrs.evolve(outcome, changes=changes, versions=commit.versions)
        raise Contended()

    def _plan(self, operations: tuple[Operation, ...], size: int) -> Plan | None:
        """What the last dry run came to, if it was of just this and is large."""
        if size < LARGE:
            return None
        state = self._force.base()
        plan = self._planned.find(state, operations)
        if plan is not None:
            for each in operations:
                check_condition(state.tags.whole, each.condition)
        return plan

    def _keep(
        self, operations: tuple[Operation, ...], size: int, work: _Work, ready: Ready
    ) -> None:
        document = digest(operations) if size >= LARGE else None
        if document is not None:
            self._planned.keep(Plan(work.draft.state, document, work, ready.compiled))

    def _worked_out(
        self,
        operations: tuple[Operation, ...],
        origin: Origin,
        plan: Plan | None,
    ) -> _Work:
        """What the operations come to; all of it without touching what is in force."""
        if plan is not None:
            known: _Work = plan.work
            assert known.commit is not None
            commit = self._drawn_up(known.draft, origin, known.commit.examined)
            return attrs.evolve(known, commit=commit)
        draft = Draft(self._force.base())
        applying = Applying(draft, self._certificates, self._surroundings.make_id)
        applied = applying.run(operations)
        now = self._surroundings.wall()
        states = {}
        for ident, change in applying.states.items():
            member = draft.objects(Member.COLLECTION).get(ident)
            if isinstance(member, Member):  # else a later operation has taken it out
                pool = draft.objects(Pool.COLLECTION)[member.pool_id]
                assert isinstance(pool, Pool)
                states[ident] = wanted(pool, change, now)
        commit = self._drawn_up(draft, origin)
        return _Work(draft, applied, commit, states, applying.tests)

    def _drawn_up(
        self, draft: Draft, origin: Origin, known: Configuration | None = None
    ) -> Commit | None:
        around = self._surroundings
        now = time_text(around.wall())
        try:
            return drawn_up(draft, origin, now, around.make_id(), known)
        except ConfigurationError as why:
            raise ConfigurationError(draft.located(why.problems)) from None

    async def _prepared(
        self, work: _Work, commit: Commit, dry_run: bool, plan: Plan | None
    ) -> Ready:
        draft = work.draft
        limits = self._force.limits(draft.state)
        try:
            examine = self._force.examine(draft.state, work.tests)
            return await self._force.publisher.prepare(
                commit.configuration,
                limits,
                examine=examine,
                previous=None if plan is None else plan.compiled,
                foreseen=not dry_run,
            )
        except TestsFailed:
            raise
        except ConfigurationError as why:
            raise ConfigurationError(draft.located(why.problems)) from None
        except AddressInUse as why:
            at = draft.place("listeners", why.listener_id, "port")
            raise ConfigurationError([Problem(at, why.message, code=why.code)]) from None

    async def _committed(
        self, work: _Work, commit: Commit, ready: Ready, rider: Rider | None
    ) -> State | None:
        """
        The state once it is stored; C{None} after a conflict, when what others stored is known.

        Whatever else happens, the preparation is undone.
        """
        try:
            size = commit.configuration.size
            document = partial(documented, commit, work.draft, self._keyring)
            commit = await self._surroundings.beside(size, document)
            commit.puts.update(documents(work.states))
            if rider is not None:
                expect, puts = await rider(commit.entry.revision)
                commit.expect.update(expect)
                commit.puts.update(puts)
            at = await self._stored(commit)
        except BaseException:
            await self._force.publisher.discard(ready)
            raise
        if at is None:
            await self._force.publisher.discard(ready)
            await self._following.refresh()
            return None
        layer = attrs.evolve(commit.layer, counter=at, at=at)
        return attrs.evolve(work.draft.state, layer=layer, configuration=commit.configuration)

    async def _stored(self, commit: Commit) -> int | None:
        """The store's revision of the commit; C{None} when others were faster."""
        try:
            return await self._store.commit(commit.expect, commit.puts)
        except Conflict:
            return None
        except TooLarge as why:
            raise TooBig(str(why)) from None
        except UnknownOutcome as why:
            return await self._looked_up(commit, str(why))
        except StoreError as why:
            raise StoreAway(str(why)) from None

    async def _looked_up(self, commit: Commit, detail: str) -> int | None:
        """Whether a commit of unknown outcome is stored."""
        try:
            at = await stored(self._store, commit.entry)
        except StoreError:
            raise StoreAway(f"{detail}; look before writing again", uncertain=True) from None
        return at

    async def _activated(self, state: State, ready: Ready) -> None:
        plan = self._planned.drop()
        if plan is not None:
            self._force.publisher.scrap(plan.compiled.configuration.size, plan)
        del plan
        self._force.adopt(state)
        await self._force.publisher.activate(ready)
        self._certificates.keep(set(state.configuration.objects["certificates"]))
        if state.revision % PRUNE_EVERY == 0:
            around = self._surroundings
            since = time_text(around.wall() - around.history_age)
            pruning = prune(self._store, around.history, around.history_size, since)
            Deferred.fromCoroutine(pruning).addErrback(
                lambda why: self._log.warn("old revisions stay: {why}", why=why.value)
            )

    @staticmethod
    def _outcome(
        state: State, operations: tuple[Operation, ...], applied: tuple[Applied, ...]
    ) -> Outcome:
        tags = {}
        for operation, done in zip(operations, applied, strict=True):
            collection = operation.collection
            if collection == MONITORS:
                collection = Pool.COLLECTION
            elif operation.op is Op.REPLACE_ALL or not collection:
                tags[collection, ""] = state.tags.whole
                continue
            if done.id in state.configuration.objects.get(collection, {}):
                tags[collection, done.id] = state.tags.of(collection, done.id)
        return Outcome(state.revision, (), applied, state.configuration, tags)
