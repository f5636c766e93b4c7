"""Tests of fiberlb.relay.tls_handshake: what both ends have in common."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.tls_handshake import TlsHandshake
from tests.relay.tls_client import RecordingSide, StepLoop, pair
from tests.support.certificates import leaf
from tests.tls.handshake import slot


class HandshakeTests(SynchronousTestCase):
    """A handshake that its subclasses finish; they have the rest of the tests."""

    def made(self) -> tuple[Any, RecordingSide, StepLoop]:
        """One whose client says nothing."""
        loop, side = StepLoop(), RecordingSide()
        self.addCleanup(loop.close)
        ours, theirs = pair()
        self.addCleanup(theirs.close)
        conn = TlsHandshake(loop, ours, slot(leaf("a.test")).connection(ours), side)
        conn.start()
        return conn, side, loop

    def test_overdue(self) -> None:
        """It is refused when its time is over, once."""
        conn, side, loop = self.made()
        conn.hasten(loop.now + 1)
        loop.advance(2)
        self.assertEqual((side.heard, conn.failure), (["refused"], "it took too long"))
        loop.advance(2)
        self.assertEqual(side.heard, ["refused"])

    def test_broken(self) -> None:
        """It is refused when the connection breaks."""
        conn, side, _ = self.made()
        conn.break_off()
        conn.break_off()
        self.assertEqual((side.heard, conn.failure), (["refused"], "the connection broke"))
