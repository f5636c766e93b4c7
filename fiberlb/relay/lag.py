"""
How long what is ready waits until the loop gets to it.

Nobody can tell from the length of a turn: with thousands of ready connections each turn is short,
and each connection waits for many of them. So the loop has a descriptor of its own that stands in
the same line: it is made ready now and then, and what it waits is what everybody waits. Who is
not accepted yet waits in the system; how many do, and how fast they are taken, tells how long.

One slow turn is not a line that stands. What counts is the least wait of the last second.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, Final

from fiberlb.relay.loop import READ, Loop

#: Seconds that are looked back at.
WINDOW: Final = 1.0
#: So many of the latest waits count, however long ago they were.
LATEST: Final = 2
#: After so many looks without an answer the line stands, whatever was before.
PATIENCE: Final = 4


class Line:
    """The waits in one line, lately."""

    __slots__ = ("_waits",)

    def __init__(self) -> None:
        self._waits: list[tuple[float, float]] = []

    def add(self, now: float, wait: float) -> None:
        """Somebody has waited so long."""
        waits = self._waits
        waits.append((now, wait))
        while len(waits) > LATEST and waits[0][0] < now - WINDOW:
            del waits[0]

    def least(self) -> float:
        """What nobody was spared; 0 while little is known."""
        waits = self._waits
        return min([wait for _, wait in waits]) if len(waits) >= LATEST else 0.0


class Queue:
    """
    Those that one listening socket holds until they are accepted.

    @ivar acceptor: L{fiberlb.relay.accept.Acceptor} by shape.
    """

    __slots__ = ("_taken", "acceptor")

    def __init__(self, acceptor: Any) -> None:
        self.acceptor = acceptor
        self._taken: int = acceptor.taken

    def wait(self, seconds: float) -> float:
        """How long the last of them will have waited, at the pace of the last C{seconds}."""
        taken: int = self.acceptor.taken
        pace, self._taken = taken - self._taken, taken
        # Nobody was taken in: nobody came, or the listener is full, as it is meant to be.
        if not pace or seconds <= 0:
            return 0.0
        waiting: int = self.acceptor.waiting()
        return waiting * seconds / pace


class Lag:
    """
    The lag of one loop. It watches a descriptor of its own there.

    @ivar events: as of L{fiberlb.relay.loop.Watched}.
    """

    shared = False

    def __init__(self, loop: Loop) -> None:
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.events = 0
        self._loop = loop
        self._sent = 0.0
        self._looks = 0
        self._looked = 0.0
        self._loops, self._accepts = Line(), Line()
        self._queues: list[Queue] = []

    def stop(self) -> None:
        """Stand in line no more."""
        if self.events:
            self.events = 0
            self._loop.retire(self)

    def look(self, now: float, acceptors: Iterable[Any]) -> float:
        """
        Seconds that everybody waits now; to be called a few times a second.

        @param acceptors: the listening sockets of connections.
        """
        self._accepts.add(now, self._longest(now, acceptors))
        waits = 0.0
        if self._sent:
            self._looks += 1
            if self._looks >= PATIENCE:
                waits = now - self._sent
        else:
            if not self.events:
                self._loop.watch(self, READ)
            self._sent, self._looks = now, 0
            os.eventfd_write(self.fd, 1)
        return max(waits, self._loops.least(), self._accepts.least())

    def _longest(self, now: float, acceptors: Iterable[Any]) -> float:
        """The longest wait to be accepted, anywhere."""
        known = {queue.acceptor: queue for queue in self._queues}
        self._queues = [known.get(acceptor) or Queue(acceptor) for acceptor in acceptors]
        seconds, self._looked = now - self._looked, now
        return max([queue.wait(seconds) for queue in self._queues], default=0.0)

    # As something that is watched.

    def readable(self) -> None:
        """The loop has got to it."""
        try:
            os.eventfd_read(self.fd)
        except BlockingIOError:
            return
        now = self._loop.refresh()
        if self._sent:
            self._loops.add(now, now - self._sent)
            self._sent = 0.0

    def event(self, events: int) -> None:
        """Nothing else happens to it."""
        self.readable()

    def broken(self) -> None:
        """An exception of ours: what it has noted stays as it is."""
        self._sent = 0.0

    def close_descriptor(self) -> None:
        """After the batch."""
        os.close(self.fd)
