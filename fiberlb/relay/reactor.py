"""
The lean reactor: Twisted's epoll reactor, with a straight path for our connections.

A descriptor of the data plane is looked up and called, nothing else; every
other selectable (AMP, treq, Klein, timers, signals) takes Twisted's own path
and notices no difference. C{twistd --reactor=fiberlb} installs it.
"""

from __future__ import annotations

from collections.abc import Callable
from select import EPOLLIN
from time import monotonic
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.logger import Logger
from twisted.python import log as legacy_log

from fiberlb.relay.loop import LATE
from fiberlb.relay.pipes import Pipes
from fiberlb.relay.timer_wheel import TimerWheel

#: Events taken from the kernel at once.
BATCH = 512
#: Seconds of the longest wait that Twisted is not asked about.
_LONGEST = 3600.0
_log = Logger()
_main_loop = _log.failureHandler("in the main loop")


class LeanReactor(EPollReactor):
    """
    An epoll reactor that is a L{fiberlb.relay.loop.Loop} too.

    What it guarantees to connections, beyond what Twisted does: a descriptor
    closed within a batch of events is not used again before the batch is
    over, and an exception closes the connection that raised it.

    @ivar now: the time of the current batch.
    """

    def __init__(self) -> None:
        super().__init__()
        self._watched: dict[int, Any] = {}
        self._late: dict[int, Any] = {}
        self._tasks: list[Callable[[], None]] = []
        self._retired: list[Any] = []
        self.now: float = monotonic()
        self.wheel = TimerWheel(self.now, self.fault)
        self.faults = 0
        self.pipes: Pipes | None = Pipes()

    def refresh(self) -> float:
        """See L{fiberlb.relay.loop.Loop}."""
        self.now = monotonic()
        return self.now

    def watch(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self._poller.register(watched.fd, events)
        watched.events = events
        self._watched[watched.fd] = watched

    def watch_later(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        watched.events = events | LATE
        self._late[watched.fd] = watched

    def watch_all(self) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        for watched in list(self._late.values()):
            self.change(watched, watched.events & ~LATE)

    def change(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        if events != watched.events:
            if watched.events & LATE:
                del self._late[watched.fd]
                self.watch(watched, events & ~LATE)
                watched.hasten(watched.deadline)
                return
            self._poller.modify(watched.fd, events)
            watched.events = events

    def rewatch(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        if watched.events:
            self._poller.unregister(watched.fd)
        if events:
            self._poller.register(watched.fd, events)
        watched.events = events

    def retire(self, watched: Any) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        if watched.events & LATE:
            del self._late[watched.fd]
            watched.events = 0
        elif self._watched.pop(watched.fd, None) is not None and watched.shared:
            # Closing is what removes the others from the kernel's list, a system call saved.
            try:
                self._poller.unregister(watched.fd)
            except OSError:
                # Already gone from the kernel's list; the number is still ours.
                pass
        self._retired.append(watched)

    def divert(self, watched: Any, to: Any) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        if watched.events & LATE:
            self.change(watched, watched.events & ~LATE)
        self._watched[watched.fd] = to

    def soon(self, task: Callable[[], None]) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self._tasks.append(task)

    def mainLoop(self) -> None:
        """See C{ReactorBase}: until the reactor is stopped."""
        while self._started:
            # Entered again only after an exception.
            with _main_loop:
                while self._started:
                    self.doPoll(self._run_timed())

    def _run_timed(self) -> float | None:
        """
        Run the calls that are due; how long there is to wait for the next, C{None}: any time.

        Twisted's own two methods take ten calls for it, in each turn. In most turns nothing is due.
        """
        calls = self._pendingTimedCalls
        if calls and not (
            self._newTimedCalls or self.threadCallQueue or self._justStopped or not self.running
        ):
            wait: float = calls[0].time - self.seconds()
            if 0.0 < wait < _LONGEST:
                return wait
        self.runUntilCurrent()
        return self.timeout() if self.running else 0.0

    def doPoll(self, timeout: float | None) -> None:
        """Wait for events and dispatch them."""
        if self._tasks or self._retired:
            timeout = 0
        elif timeout is None:
            timeout = -1
        try:
            events = self._poller.poll(timeout, BATCH)
        except InterruptedError:
            return
        self.now = monotonic()
        watched = self._watched
        for fd, event in events:
            ours = watched.get(fd)
            if ours is None:
                self._dispatch_stock(fd, event)
                continue
            try:
                # Somebody before it in this batch may have closed or paused it.
                if event == EPOLLIN and ours.events & EPOLLIN:
                    ours.readable()
                else:
                    ours.event(event)
            except Exception:
                self.fault(ours)
        if self._tasks:
            self._run_tasks()
        if self._retired:
            self._close_retired()

    doIteration = doPoll

    def removeAll(self) -> list[Any]:
        """Everything that Twisted knows of; connections of ours are closed on the way."""
        for ours in [*self._watched.values(), *self._late.values()]:
            try:
                ours.broken()
            except Exception:
                _log.failure("while closing at the end")
        self._close_retired()
        return list(super().removeAll())

    def _dispatch_stock(self, fd: int, event: int) -> None:
        selectable = self._selectables.get(fd)
        if selectable is not None:
            legacy_log.callWithLogger(selectable, self._doReadOrWrite, selectable, fd, event)

    def _run_tasks(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            try:
                task()
            except Exception:
                self.faults += 1
                _log.failure("in {task}", task=task)

    def _close_retired(self) -> None:
        retired, self._retired = self._retired, []
        for ours in retired:
            ours.close_descriptor()

    def fault(self, watched: Any) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self.faults += 1
        _log.failure("in {connection}, which is closed for it", connection=type(watched).__name__)
        try:
            watched.broken()
        except Exception:
            _log.failure("while closing it")


def install() -> LeanReactor:
    """Make this the process's reactor; what C{twistd --reactor=fiberlb} calls."""
    from twisted.internet.main import installReactor

    reactor = LeanReactor()
    installReactor(reactor)
    return reactor
