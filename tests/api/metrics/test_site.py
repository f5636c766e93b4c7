"""Tests of L{fiberlb.api.metrics.site}."""

from __future__ import annotations

from typing import Any

from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.metrics.site import Figures, FiguresSite, figures
from fiberlb.api.rest.channel import MOST
from fiberlb.model.listener import Listener
from fiberlb.relay.networks import member_of
from tests.api.metrics.reading import Reading
from tests.model.documents import made

_GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


class _Transport(StringTransport):
    """Notes that it was cut off."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


class SiteTests(SynchronousTestCase):
    """What is served, and to whom."""

    def setUp(self) -> None:
        """A listener of figures."""
        self.waiting: Deferred[None] | None = None
        self.site = FiguresSite(Figures(self.text, lambda: 7), Clock())
        self.use()
        self.site.startFactory()
        self.addCleanup(self.site.stopFactory)

    def use(self, *cidrs: str, **fields: Any) -> None:
        """Have it go by such a listener."""
        self.site.use(made(Listener, port=9, protocol="prometheus", **fields), member_of(cidrs))

    async def text(self) -> bytes:
        """A page."""
        if self.waiting is not None:
            await self.waiting
        return b"figures 1\n"

    def connect(self, host: str = "10.0.0.1") -> tuple[Any, _Transport]:
        """A client."""
        connection = self.site.buildProtocol(IPv4Address("TCP", host, 5))
        transport = _Transport()
        connection.makeConnection(transport)
        return connection, transport

    def answers(self, *requests: bytes) -> bytes:
        """What one client is sent."""
        connection, transport = self.connect()
        for request in requests:
            connection.dataReceived(request)
        return transport.value()

    def test_page(self) -> None:
        """The page, on a connection that stays; HEAD is answered without it."""
        found = self.answers(_GET, _GET)
        self.assertEqual(found.count(b"HTTP/1.1 200 OK\r\n"), 2)
        self.assertIn(b"Content-Type: text/plain; version=0.0.4", found)
        self.assertIn(b"\r\n\r\nfigures 1\n", found)
        head = self.answers(_GET.replace(b"GET", b"HEAD"))
        self.assertIn(b"Content-Length: 10\r\n", head)
        self.assertTrue(head.endswith(b"\r\n\r\n"))
        self.assertEqual(dict(self.site.counted), {"connections": 2, "accepted": 2, "requests": 3})

    def test_others(self) -> None:
        """Nothing else is there, and nothing is changed."""
        for path in (b"/", b"/v1/status", b"/metrics/", b"/readyz"):
            self.assertIn(b"HTTP/1.1 404 ", self.answers(_GET.replace(b"/metrics", path)))
        found = self.answers(b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab")
        self.assertIn(b"HTTP/1.1 405 ", found)
        self.assertIn(b"Allow: GET, HEAD\r\n", found)

    def test_allowed(self) -> None:
        """Who is in none of the networks is turned away; others, also by Unix sockets, are not."""
        self.use("10.0.0.0/8", "unix:")
        self.assertIsNone(self.site.buildProtocol(IPv4Address("TCP", "11.0.0.1", 5)))
        self.assertIsNotNone(self.site.buildProtocol(IPv4Address("TCP", "10.0.0.1", 5)))
        self.assertIsNotNone(self.site.buildProtocol(UNIXAddress(None)))
        self.assertEqual(self.site.counted["accepted"], 2)

    def test_limit(self) -> None:
        """As many connections as it says; those that wait make room."""
        self.use(connection_limit=1)
        _, first = self.connect()
        self.connect()
        self.assertTrue(first.aborted)
        self.assertEqual(self.site.counted["connections"], 1)
        self.use()
        self.assertEqual(self.site.connections.most, MOST)

    def test_close(self) -> None:
        """At the end who waits for nothing goes, and who asked is answered first."""
        self.waiting = Deferred()
        _, idle = self.connect()
        busy, transport = self.connect()
        busy.dataReceived(_GET)
        self.site.connections.close()
        self.assertTrue(idle.aborted)
        self.assertFalse(transport.aborted or transport.disconnecting)
        self.waiting.callback(None)
        self.assertIn(b"figures 1\n", transport.value())
        self.assertTrue(transport.disconnecting)

    def test_gone(self) -> None:
        """Who has gone is told nothing, and nothing is logged."""
        self.waiting = Deferred(lambda _: None)
        connection, _ = self.connect()
        connection.dataReceived(_GET)
        connection.connectionLost()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_defect(self) -> None:
        """A defect is told, and logged."""
        self.waiting = Deferred()
        connection, transport = self.connect()
        connection.dataReceived(_GET)
        self.waiting.errback(ValueError())
        self.assertIn(b"HTTP/1.1 500 ", transport.value())
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class FiguresTests(Reading):
    """The page of a node."""

    def test_same(self) -> None:
        """It is that of the admin address."""
        found = self.successResultOf(Deferred.fromCoroutine(figures(self.stage.control)))
        self.assertIn(b'fiberlb_listener_limit{listener="web"} 9.0\n', found)
