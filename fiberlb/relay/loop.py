"""
What connections ask of the reactor, and how a stock reactor answers.

The lean reactor (L{fiberlb.relay.reactor}) is a loop itself; on any other
reactor a L{StockLoop} stands between, slower, with the same behaviour.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Protocol

from fiberlb.relay.timer_wheel import TimerWheel

#: Events, numbered as epoll numbers them.
READ: Final = 0x001
WRITE: Final = 0x004
ERROR: Final = 0x008
HANGUP: Final = 0x010
PEER_CLOSED: Final = 0x2000
#: Asked for with others: report once, then nothing before the next change.
ONCE: Final = 0x40000000

#: Asked for with others, of a shared descriptor: of all processes that wait, wake one.
EXCLUSIVE: Final = 0x10000000

#: In C{Watched.events}: the system has not been told to watch it yet (L{Loop.watch_later}).
LATE: Final = 0x01000000


class Watched(Protocol):
    """
    A descriptor that a loop watches.

    @ivar fd: its number.
    @ivar events: what it is watched for, C{READ | WRITE | PEER_CLOSED}, perhaps C{ONCE}.
    @ivar shared: other processes may have the same descriptor open.
    """

    fd: int
    events: int
    shared: bool

    def readable(self) -> None:
        """Bytes, or the end of them, can be read; nothing else has happened."""

    def event(self, events: int) -> None:
        """Anything else: a combination of the events above."""

    def broken(self) -> None:
        """It raised an exception, which has been logged; it must close itself and its peer."""

    def close_descriptor(self) -> None:
        """The batch is over: give the number back to the system."""


class Loop(Protocol):
    """
    The event loop, as the data plane sees it.

    @ivar now: the time of the current batch of events, in seconds of a monotonic clock.
    @ivar wheel: the deadlines of all connections.
    @ivar faults: exceptions that connections raised.
    @ivar pipes: for moving bytes in the kernel; C{None}: they are copied.
    """

    pipes: Any
    now: float
    wheel: TimerWheel
    faults: int

    def refresh(self) -> float:
        """Read the clock although no event has come; the new C{now}."""

    def watch(self, watched: Any, events: int) -> None:
        """Begin to report events."""

    def watch_later(self, watched: Any, events: int) -> None:
        """
        Begin to report events before long.

        For a connection that has just been read from, and is more likely to end than to
        say anything more: many do so before there is a need to watch them. Or for one that
        is not read before something else has come about, as it does soon. Any L{change}
        begins it at once, L{watch_all} at the latest; until then C{LATE} stands in its events,
        and it is not in the wheel.
        """

    def watch_all(self) -> None:
        """Watch what was to be watched later, and still is to be; called every quarter second."""

    def change(self, watched: Any, events: int) -> None:
        """Report other events from now on; the same ones cost nothing."""

    def rewatch(self, watched: Any, events: int) -> None:
        """The same for a shared descriptor, of which C{EXCLUSIVE} cannot be changed in place."""

    def retire(self, watched: Any) -> None:
        """Report nothing more; its descriptor is closed after the batch."""

    def divert(self, watched: Any, to: Any) -> None:
        """Report what happens to C{watched} to another object, which has its descriptor too."""

    def soon(self, task: Callable[[], None]) -> None:
        """Call C{task} after the events at hand have been dispatched."""

    def fault(self, watched: Any) -> None:
        """
        An exception is being handled that concerns C{watched}: log it, count it, and
        close C{watched} and its peer.
        """


class StockLoop:
    """
    A loop on a reactor that is not ours.

    @param reactor: an L{IReactorFDSet} with L{IReactorTime}.
    """

    def __init__(self, reactor: Any, log_failure: Callable[[Any], None]) -> None:
        self._reactor = reactor
        self._selectables: dict[Any, _Selectable] = {}
        self._tasks: list[Callable[[], None]] = []
        self._retired: list[Any] = []
        self._scheduled = False
        self.log_failure = log_failure
        self.now: float = reactor.seconds()
        self.wheel = TimerWheel(self.now, self.fault)
        self.faults = 0
        self.pipes: Any = None

    def refresh(self) -> float:
        """See L{Loop}."""
        self.now = self._reactor.seconds()
        return self.now

    def watch(self, watched: Any, events: int) -> None:
        """See L{Loop}."""
        watched.events = 0
        self._selectables[watched] = _Selectable(self, watched)
        self.change(watched, events)

    def watch_later(self, watched: Any, events: int) -> None:
        """See L{Loop}; it is watched at once here."""
        self.watch(watched, events)
        watched.hasten(watched.deadline)

    def watch_all(self) -> None:
        """See L{Loop}."""

    def change(self, watched: Any, events: int) -> None:
        """See L{Loop}; hang-ups of a connection that is not read are not noticed here."""
        selectable = self._selectables[watched]
        changed = watched.events ^ events
        watched.events = events
        if changed & READ:
            (self._reactor.addReader if events & READ else self._reactor.removeReader)(selectable)
        if changed & WRITE:
            (self._reactor.addWriter if events & WRITE else self._reactor.removeWriter)(selectable)

    def rewatch(self, watched: Any, events: int) -> None:
        """See L{Loop}."""
        self.change(watched, events)

    def retire(self, watched: Any) -> None:
        """See L{Loop}."""
        selectable = self._selectables.pop(watched, None)
        if selectable is not None:
            self._reactor.removeReader(selectable)
            self._reactor.removeWriter(selectable)
        self._retired.append(watched)
        self._schedule()

    def divert(self, watched: Any, to: Any) -> None:
        """See L{Loop}; nothing is pumped on this loop."""
        raise AssertionError

    def soon(self, task: Callable[[], None]) -> None:
        """See L{Loop}."""
        self._tasks.append(task)
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._reactor.callLater(0, self._end_of_batch)

    def _end_of_batch(self) -> None:
        self._scheduled = False
        self.now = self._reactor.seconds()
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            try:
                task()
            except Exception:
                self.faults += 1
                self.log_failure(task)
        retired, self._retired = self._retired, []
        for watched in retired:
            watched.close_descriptor()

    def dispatch(self, watched: Any, events: int) -> None:
        """Deliver events; an exception closes the connection that raised it and its peer."""
        self.now = self._reactor.seconds()
        try:
            if events == READ:
                watched.readable()
            else:
                watched.event(events)
        except Exception:
            self.fault(watched)

    def fault(self, watched: Any) -> None:
        """See L{Loop}."""
        self.faults += 1
        self.log_failure(watched)
        try:
            watched.broken()
        except Exception:
            self.log_failure(watched)


class _Selectable:
    """What a stock reactor sees of a watched descriptor (L{IReadWriteDescriptor})."""

    def __init__(self, loop: StockLoop, watched: Any) -> None:
        self._loop = loop
        self._watched = watched

    def fileno(self) -> int:
        """The descriptor's number."""
        return int(self._watched.fd)

    def doRead(self) -> None:
        """It is readable."""
        self._loop.dispatch(self._watched, READ)

    def doWrite(self) -> None:
        """It is writable, or could not be opened, which some reactors tell in the same way."""
        opening = getattr(self._watched, "connecting", False)
        self._loop.dispatch(self._watched, WRITE | HANGUP if opening else WRITE)

    def connectionLost(self, reason: Any) -> None:
        """The reactor found an error or a hang-up."""
        if self._watched in self._loop._selectables:
            self._loop.dispatch(self._watched, ERROR | HANGUP)

    def logPrefix(self) -> str:
        """Nothing to add to a log line."""
        return "fiberlb"


def loop_on(reactor: Any, log_failure: Callable[[Any], None]) -> Loop:
    """
    The loop of a reactor: itself, if it is ours.

    @param log_failure: told of what a connection raised; another reactor's loop uses it.
    """
    if hasattr(reactor, "watch"):
        lean: Loop = reactor
        return lean
    return StockLoop(reactor, log_failure)
