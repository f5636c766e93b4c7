"""Tests of fiberlb.ocsp.asking, against sockets of this process."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.ocsp import MOST_RESPONSE
from fiberlb.ocsp.asking import PATIENCE, Unanswered, asker


class AskingTests(SynchronousTestCase):
    """One question on a connection in memory."""

    def setUp(self) -> None:
        """A question that has been sent."""
        self.reactor = MemoryReactorClock()
        ask = asker(self.reactor)
        self.waiting: Deferred[bytes] = Deferred.fromCoroutine(
            ask("http://127.0.0.1:80/path", b"the question")  # type: ignore[arg-type]
        )
        host, port = self.reactor.tcpClients[0][:2]
        self.factory: Any = self.reactor.tcpClients[0][2]
        self.assertEqual((host, port), ("127.0.0.1", 80))

    def connect(self) -> None:
        """The responder accepts."""
        address = IPv4Address("TCP", "127.0.0.1", 80)
        self.protocol: Any = self.factory.buildProtocol(address)
        self.transport = Connection()
        self.protocol.makeConnection(self.transport)

    def answer(self, data: bytes) -> None:
        """It says something, unless the connection is gone."""
        if not self.transport.disconnecting:
            self.protocol.dataReceived(data)

    def said(self) -> str:
        """Why there is no answer."""
        return str(self.failureResultOf(self.waiting, Unanswered).value)

    def test_answered(self) -> None:
        """The question is a POST, and what comes back is the response."""
        self.connect()
        self.reactor.advance(0)
        sent = self.transport.value()
        self.assertTrue(sent.startswith(b"POST /path HTTP/1.1\r\n"), sent)
        self.assertIn(b"Content-Type: application/ocsp-request\r\n", sent)
        self.assertIn(b"Connection: close\r\n", sent)
        self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")
        self.assertEqual(self.successResultOf(self.waiting), b"good")

    def test_end_of_connection(self) -> None:
        """An answer without a length ends with the connection."""
        self.connect()
        self.answer(b"HTTP/1.0 200 OK\r\n\r\ngood")
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.successResultOf(self.waiting), b"good")

    def test_status(self) -> None:
        """Anything but 200 is no answer; a redirect is not followed."""
        for status in (b"302 Found\r\nLocation: http://127.0.0.1/other", b"404 No", b"500 No"):
            self.setUp()
            self.connect()
            self.answer(b"HTTP/1.1 " + status + b"\r\nContent-Length: 5\r\n\r\n")
            self.assertEqual(self.said(), f"answered with status {int(status[:3])}")
            self.assertEqual(len(self.reactor.tcpClients), 1)
            self.assertTrue(self.transport.disconnecting)

    def test_status_cut(self) -> None:
        """How the body of another status ends is nobody's matter."""
        self.connect()
        self.answer(b"HTTP/1.1 302 Found\r\nContent-Length: 10\r\n\r\nabc")
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.said(), "answered with status 302")
        gc.collect()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_too_long(self) -> None:
        """What never ends is ended."""
        self.connect()
        self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n")
        for _ in range(MOST_RESPONSE // 1024 + 1):
            self.answer(b"0" * 1024)
        self.assertEqual(self.said(), "sent more than a response can have")
        self.assertTrue(self.transport.disconnecting)

    def test_packed(self) -> None:
        """What is compressed is not unpacked."""
        self.connect()
        self.answer(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\n\x1f\x8b0"
        )
        self.assertEqual(self.successResultOf(self.waiting), b"\x1f\x8b0")

    def test_cut(self) -> None:
        """Less than was promised."""
        self.connect()
        self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngo")
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.said(), "was cut off in its answer")

    def test_silent(self) -> None:
        """Nobody who accepts, answers, or comes to an end."""
        steps: list[Callable[[], None]] = [
            lambda: None,
            self.connect,
            lambda: self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ng"),
        ]
        for count in (1, 2, 3):
            self.setUp()
            for step in steps[:count]:
                step()
            self.reactor.advance(PATIENCE)
            self.assertIn("did not answer in 15 s", self.said())
        self.assertTrue(self.transport.disconnecting)

    def test_refused(self) -> None:
        """Nobody is there."""
        self.factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
        self.reactor.advance(1)
        self.assertIn("cannot be reached: Connection was refused", self.said())

    def test_garbage(self) -> None:
        """It does not speak HTTP."""
        self.connect()
        self.answer(b"SSH-2.0\r\n\r\n")
        self.assertIn("cannot be reached", self.said())

    def test_cancelled(self) -> None:
        """Whoever asked wants it no longer."""
        self.connect()
        self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ng")
        self.waiting.cancel()
        self.failureResultOf(self.waiting, CancelledError)
        self.assertTrue(self.transport.disconnecting)


class Connection(StringTransport):
    """A transport that can be aborted, of which protocols hear later."""

    def abortConnection(self) -> None:
        """See the transport."""
        self.disconnecting = True
