"""From a configuration to what serves: compile, prepare, activate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container
from typing import TypeVar

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from fiberlb import snapshot
from fiberlb.control.aside import LARGE, Aside, at_once
from fiberlb.control.member_names import PATIENCE, Names, NoNames
from fiberlb.control.plane import HealthView, Plane, Prepared
from fiberlb.control.scrap import Scrap
from fiberlb.control.slicing import in_slices
from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import Configuration
from fiberlb.resolved import names_of, resolved
from fiberlb.snapshot import PoolPlan, Snapshot
from fiberlb.store.interface import Standing

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Surroundings:
    """
    What the control service is given rather than reaches for.

    @ivar wall: seconds since the epoch, for the times in documents.
    @ivar monotonic: seconds, for the budget of patterns.
    @ivar make_id: gives fresh UUIDs.
    @ivar report: told of undecided rules while they serve.
    @ivar node: the name of this process among others with the same store.
    @ivar history: how many revisions are remembered.
    @ivar history_size: bytes of what they changed; beyond it the oldest ones are not restored.
    @ivar history_age: seconds for which they are remembered.
    @ivar aside: does long work.
    @ivar names: resolves the names of members.
    @ivar standing: how it stands with the store.
    @ivar shared: other nodes have the same store.
    """

    reactor: IReactorTime
    wall: Callable[[], float]
    monotonic: Callable[[], float]
    make_id: Callable[[], str]
    report: Callable[[str, str], None]
    node: str = ""
    history: int = 1000
    history_size: int = 64 * 1024 * 1024
    history_age: float = 90 * 86400.0
    aside: Aside = at_once
    names: Names = attrs.field(factory=NoNames)
    standing: Callable[[], Standing] = Standing
    shared: bool = False

    def beside(self, size: int, work: Callable[[], T]) -> Deferred[T]:
        """Work on about C{size} objects: aside, if they are many."""
        return self.aside(work) if size >= LARGE else at_once(work)


@attrs.frozen
class Ready:
    """
    A snapshot that could serve, and the plane's side of it.

    @ivar compiled: the same with members as they are configured.
    """

    compiled: Snapshot
    snapshot: Snapshot
    prepared: Prepared


def unverified(plan: PoolPlan) -> str:
    """That anybody is taken for a pool's members, as a sentence; empty: they are verified."""
    if plan.tls is None or not plan.tls.insecure:
        return ""
    name = plan.pool.name or plan.pool.id
    return f"pool {name}: insecure_skip_verify is on: anybody is taken for its members"


#: A configuration with what certificates got by themselves.
Dressed = Callable[[Configuration], Configuration]


def bare(configuration: Configuration) -> Configuration:
    """Nothing is put in."""
    return configuration


class Publisher:
    """
    Brings configurations into force on this node, one at a time.

    @param dressed: puts into a configuration what certificates got by themselves.
    @param beforehand: sees to what a configuration needs beside itself; cannot fail.

    @ivar snapshot: in force, members by name at their addresses; C{None} before the first one.
    """

    _log = Logger()

    def __init__(
        self,
        plane: Plane,
        health: HealthView,
        surroundings: Surroundings,
        dressed: Dressed = bare,
        beforehand: Callable[[Configuration], Awaitable[None]] | None = None,
    ) -> None:
        self._dressed = dressed
        self._beforehand = beforehand
        self._plane = plane
        self._health = health
        self._surroundings = surroundings
        self._names = surroundings.names
        self._compiled_last: Snapshot | None = None
        self._foreseen = False
        self.snapshot: Snapshot | None = None
        self._scrap = Scrap(surroundings.reactor)

    def beside(self, size: int, work: Callable[[], T]) -> Deferred[T]:
        """As of L{Surroundings}."""
        return self._surroundings.beside(size, work)

    async def prepare(
        self,
        configuration: Configuration,
        limits: Limits,
        tolerated: Container[str] | None = None,
        examine: Callable[[Snapshot], None] = lambda compiled: None,
        previous: Snapshot | None = None,
        foreseen: bool = True,
    ) -> Ready:
        """
        Everything that can fail.

        Names that are new are asked for, and waited for a moment: members that
        are given by address today and by name from now on leave no gap. That
        there is no answer is no failure.

        @param tolerated: listeners that may fail to bind their addresses;
            C{None}: those that failed before and still want the same ones.
        @param examine: raises what there is against it once it is compiled.
        @param previous: compiled before, of nearly the same; C{None}: what was in force last is.
        @param foreseen: it will be put in force, unless something goes wrong.

        @raise fiberlb.errors.ConfigurationError: paths are (collection, id, ...).
        @raise fiberlb.errors.AddressInUse: by an address of another listener.
        """
        if self._beforehand is not None:
            await self._beforehand(configuration)
        dressed = self._dressed(configuration)
        if foreseen and dressed.size >= LARGE:
            self._foreseen = True
            await self._plane.foresee(dressed)
        try:
            compiled = await self._compiled(dressed, limits, previous)
            examine(compiled)
            names = names_of(compiled)
            if names:
                self._names.want(names)
                await self._names.first(names, PATIENCE)
            return await self._at_addresses(compiled, tolerated)
        except BaseException:
            await self._forget()
            raise

    async def _forget(self) -> None:
        """What was foreseen will not be in force."""
        if self._foreseen:
            self._foreseen = False
            await self._plane.foresee(None)

    async def _at_addresses(
        self, compiled: Snapshot, tolerated: Container[str] | None = None
    ) -> Ready:
        made = resolved(compiled, self._names.answers(), self.snapshot)
        if tolerated is None:
            tolerated = self._failed_before(made)
        return Ready(compiled, made, await self._plane.prepare(made, tolerated))

    async def follow_names(self) -> None:
        """
        Put in force what names are at now; the revision is the same.

        Called in turn with everything else that changes what is in force.
        """
        compiled, before = self._compiled_last, self.snapshot
        if compiled is None or before is None:
            return
        answers = self._names.answers()
        if any(answers.get(name, ()) != known for name, known in before.answers.items()):
            await self.activate(await self._at_addresses(compiled))

    async def _compiled(
        self, configuration: Configuration, limits: Limits, previous: Snapshot | None
    ) -> Snapshot:
        around = self._surroundings
        steps = snapshot.compile(
            configuration,
            previous or self._compiled_last,
            limits=limits,
            clock=around.monotonic,
            report=around.report,
            # Where workers serve nobody asks this process but for an explanation.
            served=self._plane.workers()[0] == 0,
        )
        return await in_slices(around.reactor, steps)

    def _failed_before(self, compiled: Snapshot) -> frozenset[str]:
        if self.snapshot is None:
            return frozenset()
        failed = {s.listener_id for s in self._plane.listeners() if s.state == "error"}
        several = ((ident, self.snapshot.plan(ident), compiled.plan(ident)) for ident in failed)
        return frozenset(
            ident
            for ident, before, now in several
            if before is not None and now is not None and before.addresses == now.addresses
        )

    def scrap(self, size: int, *several: object) -> None:
        """Have what described C{size} objects freed little by little, if those are many."""
        if size >= LARGE:
            self._scrap.put(*several)

    async def activate(self, ready: Ready) -> None:
        """Put it in force; what goes wrong now is a defect, logged, for the swap has happened."""
        self._foreseen = False
        before, self.snapshot = self.snapshot, ready.snapshot
        compiled, self._compiled_last = self._compiled_last, ready.compiled
        self._names.keep(names_of(ready.compiled))
        if before is not None:
            self.scrap(before.configuration.size, before, compiled)
        del compiled
        self._warn(ready.snapshot, before)
        done = Deferred.fromCoroutine(ready.prepared.activate())
        try:
            self._health.apply(ready.snapshot)
        except Exception:
            self._log.failure("health checks of revision {n}", n=ready.snapshot.revision)
        try:
            await done
        except Exception:
            self._log.failure("activation of revision {n}", n=ready.snapshot.revision)

    def _warn(self, snapshot: Snapshot, before: Snapshot | None) -> None:
        """Say once of each pool that anybody is taken for its members."""
        for ident, plan in snapshot.pools.items():
            old = before.pools.get(ident) if before is not None else None
            if unverified(plan) and (old is None or not unverified(old)):
                self._log.warn("{what}", what=unverified(plan))

    async def discard(self, ready: Ready) -> None:
        """Undo a preparation."""
        await self._forget()
        if self._compiled_last is not None:
            self._names.keep(names_of(self._compiled_last))
        try:
            await ready.prepared.discard()
        except Exception:
            self._log.failure("undoing of revision {n}", n=ready.snapshot.revision)
