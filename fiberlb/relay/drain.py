"""The end of a process's traffic: who is idle goes at once, the others get a while."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall

from fiberlb.relay.loop import Loop

#: Seconds between two looks at who is left.
LOOK = 0.1


def drained(reactor: Any, loop: Loop, deadline: float) -> Deferred[None]:
    """
    Fires when no client is left; those that are after C{deadline} seconds are cut.

    Sides that have C{leave_if_idle} are asked to; connections whose side has
    not (to members, idle) are not waited for.
    """
    done: Deferred[None] = Deferred()
    until = reactor.seconds() + deadline

    def look() -> None:
        busy = False
        for item in loop.wheel:
            leave = getattr(item.side, "leave_if_idle", None)
            if leave is not None:
                leave()
                busy = busy or not item.closed
        if busy and reactor.seconds() < until:
            return
        watch.stop()
        for item in loop.wheel:
            cut_short = getattr(item.side, "cut_short", None)
            if cut_short is not None:
                cut_short()
        for item in loop.wheel:
            item.abort()
        done.callback(None)

    watch = LoopingCall(look)
    watch.clock = reactor
    watch.start(LOOK).addErrback(lambda why: None if done.called else done.errback(why))
    return done
