"""
The data plane of one process: what listens, who serves, and how both change.

A change has two steps. L{DataPlane.prepare} does everything that can fail and
changes nothing; activating what it returns swaps references and cannot fail.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.balancing.affinity_table import AffinityTable
from fiberlb.balancing.interface import Sources
from fiberlb.model.challenges import Challenges
from fiberlb.model.operational import Operations
from fiberlb.relay.affinity import Memory, private_table
from fiberlb.relay.bound import Share, settle
from fiberlb.relay.challenged import Answers
from fiberlb.relay.drain import Draining
from fiberlb.relay.expelling import expel
from fiberlb.relay.inserted import inserted, told_of_client
from fiberlb.relay.listening import Listening
from fiberlb.relay.member_table import MemberTable
from fiberlb.relay.networks import member_of
from fiberlb.relay.prepared import Prepared
from fiberlb.relay.rooms import Rooms
from fiberlb.relay.runtime import Cell, Plan
from fiberlb.relay.services import Services
from fiberlb.relay.shedding import Shedding
from fiberlb.relay.states import ListenerState, Load, Processes, listener_states
from fiberlb.relay.timer_wheel import RATE
from fiberlb.relay.trimming import Trimming, system_trim
from fiberlb.snapshot import ListenerPlan, Snapshot
from fiberlb.tls.contexts import ROTATION, TlsSlot
from fiberlb.tls.member_contexts import MemberContexts
from fiberlb.treatment.draft import Kept, Surroundings
from fiberlb.treatment.mirroring import copied

_log = Logger()


class DataPlane(Listening):
    """
    Everything between the clients and the members.

    @param reactor: has C{IReactorTime}.
    @param services: of the loop it runs on.
    @param log: L{fiberlb.observe.access_log.AccessLog} by shape.
    @param trusted: networks whose forwarded headers are believed.
    @param make_slot: makes TLS of a listener, by its id.
    @param start: where balancers begin their rounds.
    @param random: numbers from 0 to 1, for balancers that draw.
    @param make_table: makes or opens what clients are remembered in.
    @ivar contexts: TLS to the members.
    @ivar shedding: whether this process is too slow, and what it does then.
    @cvar rotates: the ticket keys are this process's own, and replaced by it.
    """

    rotates: ClassVar[bool] = True

    def __init__(
        self,
        reactor: Any,
        services: Services,
        log: Any,
        trusted: Sequence[str] = (),
        *,
        make_slot: Callable[[str], TlsSlot] = TlsSlot,
        start: int = 0,
        random: Callable[[], float],
        make_table: Callable[[], AffinityTable] = private_table,
    ) -> None:
        super().__init__(reactor, services)
        self._log = log
        self._trusted = member_of(trusted)
        self._make_slot = make_slot
        self.contexts = MemberContexts()
        sources = Sources(start, random, lambda: services.loop.now)
        rooms = Rooms(reactor.callLater, sources.clock, self._share)
        self._table = MemberTable(sources, rooms, self.contexts, Memory(make_table))
        self._kept = Kept()
        self._closing: list[Cell] = []
        self._answers: Answers | None = None
        self._sweep = LoopingCall(self._tick)
        self._sweep.clock = reactor
        self._rotation = LoopingCall(self._rotate)
        self._rotation.clock = reactor
        self._draining: Draining | None = None
        self._trimming = Trimming(system_trim())
        self.shedding = Shedding()

    def start(self) -> None:
        """Begin to keep the time; before the first snapshot."""
        self._sweep.start(1 / RATE, now=False).addErrback(
            lambda why: _log.failure("deadlines are not kept any more", failure=why)
        )
        if self.rotates:
            self._rotation.start(ROTATION, now=False).addErrback(
                lambda why: _log.failure("ticket keys are not replaced any more", failure=why)
            )

    # Change.

    def trust(self, networks: Sequence[str]) -> None:
        """Whose forwarded headers are believed from the next activation on."""
        self._trusted = member_of(networks)

    async def foresee(self, configuration: object) -> None:
        """As of L{fiberlb.control.plane.Plane.foresee}: there is nobody else to work on it."""

    async def prepare(self, snapshot: Snapshot, tolerated: Container[str] = ()) -> Prepared:
        """
        Bind what is new and build TLS contexts; nothing is served from them yet.

        @param tolerated: ids of listeners whose addresses may fail to be bound.
        @raise AddressInUse: an address of another listener cannot be had.
        @raise fiberlb.errors.ConfigurationError: TLS material that cannot be used.
        """
        prepared = Prepared(self, snapshot)
        try:
            prepared.member_tls = self.contexts.prepare(snapshot.pools)
            for ident, plan in snapshot.listeners.items():
                self._prepare_listener(prepared, ident, plan, ident in tolerated)
        except BaseException:
            prepared.close()
            raise
        return prepared

    def _prepare_listener(
        self, prepared: Prepared, ident: str, plan: ListenerPlan, tolerated: bool
    ) -> None:
        if plan.tls is not None:
            slot = self._slots.get(ident) or self._make_slot(ident)
            old = self._cells.get(ident)
            unchanged = old is not None and old.plan.source.tls is plan.tls
            if not unchanged or slot.table is None:
                prepared.tables[ident] = (slot, slot.prepare(plan.tls))
        self._bind(prepared, ident, plan, tolerated)

    def activate(self, prepared: Prepared) -> None:
        """Swap to what was prepared; cannot fail."""
        snapshot = prepared.snapshot
        self._snapshot = snapshot
        for slot, table in prepared.tables.values():
            slot.use(table)
        self._slots = {
            ident: prepared.tables[ident][0] if ident in prepared.tables else self._slots[ident]
            for ident, plan in snapshot.listeners.items()
            if plan.tls is not None
        }
        self.contexts.use(prepared.member_tls)
        self._table.use(snapshot)
        self._swap_listeners(snapshot)
        self._swap_sockets(snapshot, prepared)
        # What was bound by another attempt meanwhile is not needed twice.
        prepared.close()

    def _swap_listeners(self, snapshot: Snapshot) -> None:
        cells: dict[str, Cell] = {}
        for ident, source in snapshot.listeners.items():
            cell = self._cells.get(ident)
            plan = self._plan(source)
            if cell is None:
                cell = Cell(ident, plan, self._log, self._services)
            cell.plan = plan
            self.shedding.impose(cell, self._draining is not None)
            settle(cell, source.listener.connection_limit, self._share(ident))
            cells[ident] = cell
        self._closing = [cell for cell in self._closing if cell.connections]
        for ident, cell in self._cells.items():
            if ident not in cells:
                # What its socket holds is still to be accepted.
                cell.draining = True
                settle(cell, -1, None)
                self._closing.append(cell)
        self._cells = cells
        self._kept.prune(snapshot.configuration.holds)

    def _share(self, name: str) -> Share | None:
        """What other processes see of what has a limit; here there are none."""
        return None

    def _plan(self, source: ListenerPlan) -> Plan:
        listener = source.listener
        plan = Plan(
            source,
            self._table.pools,
            self._trusted,
            member_of(listener.allowed_cidrs),
            inserted(listener),
            told_of_client(listener),
            Surroundings(self._services, self._table.pools, self._kept),
        )
        return self.shedding.within(plan if self._answers is None else self._answers.within(plan))

    async def challenge(self, challenges: Challenges) -> None:
        """Answer these challenges, and no others, from the next request and handshake on."""
        self._answers = Answers(challenges) if challenges else None
        self._plan_anew()

    def _plan_anew(self) -> None:
        for cell in self._cells.values():
            if cell.plan.speaks_http:
                cell.plan = self._plan(cell.plan.source)

    # Health.

    def set_member_usable(self, member_id: str, usable: bool) -> None:
        """What the health checks say; a member that is not known is not minded."""
        self._table.set_usable(member_id, usable)

    async def operate(self, operations: Operations) -> None:
        """Have this in force beside the configuration, and nothing else."""
        now = self._services.loop.now
        self._table.operate(operations, self._services.wall(now) - now)
        self._services.standing.leaving = operations.leaving

    # Figures.

    def listeners(self) -> Sequence[ListenerState]:
        """What listens where."""
        return listener_states(self._acceptors, self._missing.all(), self._closing)

    def member_figures(self, member_id: str) -> Mapping[str, int]:
        """C{sessions} and C{in_flight} of a member, and what has gone through it; 0 if unknown."""
        return self._table.figures(member_id)

    def pool_figures(self, pool_id: str) -> Mapping[str, int]:
        """C{queued}: how many wait for room at a pool's members; what became of copies for it."""
        return {"queued": self._table.queued(pool_id), **copied(self._kept, pool_id)}

    def listener_figures(self, listener_id: str) -> Mapping[str, int]:
        """What a listener has counted (L{Cell.figures}); empty if unknown."""
        cell = self._cells.get(listener_id)
        return cell.figures() if cell is not None else {}

    def reasons(self) -> Mapping[str, int]:
        """How often each reason code was given."""
        return self._services.reasons

    def processes(self) -> Processes:
        """No process but this one."""
        return Processes({}, 0.0, self._log.lost, 0)

    def load(self) -> Load:
        """How this process keeps up."""
        return self.shedding.load()

    def workers(self) -> tuple[int, int]:
        """No process but this one."""
        return 0, 0

    async def restart(self) -> None:
        """Nothing to replace."""

    # End.

    def stop(self, deadline: float, patience: float = 0.0) -> Deferred[None]:
        """
        Accept no more, finish what runs, then cut what is left.

        @param deadline: seconds until it is cut.
        @param patience: seconds for idle connections to end with one more answer.
        """
        self._stop_listening()
        for cell in (*self._cells.values(), *self._closing):
            cell.draining = True
        self._draining = Draining(self._reactor, self._services.loop, deadline, patience)
        return self._draining.done.addCallback(lambda _: self._end())

    def hasten(self, deadline: float) -> None:
        """What runs has C{deadline} seconds from now, if that is sooner; after L{stop}."""
        if self._draining is not None:
            self._draining.hasten(deadline)

    def _end(self) -> None:
        self._table.drop_idle()
        if self._services.lag is not None:
            self._services.lag.stop()
        for repeated in (self._sweep, self._rotation):
            if repeated.running:
                repeated.stop()

    def _rotate(self) -> None:
        for slot in self._slots.values():
            slot.rotate()

    def _tick(self) -> None:
        now = (loop := self._services.loop).refresh()
        loop.wheel.sweep(now)
        loop.watch_all()
        self._look_after(now)
        self._table.rise()
        expel(self._table.overdue(), loop.wheel)
        cells = (*self._cells.values(), *self._closing)
        self._trimming.look(sum([cell.connections for cell in cells]))
        if loop.pipes is not None:
            loop.pipes.ease()

    def _look_after(self, now: float) -> None:
        """Find out whether this process is too slow, and act on it."""
        lag = self._services.lag
        if lag is not None and self.shedding.judge(lag.look(now, self._accepting()), now):
            self._plan_anew()
            for cell in self._cells.values():
                self.shedding.impose(cell, self._draining is not None)
