"""
The data plane in many processes, seen from control: the same shape as in one.

What can fail is tried here before anything is stored: compiling has been, the
sockets are bound, the TLS contexts are built once. Then the whole revision goes
to all workers, and the change is answered when they serve it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from fiberlb.control.slicing import in_slices
from fiberlb.model.addresses import at
from fiberlb.model.bounds import Limits
from fiberlb.model.challenges import Challenges
from fiberlb.model.configuration import Configuration
from fiberlb.model.convert import overlaid
from fiberlb.model.operational import Operations
from fiberlb.model.overload import Overload
from fiberlb.model.settings import Settings
from fiberlb.relay.binding import Binding
from fiberlb.relay.missing import RETRY
from fiberlb.relay.states import ListenerState, Load, Processes
from fiberlb.snapshot import ListenerPlan, Snapshot
from fiberlb.tls.contexts import ROTATION, TlsSlot
from fiberlb.tls.member_contexts import MemberContexts
from fiberlb.workers import messages
from fiberlb.workers.bases import Bases
from fiberlb.workers.board import NAME as BOARD
from fiberlb.workers.board import Board, at_descriptor, limited_in
from fiberlb.workers.counting import Counting, counted
from fiberlb.workers.crew import Crew
from fiberlb.workers.foreseeing import foresee
from fiberlb.workers.living import LIVING
from fiberlb.workers.logs import LogWatch
from fiberlb.workers.nursery import Nursery
from fiberlb.workers.order import Order
from fiberlb.workers.pages import BEAT, Page
from fiberlb.workers.ready import Ready
from fiberlb.workers.recalling import Recalling
from fiberlb.workers.revisions import Encoder, Revision, sealed
from fiberlb.workers.seen import Seen, Stage
from fiberlb.workers.slots import Address, Slots
from fiberlb.workers.standing import standing
from fiberlb.workers.system import become_subreaper
from fiberlb.workers.takeover import gathered, living, open_door
from fiberlb.workers.template import BOARD as BOARD_FILE
from fiberlb.workers.template import FILES
from fiberlb.workers.worker import SOCKET

_log = Logger()


class WorkersPlane(Recalling):
    """
    All workers as one data plane.

    @param wanted: how many, at least 1.
    @param binding: makes sockets that listen, and cleans up after them.
    @param wall: seconds since the epoch; serials begin there, so that they grow over restarts.

    @ivar contexts: TLS to the members, for the checks; workers make their own. C{logs}: theirs.
    """

    def __init__(
        self,
        reactor: Any,
        wanted: int,
        settings: Settings,
        binding: Binding,
        wall: Callable[[], float],
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(reactor, lambda: self.crew.seen())
        self._environment = environment
        self._settings = settings
        self._trusted: tuple[str, ...] = tuple(settings.trusted_proxies)
        self._limits = overlaid(Limits(), settings.limits)
        self._overload = settings.overload
        self._serial = int(wall())
        self._wanted = wanted
        self._slots = Slots(binding.bind, binding.release, binding.adopt, binding.held)
        self._tls: dict[str, TlsSlot] = {}
        self.contexts = MemberContexts()
        self._bases = Bases()
        self._counting = Counting(self._pages)
        self._board: Board | None = None
        self._board_path = ""
        self._encoder = Encoder()
        self._down: set[str] = set()
        self._number = 0
        self._closing: dict[str, ListenerPlan] = {}
        self._snapshot: Snapshot | None = None
        self._door: Any = None
        self._retry: Any = None
        self._rotation = LoopingCall(self._rotate)
        self._rotation.clock = reactor
        self._begun = False
        self.crew: Crew
        self.logs = LogWatch(reactor, settings.access_log.path, self)

    async def begin(self, directory: str) -> None:
        """
        Start the processes, and take over those of a control process that is gone.

        @param directory: the state directory, which this process holds; empty: nothing is
            written to disk, and all processes end together.
        @raise fiberlb.workers.nursery.TemplateGone: no worker can be forked.
        """
        become_subreaper()
        self.crew = self._make_crew(directory)
        self._begun = True
        await (self._take_over(directory) if directory else self.crew.begin())
        self._rotation.start(ROTATION, now=False)
        self.logs.start()

    def _make_crew(self, directory: str) -> Crew:
        files: dict[int, int] = {}
        board = self._board_path = os.path.join(directory, BOARD)
        if not directory:
            files = {n: os.memfd_create("fiberlb", os.MFD_CLOEXEC) for n in FILES}
            self._board_path = at_descriptor(files[BOARD_FILE])
            board = at_descriptor(BOARD_FILE)
        order = Order.of(self._settings, directory, board)
        make = partial(Nursery, self._reactor, self._environment, files)
        return Crew(self._reactor, self._slots, order, self._wanted, self._ended, make)

    def _rotate(self) -> Deferred[None]:
        done = Deferred.fromCoroutine(self._renew())
        return done.addErrback(
            lambda why: _log.failure("ticket keys stay for another day", failure=why)
        )

    async def _renew(self) -> None:
        """
        Other ticket keys: another template, then every worker from it, one after the other.

        Connections stay with the workers that they have, which drain.
        """
        await self.crew.renew()
        spent = self._bases.spent
        self._bases.renew()
        if spent and self._snapshot is not None:
            wanted = self._snapshot.wanted()
            await self.crew.turn.run(lambda: Deferred.fromCoroutine(self._publish(wanted)))

    async def _take_over(self, directory: str) -> None:
        """Begin, with the workers of an earlier process if there are any."""
        crew = self.crew
        looking = partial(living, directory, LIVING, draining=False)
        expected = looking()
        if os.path.exists(self._board_path):
            self._open_board().keep(living(directory, LIVING))
        self._door = open_door(self._reactor, os.path.join(directory, SOCKET), crew)
        begun = Deferred.fromCoroutine(crew.begin())
        if expected:
            await gathered(
                self._reactor,
                # Those that are forked meanwhile are ours.
                lambda: looking() - {s.pid for s in crew.seen() if not s.serial},
                lambda: {s.pid for s in crew.seen(Stage.ADOPTED)},
                "{count} workers of an earlier process are taken over",
            )
        await begun

    # Change.

    def trust(self, networks: Sequence[str]) -> None:
        """Whose forwarded headers are believed from the next activation on."""
        self._trusted = tuple(networks)

    def limit(self, limits: Limits) -> None:
        """What bounds every listener from the next activation on."""
        self._limits = limits

    def relieve(self, settings: Overload) -> None:
        """What workers do when they are too slow, from the next activation on."""
        self._overload = settings

    async def foresee(self, configuration: Configuration | None) -> None:
        """As of L{fiberlb.control.plane.Plane.foresee}: workers begin to work on it."""
        if self._snapshot is not None:
            await foresee(self._reactor, self.crew, self._encoder, configuration, self._limits)

    async def prepare(self, snapshot: Snapshot, tolerated: Container[str] = ()) -> Ready:
        """
        Bind what is new and build TLS contexts; nothing is served from them yet.

        @param tolerated: ids of listeners whose addresses may fail to be bound.
        @raise AddressInUse: an address of another listener cannot be had.
        @raise fiberlb.errors.ConfigurationError: TLS material that cannot be used.
        """
        tables = {}
        for ident, plan in snapshot.listeners.items():
            if plan.tls is not None:
                before = self._snapshot.listeners.get(ident) if self._snapshot else None
                if before is None or before.tls is not plan.tls or ident not in self._tls:
                    slot = self._tls.get(ident) or TlsSlot(ident)
                    tables[ident] = (slot, slot.prepare(plan.tls))
        member_tls = self.contexts.prepare(snapshot.pools)
        bound = self._slots.prepare(snapshot, self._wanted, tolerated)
        return Ready(self, snapshot, bound, tables, member_tls)

    async def activate(self, ready: Ready) -> None:
        """Put it in force here, then in all workers."""
        snapshot, before = ready.snapshot, self._snapshot
        wanted = snapshot.wanted()
        for slot, table in ready.tables.values():
            slot.use(table)
        self._tls = {
            ident: ready.tables[ident][0] if ident in ready.tables else self._tls[ident]
            for ident, plan in snapshot.listeners.items()
            if plan.tls is not None
        }
        self.contexts.use(ready.member_tls)
        if before is not None:
            gone = {i: p for i, p in before.listeners.items() if i not in snapshot.listeners}
            self._closing.update(gone)
        for ident in snapshot.listeners:
            self._closing.pop(ident, None)
        self._snapshot = snapshot
        self._slots.use(ready.bound, wanted)
        if before is None:
            # What was taken over may have been for fewer workers.
            self._slots.widen(self._wanted, snapshot)
        members = {member.id for plan in snapshot.pools.values() for member in plan.members}
        self._down &= members
        # What the health checks say of new members comes in this turn, and goes along.
        await deferLater(self._reactor, 0)
        await self.crew.turn.run(lambda: Deferred.fromCoroutine(self._publish(wanted)))
        self._plan_retry()

    async def _publish(self, wanted: Mapping[Address, str]) -> None:
        snapshot = self._snapshot
        assert snapshot is not None
        self._serial += 1
        revision = Revision(
            serial=self._serial,
            configuration=snapshot.configuration,
            limits=self._limits,
            trusted=self._trusted,
            overload=self._overload,
            bases=self._bases.assign(snapshot),
            places=self._counting.assign(counted(snapshot), self._serial, self.crew.oldest),
            columns=self._columns(snapshot),
            answers=snapshot.answers,
        )
        fd = await in_slices(self._reactor, self._encoder.encode(revision))
        if (current := self.crew.handing.current).revision >= 0:
            os.close(current.revision)
        current.serial, current.revision = self._serial, fd
        current.down, current.size = self._told, snapshot.configuration.size
        await self.crew.publish()
        self._slots.drop(wanted)
        for seen in self.crew.seen():
            seen.listens = {key for key in seen.listens if key[0] in wanted}

    def _told(self) -> tuple[int, int]:
        return sealed("\n".join(self._down).encode()), self._number

    def _columns(self, snapshot: Snapshot) -> Mapping[str, int]:
        """Where workers see how much of it a listener or a member with a limit has."""
        if not (limited := limited_in(snapshot)) and self._board is None:
            return {}
        foreign = any(seen.foreign for seen in self.crew.seen())
        oldest = 0 if foreign else self.crew.oldest
        return self._open_board().columns(limited, self._serial, oldest)

    def _open_board(self) -> Board:
        if self._board is None:
            self._board = Board(self._board_path)
        return self._board

    # Addresses that could not be had.

    def _plan_retry(self) -> None:
        if self._slots.failed and (self._retry is None or not self._retry.active()):
            self._retry = self._reactor.callLater(RETRY, self._try_again)

    def _try_again(self) -> None:
        if self._snapshot is None:
            return
        for address in self._slots.retry(self._snapshot, self._wanted):
            _log.info("Listening on {where} at last", where=at(*address))
        crew = self.crew
        done = crew.turn.run(lambda: Deferred.fromCoroutine(crew.handing.share_out(crew.wanted)))
        done.addErrback(lambda why: _log.failure("sockets are not handed out", failure=why))
        self._plan_retry()

    # Health.

    def set_member_usable(self, member_id: str, usable: bool) -> None:
        """What the health checks say."""
        if (member_id in self._down) is not usable:
            return
        (self._down.discard if usable else self._down.add)(member_id)
        self._number += 1
        self.crew.tell(messages.Usable, number=self._number, member=member_id, usable=usable)

    async def operate(self, operations: Operations) -> None:
        """Have this in force beside the configuration; returns when it is in every worker."""
        await self.crew.turn.run(lambda: self.crew.handing.operate(operations))

    async def challenge(self, challenges: Challenges) -> None:
        """Have these challenges answered, and no others; returns when every worker does."""
        handed = self.crew.handing.challenge
        await self.crew.turn.run(lambda: Deferred.fromCoroutine(handed(challenges)))

    def workers(self) -> tuple[int, int]:
        """How many there should be, and how many serve the revision in force."""
        return self._wanted, self.crew.serving

    async def restart(self) -> None:
        """Replace every worker; returns when the new ones serve."""
        await self.crew.roll()

    def resize(self, wanted: int) -> Deferred[None]:
        """Have another number of workers; fires when they serve."""
        self._wanted = wanted
        return Deferred.fromCoroutine(self.crew.resize(wanted, self._widen))

    def _widen(self, count: int) -> None:
        if self._snapshot is not None:
            self._slots.widen(count, self._snapshot)

    # Figures.

    def listeners(self) -> Sequence[ListenerState]:
        """What listens where."""
        if not any(page.read(BEAT)[1] for page in self._pages()):
            self._closing.clear()
        return standing(self._snapshot, self._slots, self._closing)

    def member_figures(self, member_id: str) -> Mapping[str, int]:
        """C{sessions} and C{in_flight} of a member, and what has gone through it; 0 if unknown."""
        return self._counting.member(member_id)

    def pool_figures(self, pool_id: str) -> Mapping[str, int]:
        """C{queued}: how many wait for room at a pool's members."""
        return self._counting.pool(pool_id)

    def listener_figures(self, listener_id: str) -> Mapping[str, int]:
        """See L{DataPlane.listener_figures<fiberlb.relay.plane.DataPlane.listener_figures>}."""
        return self._counting.listener(listener_id)

    def reasons(self) -> Mapping[str, int]:
        """How often each reason code was given."""
        return self._counting.reasons()

    def processes(self) -> Processes:
        """The processes and what they have used."""
        return Processes(self.crew.pids(), *self._counting.processes(), self.crew.deaths)

    def load(self) -> Load:
        """How the workers keep up."""
        return self._counting.load()

    def _pages(self) -> Iterable[Page]:
        # An adopted worker counts at places that another control process has given out.
        return [s.page for s in self.crew.seen() if s.page is not None and not s.foreign]

    def _ended(self, seen: Seen) -> None:
        """A worker has ended: its totals stay, its connections are gone."""
        if seen.page is not None and not seen.foreign:
            self._counting.keep(seen.page)
        if self._board is not None:
            self._board.release(seen.pid)

    # End.

    def stop(self, deadline: float) -> Deferred[None]:
        """Accept no more, finish what runs, then cut what is left after C{deadline} seconds."""
        return Deferred.fromCoroutine(self._stop(deadline))

    async def _stop(self, deadline: float) -> None:
        if self._rotation.running:
            self._rotation.stop()
        if self._retry is not None and self._retry.active():
            self._retry.cancel()
        if not self._begun:
            return
        await self.crew.stop(deadline)
        self.logs.stop()
        self._slots.close_all()
        if self._door is not None:
            await maybeDeferred(self._door.stopListening)

    def hasten(self, deadline: float) -> None:
        """What runs has C{deadline} seconds from now, if that is sooner."""
        if self._begun:
            self.crew.hasten(deadline)
