"""Tests of C{fiberlb.balancing.first_available}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.first_available import FirstAvailable
from tests.balancing.loaded import named, weighted


class FirstAvailableTests(SynchronousTestCase):
    """One after the other."""

    def test_filled(self) -> None:
        """The first that is not full; when all are, the first of all."""
        balancer = FirstAvailable()
        members = weighted(a=1, b=1, z=0)
        balancer.update(members)
        found = [named(balancer.pick())]
        for _, _, member in members:
            member.full = True
            found.append(named(balancer.pick()))
        self.assertEqual(found, ["a", "b", "a", "a"])
        self.assertEqual(named(balancer.pick(("a",))), "b")
