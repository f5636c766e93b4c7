"""Questions to other servers; real ones are in tests/live/test_guards.py."""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.guards.web import Unanswered, asker


class AskTests(SynchronousTestCase):
    """One question."""

    def setUp(self) -> None:
        """A reactor in memory."""
        self.reactor: Any = MemoryReactorClock()
        self.ask = asker(self.reactor)

    def asked(self, answer: bytes, most: int = 100) -> Any:
        """What comes of an answer."""
        done = self.ask("http://127.0.0.1:81/a?b", [(b"X-A", b"1"), (b"X-A", b"2")], most, 5.0)
        _, _, factory, *_ = self.reactor.tcpClients[-1]
        protocol = factory.buildProtocol(None)
        self.transport = StringTransport()
        protocol.makeConnection(self.transport)
        self.sent = self.transport.value()
        protocol.dataReceived(answer)
        return done

    def test_answered(self) -> None:
        """Status, fields and body; the question has all fields."""
        done = self.asked(b"HTTP/1.1 401 No\r\nX-B: 1\r\nx-b: 2\r\nContent-Length: 2\r\n\r\nhi")
        found = self.successResultOf(done)
        self.assertEqual((found.status, found.body), (401, b"hi"))
        self.assertEqual([v for n, v in found.fields if n.lower() == b"x-b"], [b"1", b"2"])
        self.assertTrue(self.sent.startswith(b"GET /a?b HTTP/1.1\r\n"))
        self.assertEqual(self.sent.count(b"X-A: "), 2)

    def test_too_long(self) -> None:
        """A body that is longer than it may be is not waited for."""
        done = self.asked(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + b"x" * 101)
        self.failureResultOf(done, Unanswered)

    def test_broken(self) -> None:
        """What is no HTTP."""
        done = self.asked(b"hello\r\n\r\n")
        self.failureResultOf(done, Unanswered)

    def test_late(self) -> None:
        """Neither the head nor the body takes longer than it may."""
        for answer in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx"):
            done = self.asked(answer)
            self.assertNoResult(done)
            self.reactor.advance(5)
            self.assertIn("5 s", self.failureResultOf(done, Unanswered).getErrorMessage())
