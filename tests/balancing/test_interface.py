"""Tests of C{fiberlb.balancing.interface}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.interface import Sources


class SourcesTests(SynchronousTestCase):
    """What a balancer takes from outside."""

    def test_values(self) -> None:
        """It is given, never taken."""
        sources = Sources(1, lambda: 0.25, lambda: 2.0)
        self.assertEqual((sources.start, sources.random(), sources.clock()), (1, 0.25, 2.0))
