"""A worker as control sees it."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Protocol

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, connectionDone
from twisted.logger import Logger, LogLevel
from twisted.protocols import amp
from twisted.python.failure import Failure

from fiberlb.workers import messages
from fiberlb.workers.pages import BEAT, Page

_log = Logger()
#: What a call to a worker that is ending fails with.
GONE = (ConnectionDone, ConnectionLost)
#: Seconds for which a heartbeat is a sign of life.
FRESH = 5.0
#: Seconds between the request to tell where it hangs, or the end of its time, and its end.
LAST_WORDS = 2.0


class Stage(Enum):
    """How far a worker is."""

    STARTING = "starting"
    READY = "ready"
    SERVING = "serving"
    ADOPTED = "adopted"
    DRAINING = "draining"
    GONE = "gone"


class Seen:
    """
    One worker.

    @ivar slot: which one of those wanted.
    @ivar stage: how far it is; C{ADOPTED}: of another control process, serves what that had.
    @ivar serial: of the revision it has confirmed.
    @ivar page: what it counts in; C{None} until an adopted one has handed it over.
    @ivar foreign: forked by another control process, which gave out other places in its page.
    @ivar behind: works on an earlier revision, for so long that nobody waits for it.
    @ivar log_trouble: what is wrong with its access log; empty: nothing.
    @ivar born: when it was first seen, by the reactor's clock.
    @ivar hello: fires when it has introduced itself, with all it has.
    @ivar ended: fires when its process has ended.
    """

    def __init__(self, slot: int, born: float) -> None:
        self.slot = slot
        self.born = born
        self.pid = 0
        self.foreign = False
        self.behind = False
        self.log_trouble = ""
        self.stage = Stage.STARTING
        self.serial = 0
        self.page: Page | None = None
        self.link: ControlLink | None = None
        self.listens: set[tuple[tuple[str, int], int]] = set()
        self.hello: Deferred[Seen] = Deferred()
        self.ended: Deferred[Seen] = Deferred()
        self._pidfd = -1

    @property
    def alive(self) -> bool:
        """Whether its process runs, as far as is known."""
        return self.stage is not Stage.GONE

    def beats(self, now: float) -> bool:
        """Whether its reactor has had a turn lately; C{now}: seconds, monotonic."""
        beat = self.page.read(BEAT)[0] if self.page is not None else 0
        return now * 1000 - beat < FRESH * 1000

    def ask(self, command: type[amp.Command], **named: Any) -> Deferred[Any]:
        """Call it; fails with one of L{GONE} when it has hung up."""
        if self.link is None or not self.alive:
            return Deferred.fromCoroutine(_hung_up())
        done: Deferred[Any] | None = self.link.callRemote(command, **named)
        return done if done is not None else Deferred.fromCoroutine(_nothing())

    def kill(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it has ended."""
        if self._pidfd >= 0:
            try:
                signal.pidfd_send_signal(self._pidfd, number)
            except ProcessLookupError:
                pass

    def watch(self, reactor: Any, pid: int, pidfd: int, then: Callable[[Seen, str], None]) -> None:
        """
        Notice its end.

        @param pidfd: of its process; closed at the end.
        @param then: called with this and how it ended, once.
        """
        self.pid = pid
        self._pidfd = pidfd
        _End(reactor, pidfd, lambda how: self._over(how, then))

    def _over(self, how: str, then: Callable[[Seen, str], None]) -> None:
        self._pidfd = -1
        if not self.hello.called:
            self.hello.errback(Failure(ConnectionLost(f"the worker {how}")))
        then(self, how)
        self.stage = Stage.GONE
        if self.page is not None:
            self.page.close()
            self.page = None
        self.ended.callback(self)


async def _hung_up() -> None:
    raise ConnectionLost("the worker has hung up")


async def _nothing() -> None:
    return None


class _End:
    """A reader that hears when a process has ended."""

    def __init__(self, reactor: Any, pidfd: int, then: Callable[[str], None]) -> None:
        self._reactor = reactor
        self._pidfd = pidfd
        self._then = then
        reactor.addReader(self)

    def fileno(self) -> int:
        return self._pidfd

    def logPrefix(self) -> str:
        return "worker"

    def connectionLost(self, reason: Any) -> None:
        """The reactor ends before it."""

    def doRead(self) -> None:
        self._reactor.removeReader(self)
        how = _how(self._pidfd)
        os.close(self._pidfd)
        self._then(how)


def _how(pidfd: int) -> str:
    """How a process ended, in words; it is waited for if it is a child of ours."""
    try:
        found = os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        # Forked for an earlier control process.
        return "ended"
    if found is None:
        return "ended"
    if found.si_code == os.CLD_EXITED:
        return f"ended with {found.si_status}"
    return f"was ended by signal {found.si_status}"


class Takers(Protocol):
    """Who wants to know what workers say: L{fiberlb.workers.crew.Crew} by shape."""

    def adopt(self, link: ControlLink, pid: int, slot: int, serial: int) -> Seen:
        """A worker of an earlier control process has dialled."""

    def handed_back(self, seen: Seen, address: tuple[str, int], slot: int, sock: Any) -> None:
        """It accepts from this socket."""

    def hung_up(self, seen: Seen) -> None:
        """Its connection is gone."""


class ControlLink(amp.AMP):
    """
    Control's end of a connection to a worker.

    @ivar seen: the worker; C{None} until one of another control process has said who it is.
    """

    def __init__(self, takers: Takers, seen: Seen | None = None) -> None:
        super().__init__()
        self._takers = takers
        self.seen = seen
        if seen is not None:
            seen.link = self

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The worker hung up: it has ended, or soon will."""
        super().connectionLost(reason)
        if self.seen is not None:
            self._takers.hung_up(self.seen)

    @messages.Hello.responder
    def hello(self, pid: int, slot: int, serial: int) -> dict[str, Any]:
        """The first message."""
        if self.seen is None:
            self.seen = self._takers.adopt(self, self._peer(pid), slot, serial)
        else:
            self.seen.stage = Stage.READY
            self.seen.hello.callback(self.seen)
        return {}

    def _peer(self, pid: int) -> int:
        """The pid as the system knows it."""
        sock: Any = self.transport.socket  # type: ignore[union-attr]
        told = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        known = int.from_bytes(told[:4], "little")
        if known != pid:
            raise ValueError(f"process {known} says it is {pid}")
        return known

    @messages.HandBack.responder
    def handed(self, host: str, port: int, slot: int, fd: int) -> dict[str, Any]:
        """A socket of one that is adopted."""
        assert self.seen is not None
        sock = socket.socket(fileno=fd)
        sock.setblocking(False)
        self._takers.handed_back(self.seen, (host, port), slot, sock)
        return {}

    @messages.HandedBack.responder
    def handed_all(self, fd: int) -> dict[str, Any]:
        """Its page: it is adopted now."""
        assert self.seen is not None
        self.seen.page = Page(fd)
        self.seen.stage = Stage.ADOPTED
        self.seen.hello.callback(self.seen)
        return {}

    @messages.Said.responder
    def said(self, level: str, namespace: str, text: str) -> dict[str, Any]:
        """A line for the log."""
        slot = self.seen.slot if self.seen is not None else "?"
        log = Logger(namespace or "fiberlb.worker")
        name = LogLevel.lookupByName(level)
        log.emit(name, "[worker {slot}] {text}", slot=slot, text=text)
        return {}

    @messages.LogTrouble.responder
    def log_trouble(self, text: str) -> dict[str, Any]:
        """How its access log goes."""
        if self.seen is not None:
            self.seen.log_trouble = text
        return {}


def connect(reactor: Any, takers: Takers, seen: Seen) -> socket.socket:
    """Make a worker's connection; the worker's end of it, for the caller to hand over and close."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    factory: Any = Factory()
    factory.noisy = False
    factory.buildProtocol = lambda address: ControlLink(takers, seen)
    reactor.adoptStreamConnection(ours.fileno(), socket.AF_UNIX, factory)
    ours.close()
    return theirs


async def ended(reactor: Any, leaving: Sequence[Seen], deadline: float) -> None:
    """Wait for workers that drain; those that take longer than C{deadline} end by force."""
    ends = DeferredList([seen.ended for seen in leaving], consumeErrors=True)
    ends.addTimeout(deadline + LAST_WORDS, reactor, lambda result, _: None)
    await ends
    for seen in leaving:
        if seen.alive:
            seen.kill(signal.SIGKILL)
