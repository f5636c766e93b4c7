"""A loop without a kernel: epoll's semantics over links in memory, time moved by hand."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from fiberlb.relay.loop import ERROR, HANGUP, LATE, ONCE, READ
from fiberlb.relay.splice import End
from fiberlb.relay.timer_wheel import TimerWheel
from tests.support.relay_links import Link

#: Batches after which something spins.
_MOST_BATCHES = 50000


class MemoryPipe:
    """A pipe between links; it holds what C{size} says, and looks at nothing."""

    size = 1 << 18

    def __init__(self, links: dict[int, Link]) -> None:
        self._links = links
        self.held = bytearray()

    def fill(self, descriptor: int, count: int) -> int:
        """See L{fiberlb.relay.splice.Pipe.fill}."""
        assert not self.held, "filled before it is empty"
        self.held += self._links[descriptor].near.recv(min(count, self.size))
        return len(self.held)

    def drain(self, descriptor: int, count: int, more: bool) -> int:
        """See L{fiberlb.relay.splice.Pipe.drain}."""
        assert 0 < count == len(self.held)
        sent = self._links[descriptor].near.send(bytes(self.held))
        del self.held[:sent]
        return sent

    def rescue(self, count: int) -> bytes:
        """See L{fiberlb.relay.splice.Pipe.rescue}."""
        assert count == len(self.held)
        return bytes(self.held)


class MemoryPipes:
    """
    The pipes of a loop without a kernel.

    @ivar taken: how many there have been.
    """

    def __init__(self, links: dict[int, Link]) -> None:
        self._links = links
        self.used = 0
        self.taken = 0
        self.useless = False

    def take(self) -> MemoryPipe | None:
        """See L{fiberlb.relay.splice.Pipes.take}."""
        if self.useless:
            return None
        self.used += 1
        self.taken += 1
        return MemoryPipe(self._links)

    def ease(self) -> None:
        """None are kept."""

    def give(self, pipe: MemoryPipe, empty: bool) -> None:
        """See L{fiberlb.relay.splice.Pipes.give}."""
        assert empty is not bool(pipe.held), "what is left in it is somebody's"
        self.used -= 1


class MemoryLoop:
    """
    A L{fiberlb.relay.loop.Loop}: level-triggered, hang-ups always told.

    Descriptors are the lowest free numbers, as the system's are, so a number
    that is used again too early is found out.

    @ivar changes: how often a connection changed what it is watched for.
    @ivar failures: tracebacks of exceptions that connections raised.
    """

    def __init__(self, now: float) -> None:
        self.now = now
        self.wheel = TimerWheel(now)
        self.faults = 0
        self.changes = 0
        self.failures: list[str] = []
        self._watched: dict[int, Any] = {}
        self._links: dict[int, Link] = {}
        self.pipes: Any = MemoryPipes(self._links)
        self._free: set[int] = set()
        self._tasks: list[Callable[[], None]] = []
        self._retired: list[Any] = []
        #: Descriptors that were to be reported once, and have been.
        self._disarmed: set[int] = set()
        self._running = False

    # What the relay uses.

    def refresh(self) -> float:
        """See L{fiberlb.relay.loop.Loop}."""
        return self.now

    def watch(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        assert watched.fd not in self._watched, "two connections with one descriptor"
        self._watched[watched.fd] = watched
        watched.events = events

    def watch_later(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self.watch(watched, events | LATE)

    def watch_all(self) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        for watched in self.open:
            if watched.events & LATE:
                self.change(watched, watched.events & ~LATE)

    def change(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        known: Any = self._watched.get(watched.fd)
        assert known is watched or _conn(known) is watched, "a change of what is not watched"
        if watched.events & LATE and events != watched.events:
            watched.events = events & ~LATE
            watched.hasten(watched.deadline)
        elif events != watched.events:
            self.changes += 1
            watched.events = events
            self._disarmed.discard(watched.fd)

    rewatch = change

    def retire(self, watched: Any) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        known: Any = self._watched.get(watched.fd)
        if known is watched or _conn(known) is watched:
            del self._watched[watched.fd]
            self._disarmed.discard(watched.fd)
        self._retired.append(watched)

    def divert(self, watched: Any, to: Any) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        known: Any = self._watched.get(watched.fd)
        assert known is not None and to.fd == watched.fd
        self._watched[watched.fd] = to

    def soon(self, task: Callable[[], None]) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self._tasks.append(task)

    # What the test uses.

    def link(self) -> Link:
        """A new connection; its near end has the lowest free number."""
        number = min(self._free, default=len(self._links) + 10)
        self._free.discard(number)
        made = Link(number, self._free.add, self.run)
        self._links[number] = made
        return made

    @property
    def open(self) -> list[Any]:
        """What is being watched."""
        return [_conn(watched) for watched in self._watched.values()]

    def run(self) -> None:
        """Until nothing happens any more, a quarter second later neither."""
        if self._running:
            return
        self._running = True
        try:
            for _ in range(_MOST_BATCHES):
                if not self.batch():
                    self.watch_all()
                    if not self.ready():
                        return
        finally:
            self._running = False
        raise AssertionError(f"the loop does not come to rest: {self.ready()}")

    def batch(self, ready: list[tuple[int, int]] | None = None) -> bool:
        """
        One batch of events, as the lean reactor dispatches it; whether there was anything.

        @param ready: what L{ready} has told before, if something happened meanwhile.
        """
        ready = self.ready() if ready is None else ready
        busy = bool(ready or self._tasks or self._retired)
        for number, events in ready:
            watched = self._watched.get(number)
            if watched is not None:
                self._dispatch(watched, events)
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            try:
                task()
            except Exception:
                self.faults += 1
                self.failures.append(traceback.format_exc())
        retired, self._retired = self._retired, []
        for watched in retired:
            watched.close_descriptor()
        return busy

    def ready(self) -> list[tuple[int, int]]:
        """The events that are to be told: descriptor and events."""
        found = []
        for number, watched in sorted(self._watched.items()):
            link = self._links.get(number)
            events = link.events() & (watched.events | ERROR | HANGUP) if link is not None else 0
            if events and number not in self._disarmed and not watched.events & LATE:
                found.append((number, events))
        return found

    def _dispatch(self, watched: Any, events: int) -> None:
        if watched.events & ONCE:
            self._disarmed.add(watched.fd)
        try:
            if events == READ and watched.events == READ:
                watched.readable()
            else:
                watched.event(events)
        except Exception:
            self.fault(watched)

    def fault(self, watched: Any) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self.faults += 1
        self.failures.append(traceback.format_exc())
        watched.broken()


def _conn(watched: Any) -> Any:
    """The connection that is watched, also while an end stands for it."""
    return watched._conn if isinstance(watched, End) else watched
