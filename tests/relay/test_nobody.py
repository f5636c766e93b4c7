"""Tests of L{fiberlb.relay.nobody}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.nobody import NOBODY


class NobodyTests(SynchronousTestCase):
    """The side of a closed connection."""

    def test_nobody(self) -> None:
        """It takes everything without a word."""
        NOBODY.received(b"x")
        NOBODY.expired(0.0)
        NOBODY.refused(1)
        for name in ("ended", "drained", "lost", "connected"):
            getattr(NOBODY, name)()
