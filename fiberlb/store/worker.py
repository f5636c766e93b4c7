"""One thread, one queue: where blocking calls wait without holding the reactor up."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorFromThreads
from twisted.python.failure import Failure

from fiberlb.store.interface import Unavailable
from fiberlb.threads import QuietThread

T = TypeVar("T")


class Worker:
    """
    A L{Runner <fiberlb.store.engine.Runner>} in a thread of its own.

    @param threads: brings results back to the reactor's thread.
    """

    def __init__(self, threads: IReactorFromThreads, name: str) -> None:
        self._threads = threads
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._stopped: Deferred[None] | None = None
        # A daemon, so that a process which dies without an orderly end is not held up: what was
        # acknowledged is on the disk already.
        self._thread = QuietThread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        """
        Run C{job} after all that was asked for before it. Cancelling forgets the result only.

        @return: fires in the reactor's thread; L{Unavailable} once stopped.
        """
        if self._stopped is not None:
            return fail(Unavailable("the store is closed"))
        answer: Deferred[T] = Deferred()

        def work() -> None:
            try:
                result = job()
            except BaseException:
                self._threads.callFromThread(answer.errback, Failure())
            else:
                self._threads.callFromThread(answer.callback, result)

        self._queue.put(work)
        return answer

    def stop(self) -> Deferred[None]:
        """Run what was asked for, then end the thread; fires when it has ended."""
        waiting: Deferred[None] = Deferred()
        if self._stopped is None:
            self._stopped = Deferred()
            self._queue.put(None)
        self._stopped.chainDeferred(waiting)
        return waiting

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            work()
        self._threads.callFromThread(self._ended)

    def _ended(self) -> None:
        # All that is left of the thread is its return, so this does not block.
        self._thread.join()
        assert self._stopped is not None
        self._stopped.callback(None)
