"""
A worker: forked from the template, with a reactor of its own. It serves, counts, drains and ends.

Without control it goes on with the last revision and looks for another one.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, globalLogBeginner

from fiberlb.control.aside import LARGE
from fiberlb.control.scrap import Scrap
from fiberlb.guards.guards import Guards
from fiberlb.observe.outlet import open_log
from fiberlb.relay import reactor as lean
from fiberlb.relay.bound import Share
from fiberlb.relay.crowd import Crowd
from fiberlb.relay.lag import Lag
from fiberlb.relay.services import Services, request_ids
from fiberlb.resolved import resolved
from fiberlb.snapshot import Snapshot
from fiberlb.tls.contexts import TlsSlot, bare_context
from fiberlb.treatment.buckets import Rates
from fiberlb.turns import Turns
from fiberlb.workers import messages
from fiberlb.workers.board import Board
from fiberlb.workers.link import WorkerLink, suspect
from fiberlb.workers.living import hold_life, tell_draining
from fiberlb.workers.logs import LogTeller, access_log
from fiberlb.workers.order import Order
from fiberlb.workers.pages import BEAT, Page
from fiberlb.workers.reading import Reading
from fiberlb.workers.revisions import Revision
from fiberlb.workers.serving import ServingPlane
from fiberlb.workers.system import name_process
from fiberlb.workers.tables import clients, crowd, rates
from fiberlb.workers.talk import Talk

#: Seconds between two writings of the figures.
PULSE = 0.25
#: Seconds between two attempts to find a control process.
REDIAL = 0.1
#: Seconds in which an idle connection may still bring a request when a worker drains.
PATIENCE = 2.0
#: The socket in the state directory at which control takes workers over.
SOCKET = "workers.sock"
_log = Logger()


class Worker:
    """
    One worker.

    @param reactor: the lean one.
    @param bases: the template's TLS base contexts.

    @ivar serial: of the revision in force; 0 before the first.
    """

    def __init__(
        self, reactor: Any, order: Order, page: Page, bases: Sequence[SSL.Context]
    ) -> None:
        self.serial = 0
        self.plane: ServingPlane
        self._reactor = reactor
        self._order = order
        self._page = page
        self._bases = bases
        self._index: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._board: Board | None = None
        self._row: int | None = None
        self._turn = Turns()
        self._scrap = Scrap(reactor)
        self._reading = Reading(reactor)
        self._snapshot: Snapshot | None = None
        self._serving: Snapshot | None = None
        self._down: set[str] = set()
        self._number = 0
        self._link: WorkerLink | None = None
        self._lost_at: float | None = None
        self._draining = False
        # A fork has the state of its parent's generator; this one has one of its own.
        chance = random.Random(os.urandom(16)).random
        self._teller = LogTeller(reactor, order.log_path)
        self.access_log = access_log(reactor, order, self._teller.look, chance)
        services = Services(
            reactor,
            lambda stamp: stamp + time.time() - reactor.now,  # noqa: TID251
            request_ids(time.time, os.urandom),  # noqa: TID251
            suspect=lambda *told: suspect(self._link, *told),
            lag=Lag(reactor),
            guards=Guards(reactor, time.time, os.urandom),  # noqa: TID251
            rates=Rates(lambda: rates(order)),
            crowd=Crowd(lambda: crowd(order)),
        )
        self.plane = ServingPlane(
            reactor,
            services,
            self.access_log,
            make_slot=self._slot,
            start=order.slot,
            make_table=lambda: clients(order),
            random=chance,
        )
        self._pulse = LoopingCall(self._beat)
        self._pulse.clock = reactor

    def reopen(self) -> None:
        """The files of the logs were moved away."""
        self.access_log.reopen()

    def _slot(self, ident: str) -> TlsSlot:
        """TLS of a listener on a base that all workers have: their tickets are each other's."""

        def base() -> SSL.Context:
            index = self._index.get(ident, -1)
            return self._bases[index] if 0 <= index < len(self._bases) else bare_context()

        return TlsSlot(ident, base)

    def begin(self) -> None:
        """The reactor runs: keep the time and the log."""
        # Control has seen that it can be opened; if it cannot be any more, traffic goes on.
        self.access_log.start(later=True)
        self.plane.start()
        self._pulse.start(PULSE).addErrback(lambda why: _log.failure("the pulse", failure=why))

    def _beat(self) -> None:
        spent = int(time.process_time() * 1000)
        beat = int(self._reactor.seconds() * 1000)
        self._page.write(BEAT, (beat, self.plane.closing, spent, self.access_log.lost))
        self.plane.flush(self._page, self._places)

    # Revisions and health.

    async def apply(self, serial: int, data: bytes | memoryview, down: bytes, number: int) -> None:
        """
        Serve a revision.

        @param down: ids of the members that may not serve, one a line.
        @param number: of the last message about a member's health that C{down} holds.
        """
        # The one before may still be at work.
        await self._turn.run(lambda: self._apply(serial, data, down, number))

    async def foresee(self, data: memoryview | None) -> None:
        """
        Read and compile what will probably be in force next.

        @param data: C{None}: it will not be.
        """
        await self._turn.run(lambda: self._reading.foresee(data, self._snapshot))

    async def _apply(self, serial: int, data: bytes | memoryview, down: bytes, number: int) -> None:
        revision, compiled = await self._reading.read(data, self._snapshot)
        self._index = dict(revision.bases)
        self.plane.trust(revision.trusted)
        self.plane.shedding.settings = revision.overload
        self.plane.shares = self._shares(revision.columns)
        serving = resolved(compiled, revision.answers, self._serving)
        prepared = await self.plane.prepare(serving)
        # From here to the end nothing else gets a turn: no request sees a part of it.
        if number >= self._number:
            self._number = number
            self._down = set(down.decode().split())
        self.plane.activate(prepared)
        self._serve(compiled, serving, revision)
        if not self.serial:
            # The file may have been moved away before control knew of this worker.
            self.reopen()
        self.serial = serial

    def _serve(self, compiled: Snapshot, serving: Snapshot, revision: Revision) -> None:
        before, self._snapshot = self._snapshot, compiled
        self._serving = serving
        if before is not None and before.configuration.size >= LARGE:
            self._scrap.put(before)
        for plan in serving.pools.values():
            for member in plan.members:
                self.plane.set_member_usable(member.id, member.id not in self._down)
        self._places = dict(revision.places)
        self.plane.flush(self._page, self._places, everything=True)

    def _shares(self, columns: Mapping[str, int]) -> Mapping[str, Share]:
        """What this worker holds of what all may, for each listener with a limit."""
        if columns and self._board is None:
            self._board = Board(self._order.board)
            self._row = self._board.claim(os.getpid())
        board, row = self._board, self._row
        if board is None or row is None:
            return {}
        return {ident: board.share(row, column) for ident, column in columns.items()}

    def usable(self, number: int, member: str, usable: bool) -> None:
        """What control's health checks found; older news than known are not minded."""
        if number > self._number:
            self._number = number
            (self._down.discard if usable else self._down.add)(member)
            self.plane.set_member_usable(member, usable)

    # Sockets.

    def listen(self, host: str, port: int, slot: int, fd: int, flows: int | None) -> None:
        """Accept from a socket."""
        channel = None if flows is None else _given(flows)
        self.plane.listen((host, port), slot, _given(fd), channel)

    def pass_on(self, host: str, port: int, slot: int, flows: int) -> None:
        """Leave a socket of datagrams, and send its flows to another worker."""
        self.plane.pass_on((host, port), slot, _given(flows))

    # Control comes and goes.

    def linked(self, link: WorkerLink) -> Deferred[None]:
        """A control process is there; one that did not fork us is told all there is."""
        self._link = link
        self._teller.link = link
        if self.serial:
            # Nobody could say so meanwhile.
            self.reopen()
        self._lost_at = None
        return Deferred.fromCoroutine(self._introduce(link))

    async def _introduce(self, link: WorkerLink) -> None:
        hello = {"pid": os.getpid(), "slot": self._order.slot, "serial": self.serial}
        await link.callRemote(messages.Hello, **hello)
        if not hello["serial"]:
            return
        for (host, port), slot, sock in self.plane.sockets():
            where = {"host": host, "port": port, "slot": slot}
            await link.callRemote(messages.HandBack, fd=sock.fileno(), **where)
        await link.callRemote(messages.HandedBack, fd=self._page.fd)

    def unlinked(self, link: WorkerLink) -> None:
        """Control is gone: serve on, and look for the next one if there can be one."""
        if link is not self._link:
            return
        self._link = self._teller.link = None
        if not self.serial:
            self._end()
        elif not self._order.directory:
            self.drain(self._order.deadline)
        elif not self._draining:
            self._lost_at = self._reactor.seconds()
            _log.warn("The control process is gone; what is configured goes on")
            self._redial()

    def _redial(self) -> None:
        if self._draining or self._link is not None or self._lost_at is None:
            return
        if self._reactor.seconds() - self._lost_at > self._order.deadline:
            self.drain(self._order.deadline)
            return
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            sock.connect(os.path.join(self._order.directory, SOCKET))
        except OSError:
            self._reactor.callLater(REDIAL, self._redial)
        else:
            attach(self._reactor, sock.fileno(), self)
        finally:
            sock.close()

    def tell(self, level: str, namespace: str, text: str) -> bool:
        """A line for control's log; whether somebody takes it."""
        if self._link is None:
            return False
        self._link.callRemote(messages.Said, level=level, namespace=namespace, text=text)
        return True

    # The end.

    def terminate(self) -> None:
        """SIGTERM: while there is a control process, it decides."""
        if self._link is None:
            self.drain(PATIENCE * 5)

    def drain(self, deadline: float) -> None:
        """Let go of the sockets, finish what runs for at most C{deadline} seconds, end."""
        if self._draining:
            self.plane.hasten(deadline)
            return
        self._draining = True
        tell_draining(self._order.directory)
        self.plane.leave()
        done = self.plane.stop(deadline, min(PATIENCE, deadline))
        done.addErrback(lambda why: _log.failure("while draining", failure=why))
        done.addCallback(lambda _: self._end())

    def _end(self) -> None:
        if self._reactor.running:
            self._reactor.stop()

    def close(self) -> None:
        """After the reactor: write down what was counted and logged."""
        self.plane.flush(self._page, self._places, everything=True)
        self.access_log.stop()


def _given(descriptor: int) -> socket.socket:
    sock = socket.socket(fileno=descriptor)
    sock.setblocking(False)
    return sock


def attach(reactor: Any, fd: int, worker: Worker) -> None:
    """Speak to control over this descriptor, of which a copy is made."""
    factory: Any = Factory()
    factory.buildProtocol = lambda address: WorkerLink(worker)
    factory.noisy = False
    reactor.adoptStreamConnection(fd, socket.AF_UNIX, factory)


def work(link: int, page: int, order: Order, bases: Sequence[SSL.Context]) -> int:
    """
    Be a worker until the end of it; in a process that has just been forked.

    @param link: descriptor of the connection to control.
    @param page: descriptor of the page to count in.
    @return: the exit code.
    """
    name_process(f"fiberlb-work-{order.slot}")
    signal.set_wakeup_fd(-1)
    reactor = lean.install()
    worker = Worker(reactor, order, Page(page), bases)
    talk = Talk(worker.tell, lambda text: _aside(order.own_log, text), f"worker {order.slot}")
    globalLogBeginner.beginLoggingTo([talk], redirectStandardIO=False)
    living = hold_life(order.directory) if order.directory else None
    attach(reactor, link, worker)
    os.close(link)
    reactor.callWhenRunning(worker.begin)
    # After the reactor has installed its own.
    for number, action in ((signal.SIGTERM, worker.terminate), (signal.SIGUSR1, worker.reopen)):
        reactor.callWhenRunning(_on_signal, reactor, number, action)
    reactor.run()
    worker.close()
    if living is not None:
        os.unlink(living)
    return 0


def _aside(path: str, text: str) -> None:
    """A line for the log of the process while there is nobody to write it."""
    if path:
        with suppress(OSError):
            fd = open_log(path)
            try:
                os.write(fd, text.encode("utf-8", "backslashreplace"))
                return
            finally:
                os.close(fd)
    sys.__stderr__.write(text)  # type: ignore[union-attr]


def _on_signal(reactor: Any, number: int, action: Callable[[], None]) -> None:
    signal.signal(number, lambda *_: reactor.callFromThread(action))
