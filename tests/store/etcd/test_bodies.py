"""Tests of L{fiberlb.store.etcd.bodies}."""

from __future__ import annotations

from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseDone

from fiberlb.store.etcd.bodies import Answer, Cut, Question


class BodyTests(SynchronousTestCase):
    """Questions and answers."""

    def setUp(self) -> None:
        """An answer on its way."""
        self.pieces: list[bytes] = []
        self.answer = Answer(self.pieces.append)
        self.transport = StringTransport()
        self.answer.makeConnection(self.transport)

    def test_question(self) -> None:
        """It is sent whole."""
        transport = StringTransport()
        question = Question(b"abc")
        self.successResultOf(question.startProducing(transport))
        self.assertEqual((transport.value(), question.length), (b"abc", 3))

    def test_whole(self) -> None:
        """An answer comes in pieces, and ends."""
        self.answer.dataReceived(b"a")
        self.answer.dataReceived(b"b")
        self.answer.connectionLost(Failure(ResponseDone()))
        self.assertIsNone(self.successResultOf(self.answer.ended))
        self.assertEqual(self.pieces, [b"a", b"b"])

    def test_cut(self) -> None:
        """One that breaks off says so."""
        self.answer.connectionLost(Failure(ConnectionLost()))
        self.failureResultOf(self.answer.ended, Cut)

    def test_leave(self) -> None:
        """One that is not waited for any more is closed, and tells nothing."""
        self.answer.ended.addErrback(lambda _: None)
        self.answer.ended.cancel()
        self.assertTrue(self.transport.disconnecting)
        self.answer.dataReceived(b"a")
        self.answer.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(self.pieces, [])
