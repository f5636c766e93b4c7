"""The loop on Twisted's stock reactors."""

from __future__ import annotations

from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.pollreactor import PollReactor
from twisted.internet.selectreactor import SelectReactor
from twisted.logger import Logger

from fiberlb.relay import loop
from fiberlb.relay.loop import StockLoop
from tests.relay import loops
from tests.relay.loops import EXCHANGED, exchange


class _Stock(loops.LoopContract):
    make: Any = EPollReactor

    def setUp(self) -> None:
        """A reactor of our own, and a loop on it."""
        self.reactor = self.make()
        self.addCleanup(self.dispose)
        log = Logger()
        self.loop = StockLoop(self.reactor, lambda what: log.failure("in {what}", what=what))

    def turn(self) -> None:
        """One turn of the reactor, without waiting."""
        self.reactor.runUntilCurrent()
        self.reactor.doIteration(0)

    def dispose(self) -> None:
        """Give back what a reactor holds."""
        self.reactor.disconnectAll()
        self.reactor.fireSystemEvent("shutdown")


class EPollConnectionTests(_Stock, loops.ConnectionContract):
    """Connections on the epoll reactor."""


class EPollBatchTests(_Stock, loops.BatchContract):
    """Batches on the epoll reactor."""


class PollConnectionTests(_Stock, loops.ConnectionContract):
    """Connections on the poll reactor."""

    make = PollReactor


class SelectConnectionTests(_Stock, loops.ConnectionContract):
    """Connections on the select reactor."""

    make = SelectReactor


class SelectBatchTests(_Stock, loops.BatchContract):
    """Batches on the select reactor."""

    make = SelectReactor


class ExchangeTests(_Stock):
    """Whole exchanges."""

    def test_exchange(self) -> None:
        """A request and its answer."""
        self.assertEqual(exchange(self), EXCHANGED)

    def test_no_pumping(self) -> None:
        """Bytes are copied here; diverting a connection is a mistake."""
        self.assertIsNone(self.loop.pipes)
        conn, _, _ = self.pair()
        self.assertRaises(AssertionError, self.loop.divert, conn, conn)

    def test_events(self) -> None:
        """The numbers are those of epoll."""
        import select

        for name in ("READ", "WRITE", "ERROR", "HANGUP", "PEER_CLOSED", "ONCE"):
            theirs = {"READ": "EPOLLIN", "WRITE": "EPOLLOUT", "ERROR": "EPOLLERR"}.get(name)
            theirs = theirs or {"HANGUP": "EPOLLHUP", "PEER_CLOSED": "EPOLLRDHUP"}.get(name)
            self.assertEqual(getattr(loop, name), getattr(select, theirs or "EPOLLONESHOT"))
