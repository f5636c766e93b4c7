"""Tests of C{fiberlb.balancing.table}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.table import ALGORITHMS
from fiberlb.model.pool import Algorithm


class TableTests(SynchronousTestCase):
    """The algorithms there are."""

    def test_complete(self) -> None:
        """Every algorithm that a pool can name has its class, and the class picks."""
        self.assertEqual(set(ALGORITHMS), set(Algorithm))
        for made in ALGORITHMS.values():
            balancer = made()
            balancer.update([("a", 1, "A")])
            self.assertEqual(balancer.pick(), "A")
