"""All that the guards of one process need, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

if TYPE_CHECKING:
    from fiberlb.guards.passwords import Passwords


class Guards:
    """
    Of one process.

    @param reactor: keeps the time, opens connections and has threads.
    @param wall: seconds since the epoch.
    @param random_bytes: for keys.
    """

    def __init__(
        self, reactor: Any, wall: Callable[[], float], random_bytes: Callable[[int], bytes]
    ) -> None:
        self._reactor = reactor
        self._wall = wall
        self._random_bytes = random_bytes

    @cached_property
    def passwords(self) -> Passwords:
        """Checks passwords."""
        from fiberlb.guards.passwords import THREADS, Passwords, behind

        reactor = self._reactor
        pool = ThreadPool(0, THREADS, "passwords")
        pool.start()
        # What waits there at the end is not waited for longer than one check takes.
        reactor.addSystemEventTrigger("during", "shutdown", pool.stop)

        def run(work: Callable[[], bool | None]) -> Any:
            def last() -> bool | None:
                behind()
                return work()

            return deferToThreadPool(reactor, pool, last)

        return Passwords(run, reactor.seconds, self._random_bytes(32))
