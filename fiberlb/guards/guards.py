"""All that the guards of one process need, each made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from fiberlb.threads import quieten

if TYPE_CHECKING:
    from fiberlb.guards.passwords import Passwords
    from fiberlb.guards.servers import Servers
    from fiberlb.guards.tokens import Tokens
    from fiberlb.guards.web import Ask

#: Seconds in which the same is said once.
_SAID_FOR: Final = 60.0


class Guards:
    """
    Of one process.

    @param reactor: keeps the time, opens connections and has threads.
    @param wall: seconds since the epoch.
    @param random_bytes: for keys.
    """

    _log = Logger()

    def __init__(
        self, reactor: Any, wall: Callable[[], float], random_bytes: Callable[[int], bytes]
    ) -> None:
        self._reactor = reactor
        self._wall = wall
        self._random_bytes = random_bytes
        self._said: dict[str, float] = {}

    @cached_property
    def passwords(self) -> Passwords:
        """Checks passwords."""
        from fiberlb.guards.passwords import THREADS, Passwords, behind

        reactor = self._reactor
        pool = quieten(ThreadPool(0, THREADS, "passwords"))
        pool.start()
        # What waits there at the end is not waited for longer than one check takes.
        reactor.addSystemEventTrigger("during", "shutdown", pool.stop)

        def run(work: Callable[[], bool | None]) -> Any:
            def last() -> bool | None:
                behind()
                return work()

            return deferToThreadPool(reactor, pool, last)

        return Passwords(run, reactor.seconds, self._random_bytes(32))

    @cached_property
    def tokens(self) -> Tokens:
        """Checks tokens."""
        from fiberlb.guards.tokens import Tokens

        return Tokens(self._ask, self._reactor.seconds, self._wall, self._warn)

    @cached_property
    def servers(self) -> Servers:
        """Asks servers."""
        from fiberlb.guards.servers import Servers

        return Servers(self._ask, self._warn)

    @cached_property
    def _ask(self) -> Ask:
        from fiberlb.guards.web import asker

        return asker(self._reactor)

    def _warn(self, url: str, why: str) -> None:
        """Say what is wrong with a server, but not for every request."""
        now = self._reactor.seconds()
        if self._said.get(url, float("-inf")) + _SAID_FOR <= now:
            self._said[url] = now
            # What stands behind a question mark may be a secret.
            told = url.partition("?")[0].rpartition("@")[2]
            self._log.warn("Guards let nobody in: {url} {why}", url=told, why=why)
