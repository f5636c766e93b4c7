"""The end of a process's traffic: who is idle goes at once, the others get a while."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from fiberlb.relay.loop import Loop

#: Seconds between two looks at who is left.
LOOK = 0.1


class Draining:
    """
    Waits until no client is left; those that are after C{deadline} seconds are cut.

    Sides that have C{leave_if_idle} are asked to; connections whose side has
    not (to members, idle) are not waited for.

    @ivar done: fires when no client is left.
    """

    def __init__(self, reactor: Any, loop: Loop, deadline: float, patience: float = 0.0) -> None:
        """
        @param reactor: has C{IReactorTime}.
        @param patience: seconds in which idle connections may still bring a
            request, whose answer then ends them.
        """
        self.done: Deferred[None] = Deferred()
        self._reactor = reactor
        self._loop = loop
        self._until = reactor.seconds() + deadline
        self._patient = reactor.seconds() + patience
        self._watch = LoopingCall(self._look)
        self._watch.clock = reactor
        self._watch.start(LOOK).addErrback(
            lambda why: None if self.done.called else self.done.errback(why)
        )

    def hasten(self, deadline: float) -> None:
        """Cut what is left C{deadline} seconds from now, if that is sooner."""
        now = self._reactor.seconds()
        self._until = min(self._until, now + deadline)
        self._patient = min(self._patient, self._until)

    def _look(self) -> None:
        now = self._reactor.seconds()
        self._loop.watch_all()
        busy = False
        for item in self._loop.wheel:
            leave = getattr(item.side, "leave_if_idle", None)
            if leave is not None:
                if now >= self._patient:
                    leave()
                busy = busy or not item.closed
        if busy and now < self._until:
            return
        self._watch.stop()
        # Those that wait for room at a member first, or they would get it from the others now.
        for item in sorted(self._loop.wheel, key=_waits_for_nobody):
            cut_short = getattr(item.side, "cut_short", None)
            if cut_short is not None:
                cut_short()
        for item in self._loop.wheel:
            item.abort()
        self.done.callback(None)


def _waits_for_nobody(item: Any) -> bool:
    return getattr(item.side, "waiting", None) is None
