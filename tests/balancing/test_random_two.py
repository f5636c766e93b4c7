"""Tests of C{fiberlb.balancing.random_two}."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.random_two import RandomTwo
from tests.balancing.loaded import weighted


class RandomTwoTests(SynchronousTestCase):
    """Of two the one with less to do."""

    def test_balanced(self) -> None:
        """Requests that stay end up nearly even, where one draw alone would not."""
        balancer = RandomTwo(Random(4).random)
        members = weighted(**{f"m{n}": 1 for n in range(10)})
        balancer.update(members)
        for _ in range(1000):
            member = balancer.pick()
            assert member is not None
            member.in_flight += 1
        loads = [member.in_flight for _, _, member in members]
        self.assertLess(max(loads) - min(loads), 8)

    def test_weights(self) -> None:
        """Twice the weight, twice the requests."""
        balancer = RandomTwo(Random(4).random)
        members = weighted(a=1, b=2)
        balancer.update(members)
        for _ in range(300):
            member = balancer.pick()
            assert member is not None
            member.in_flight += 1
        self.assertEqual([member.in_flight for _, _, member in members], [100, 200])
