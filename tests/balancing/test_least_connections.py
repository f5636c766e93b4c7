"""Tests of C{fiberlb.balancing.least_connections}."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.least_connections import LeastConnections
from tests.balancing.loaded import Busy, named, shares, weighted


class LeastConnectionsTests(SynchronousTestCase):
    """The member with the least to do."""

    def test_equal(self) -> None:
        """Between equals it is a ring, which begins where it is told to."""
        balancer = LeastConnections(1)
        balancer.update(weighted(a=1, b=1, c=1))
        self.assertEqual("".join(named(balancer.pick()) for _ in range(7)), "bcabcab")

    def test_weights(self) -> None:
        """Requests that stay are spread by weight."""
        balancer = LeastConnections()
        members = weighted(a=1, b=2, c=5, d=0)
        balancer.update(members)
        picked = []
        for _ in range(80):
            member = balancer.pick()
            assert member is not None
            member.in_flight += 1
            picked.append(member)
        self.assertEqual(shares(picked), {"a": 10, "b": 20, "c": 50})

    @given(st.lists(st.tuples(st.integers(1, 256), st.integers(0, 99)), min_size=1, max_size=8))
    def test_least(self, found: list[tuple[int, int]]) -> None:
        """Nobody has less to do for its weight than who is picked."""
        members = [(str(n), weight, Busy(str(n), load)) for n, (weight, load) in enumerate(found)]
        balancer = LeastConnections()
        balancer.update(members)
        picked = balancer.pick()
        least = min((load + 1) / weight for weight, load in found)
        share = next((m.in_flight + 1) / w for _, w, m in members if m is picked)
        self.assertAlmostEqual(share, least)
