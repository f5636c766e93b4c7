"""Tests of C{fiberlb.balancing.draws}."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.draws import Draws
from tests.balancing.loaded import Busy, named, shares, weighted


class DrawsTests(SynchronousTestCase):
    """Two members drawn."""

    def test_weights(self) -> None:
        """The first of two is drawn by weight."""
        draws: Draws[Busy] = Draws(Random(1).random, lambda one, other: True)
        draws.update(weighted(a=1, b=2, c=5))
        found = shares(draws.pick() for _ in range(16000))
        for name, part in (("a", 0.125), ("b", 0.25), ("c", 0.625)):
            self.assertLess(abs(found[name] / 16000 - part), 0.02)

    def test_different(self) -> None:
        """The second is never the first, however the weights are."""
        pairs: list[set[str]] = []

        def noted(one: tuple[str, int, Busy], other: tuple[str, int, Busy]) -> bool:
            pairs.append({one[0], other[0]})
            return True

        draws: Draws[Busy] = Draws(Random(2).random, noted)
        draws.update(weighted(a=1, b=256, c=3))
        for _ in range(3000):
            draws.pick()
        self.assertEqual({len(pair) for pair in pairs}, {2})

    @given(st.floats(0, 1, exclude_max=True), st.lists(st.integers(1, 256), min_size=1))
    def test_edges(self, chance: float, weights: list[int]) -> None:
        """Any number of chance finds somebody."""
        draws: Draws[Busy] = Draws(lambda: chance, lambda one, other: False)
        draws.update([(str(n), weight, Busy(str(n))) for n, weight in enumerate(weights)])
        self.assertNotEqual(named(draws.pick()), "-")
