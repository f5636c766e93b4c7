"""A reactor of its own for each test, and a DNS server on it: real datagrams."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.epollreactor import EPollReactor
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.support.name_server import Authority, Zone, serve
from tests.support.ports import free_port

#: Seconds after which a test that waits has failed.
PATIENCE = 60.0


class ReactorCase(SynchronousTestCase):
    """
    @ivar zone: what the server says.
    @ivar port: where it is.
    """

    def setUp(self) -> None:
        """A reactor that does not run yet."""
        self.reactor: Any = EPollReactor()
        self.zone: Zone = {}
        self.port = free_port()

    def serve(self, host: str = "127.0.0.1", streams: bool = True) -> Authority:
        """Have the server answer."""
        return serve(self.reactor, self.port, lambda: self.zone, host, streams)

    def run_with(self, body: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> None:
        """Run a test's body until it has ended."""
        results: list[Any] = []

        def begin() -> None:
            done = Deferred.fromCoroutine(body()).addTimeout(PATIENCE, self.reactor)
            done.addBoth(results.append)
            done.addCallback(lambda _: self.reactor.stop())

        self.reactor.callWhenRunning(begin)
        self.reactor.run(installSignalHandlers=False)
        self.flushLoggedErrors(RuntimeError)
        if isinstance(results[0], Failure):
            results[0].raiseException()
