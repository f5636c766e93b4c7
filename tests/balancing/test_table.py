"""Tests of C{fiberlb.balancing.table}."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.interface import Sources
from fiberlb.balancing.table import ALGORITHMS
from fiberlb.model.pool import Algorithm
from tests.balancing.loaded import Busy, weighted


class TableTests(SynchronousTestCase):
    """The algorithms there are."""

    def test_complete(self) -> None:
        """Every algorithm picks, leaves out who was tried, and may find nobody."""
        self.assertEqual(set(ALGORITHMS), set(Algorithm))
        for entry in ALGORITHMS.values():
            balancer = entry.make(Sources(3, Random(1).random, lambda: 0.0))
            self.assertIsNone(balancer.pick())
            members = weighted(a=1, b=2, c=0)
            if entry.key:
                balancer.arrange(members)
            balancer.update(members)
            for tried, left in ((("a",), "b"), (("b",), "a")):
                self.assertEqual(balancer.pick(tried).name, left)
                if entry.key:
                    self.assertEqual(balancer.pick_for(b"key", tried).name, left)
            self.assertIsNone(balancer.pick(("a", "b")))
            if entry.key:
                self.assertIsNone(balancer.pick_for(b"key", ("a", "b")))
            self.assertEqual({balancer.pick().name for _ in range(50)} - {"a", "b"}, set())

    def test_strangers(self) -> None:
        """Members that may be chosen and have no keys of their own, such as backups, are found."""
        for entry in ALGORITHMS.values():
            if entry.key:
                balancer = entry.make(Sources(0, Random(1).random, lambda: 0.0))
                balancer.arrange(weighted(a=1))
                balancer.update([("z", 1, Busy("z"))])
                self.assertEqual(balancer.pick_for(b"key").name, "z")
                balancer.update([])
                self.assertIsNone(balancer.pick_for(b"key"))
                balancer.arrange([])
                self.assertIsNone(balancer.pick_for(b"key"))
