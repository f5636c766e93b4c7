"""Turns among things with weights."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.split import Split

#: Turns of a long test.
MANY = 100_000


class SplitTests(SynchronousTestCase):
    """Whose turn it is."""

    def shares(self, split: Split, turns: int, step: int = 1) -> Counter[int]:
        """How often each one has its turn, looked at in every C{step}-th."""
        found = [split.draw() for _ in range(turns * step)]
        return Counter(found[::step])

    def near(self, found: int, wanted: float, apart: float) -> None:
        """Two numbers are this much apart at most."""
        self.assertLessEqual(abs(found - wanted), apart, (found, wanted))

    def test_shares(self) -> None:
        """Of 100,000 turns each one has its share within 1 % of itself, and mostly far closer."""
        for weights in ((95, 5), (1, 1), (999, 1), (1, 2, 3, 4), (5, 0, 95), (1_000_000, 1_000)):
            for start in (0.0, 0.3, 0.999):
                found = self.shares(Split(weights, start), MANY)
                for place, weight in enumerate(weights):
                    wanted = MANY * weight / sum(weights)
                    self.near(found[place], wanted, max(wanted / 100, 3))

    def test_soon(self) -> None:
        """A canary of five in a hundred gets its first requests among the first ones."""
        for start in (0.0, 0.17, 0.5, 0.93):
            self.assertIn(self.shares(Split((95, 5), start), 200)[1], range(8, 13))

    def test_rhythm(self) -> None:
        """Whoever comes with every n-th request is split as everybody is."""
        for step in (2, 3, 5, 8, 10):
            found = self.shares(Split((90, 10), 0.1), 10_000, step)
            self.near(found[1], 1000, 60)

    @given(
        st.lists(st.integers(0, 1_000_000), min_size=1, max_size=64).filter(any),
        st.floats(0, 1, exclude_max=True),
    )
    @settings(max_examples=100, deadline=None)
    def test_any(self, weights: list[int], start: float) -> None:
        """Never anybody without a weight."""
        split = Split(weights, start)
        for _ in range(50):
            self.assertGreater(weights[split.draw()], 0)

    def test_some(self) -> None:
        """Among some of them, by their weights; nobody, if these have none."""
        split = Split((5, 3, 1, 0), 0.2)
        found = Counter(split.draw_from((1, 2, 3)) for _ in range(4000))
        self.near(found[1], 3000, 10)
        self.assertEqual(found[3], 0)
        self.assertIsNone(split.draw_from((3,)))
        self.assertIsNone(split.draw_from(()))
