"""Connections: slow clients, and many."""

from __future__ import annotations

import json

from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.channel import BODY, HEAD, IDLE, Connections
from fiberlb.api.rest.site import AdminServer
from tests.api.rest.asking import LOOPBACK
from tests.control.stage import Stage

_GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
_POST = b"POST /v1/pools HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"


class _Transport(StringTransport):
    """Notes that it was cut off."""

    aborted = False

    def abortConnection(self) -> None:
        self.aborted = True


class ChannelTests(SynchronousTestCase):
    """Each part of a request has its time."""

    def setUp(self) -> None:
        """An admin address."""
        self.stage = Stage(self)
        self.server = AdminServer(self.stage.control, self.stage.clock)
        self.site = self.server.site(LOOPBACK)
        self.site.startFactory()
        self.addCleanup(self.site.stopFactory)
        self.connection, self.transport = self.connect()

    def connect(self) -> tuple[object, _Transport]:
        """One more connection."""
        made = self.site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
        transport = _Transport()
        made.makeConnection(transport)
        return made, transport

    def send(self, data: bytes) -> None:
        """Bytes of the client."""
        self.connection.dataReceived(data)  # type: ignore[attr-defined]

    def drip(self, data: bytes, seconds: float) -> None:
        """A byte in each second."""
        for second in range(int(seconds)):
            self.stage.clock.advance(1)
            self.send(data[second : second + 1])

    def test_silent(self) -> None:
        """Who says nothing at first goes."""
        self.stage.clock.advance(HEAD)
        self.assertTrue(self.transport.disconnecting)

    def test_slow_head(self) -> None:
        """A byte now and then keeps no connection."""
        self.drip(b"G" * 100, HEAD)
        self.assertTrue(self.transport.disconnecting)

    def test_slow_second_head(self) -> None:
        """Nor does it after a request that was in time; in between it may be idle."""
        self.send(_GET)
        self.stage.clock.advance(IDLE - 1)
        self.assertFalse(self.transport.disconnecting)
        self.send(_GET)
        self.assertEqual(self.transport.value().count(b" 200 OK"), 2)
        self.drip(b"G" * 100, HEAD + 1)
        self.assertTrue(self.transport.disconnecting)

    def test_slow_body(self) -> None:
        """A body has its time."""
        self.send(_POST)
        self.drip(b" " * 100, BODY - 1)
        self.assertFalse(self.transport.disconnecting)
        self.drip(b" " * 2, 2)
        self.assertTrue(self.transport.disconnecting)

    def test_idle(self) -> None:
        """A connection may wait for a while."""
        self.send(_GET)
        self.stage.clock.advance(IDLE)
        self.assertTrue(self.transport.disconnecting)

    def test_unread(self) -> None:
        """Who asks once and does not read goes too."""
        self.send(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        self.stage.clock.advance(IDLE)
        self.assertTrue(self.transport.aborted)

    def test_huge_head(self) -> None:
        """A head has an end."""
        for _ in range(3):
            self.send(b"GET / HTTP/1.1\r\n" if _ == 0 else b"X: " + b"y" * 9000 + b"\r\n")
        self.assertIn(b" 400 ", self.transport.value())
        self.assertTrue(self.transport.disconnecting)

    def test_long_line(self) -> None:
        """A line that is too long is answered with a problem, and ends the connection."""
        for head in (b"GET /%s HTTP/1.1\r\n", b"GET / HTTP/1.1\r\nX-Long: %s\r\n"):
            self.connection, self.transport = self.connect()
            self.send(head % (b"x" * 20_000))
            self.assertTrue(self.transport.disconnecting)
            said, _, body = self.transport.value().partition(b"\r\n\r\n")
            self.assertTrue(said.startswith(b"HTTP/1.1 431 "), said)
            self.assertIn(b"application/problem+json", said)
            self.assertEqual(json.loads(body)["code"], "head_too_large")

    def test_many(self) -> None:
        """The one that has waited longest makes room; who works stays."""
        self.server.connections = self.site.connections = Connections(3)
        (first, one), (_, two), (_, three) = self.connect(), self.connect(), self.connect()
        first.dataReceived(_POST)  # type: ignore[attr-defined]
        self.connect()
        self.assertEqual((one.aborted, two.aborted, three.aborted), (False, True, False))
        self.assertEqual(len(self.site.connections), 3)

    def test_all_busy(self) -> None:
        """Where all work the new one has to go; when one ends there is room again."""
        self.site.connections = Connections(1)
        busy, transport = self.connect()
        busy.dataReceived(_POST)  # type: ignore[attr-defined]
        self.assertTrue(self.connect()[1].aborted)
        busy.connectionLost()  # type: ignore[attr-defined]
        self.assertFalse(self.connect()[1].aborted)
        self.assertFalse(transport.aborted)
