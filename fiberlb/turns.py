"""
Work that is done in turn, however much of it waits.

Twisted's own lock calls whoever is next from within the release: work that ends at once, such as
a write that is refused, then stands on the work before it, and some sixty of those in a row are
deeper than Python goes. The lock is lost with it, and everything that waits hangs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred, succeed

T = TypeVar("T")
#: What has a result, later on.
Work = Deferred[T] | Coroutine[Deferred[Any], Any, T]


class Turns:
    """
    As L{twisted.internet.defer.DeferredSemaphore}, in the order of asking and at a flat depth.

    @param at_once: how many have their turn at a time.
    """

    def __init__(self, at_once: int = 1) -> None:
        self._free = at_once
        self._waiting: deque[Deferred[None]] = deque()
        self._handing_on = False

    def acquire(self) -> Deferred[None]:
        """Fires when it is the caller's turn; cancelling gives up the place in the queue."""
        if self._free and not self._waiting:
            self._free -= 1
            return succeed(None)
        asked: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(asked)
        return asked

    def release(self) -> None:
        """The turn is over; who waits longest is next, called from the outermost release."""
        self._free += 1
        if self._handing_on:
            return
        self._handing_on = True
        try:
            while self._free and self._waiting:
                self._free -= 1
                self._waiting.popleft().callback(None)
        finally:
            self._handing_on = False

    def run(self, work: Callable[[], Work[T]]) -> Deferred[T]:
        """Do the work when it is its turn; its result."""

        def begin(_: None) -> Any:
            return maybeDeferred(work).addBoth(end)

        def end(result: T) -> T:
            self.release()
            return result

        return self.acquire().addCallback(begin)
