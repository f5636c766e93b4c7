"""
Long work beside the reactor: what a large change takes must not hold up the traffic, nor the API.

Checking thirteen thousand objects is most of a second of plain Python. It
looks at values that do not change and makes new ones, so it may be done in a
thread; while one runs, threads take turns often, and no collection of cyclic
garbage goes through the many new objects.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.threads import deferToThreadPool

T = TypeVar("T")

#: Objects from which on it is worth a thread.
LARGE = 1000
#: Seconds for which a thread has its turn; everything else waits that long at each of its calls.
TURN = 0.0005
#: Seconds after the last work until collections go on: what compiles it comes in between, on the
#: reactor, and each collection would go through all of it. Seconds for which they are left out.
QUIET, LONGEST = 5.0, 20.0


class Aside(Protocol):
    """Does work elsewhere, or at once where that is all the same."""

    def __call__(self, work: Callable[[], T]) -> Deferred[T]:
        """The work's result; it must not touch what changes meanwhile."""


def at_once(work: Callable[[], T]) -> Deferred[T]:
    """No thread: for tests, and for what is small."""
    return execute(work)


class Threads:
    """
    An L{Aside} on a reactor's threads.

    @param reactor: has C{IReactorThreads} and C{IReactorTime}.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._running = 0
        self._usual = 0.0
        self._since = 0.0
        self._resume: Any = None

    def __call__(self, work: Callable[[], T]) -> Deferred[T]:
        """See L{Aside}."""
        self._begin()
        done = deferToThreadPool(self._reactor, self._reactor.getThreadPool(), work)
        return done.addBoth(self._end)

    def _begin(self) -> None:
        self._running += 1
        if self._running == 1:
            self._usual = sys.getswitchinterval()
            sys.setswitchinterval(TURN)
        if self._resume is None:
            self._since = self._reactor.seconds()
            gc.disable()
        self._resume_after(LONGEST)

    def _end(self, result: T) -> T:
        self._running -= 1
        if not self._running:
            sys.setswitchinterval(self._usual)
            if self._resume is not None:
                self._resume_after(QUIET)
        return result

    def _resume_after(self, seconds: float) -> None:
        """Have collections go on then; sooner, if they have been left out for long."""
        left = self._since + LONGEST - self._reactor.seconds()
        if self._resume is not None:
            self._resume.cancel()
        self._resume = self._reactor.callLater(max(0.0, min(seconds, left)), self._collect)

    def _collect(self) -> None:
        """What lives now is not looked through again: it goes when nobody refers to it."""
        self._resume = None
        gc.freeze()
        gc.enable()


@contextmanager
def undisturbed(size: int) -> Iterator[None]:
    """No collection goes through about C{size} new objects while they are made, nor later on."""
    if size < LARGE:
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def weight(value: Any) -> int:
    """About how many objects a document describes, as far as that matters."""
    count = 0
    waiting = [value]
    while waiting and count < LARGE:
        found = waiting.pop()
        inner: Iterable[Any] = ()
        if isinstance(found, dict):
            count += 1
            inner = found.values()
        elif isinstance(found, list):
            inner = found[:LARGE]
        waiting += [one for one in inner if isinstance(one, (dict, list))]
    return count
