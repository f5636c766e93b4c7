"""Which of several pools may get a request."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.choosing import Choice
from fiberlb.control.choosing_pool import Candidate, Pools
from fiberlb.model.pool import Pool


def candidate(name: str, weight: int, able: bool = True) -> Candidate:
    """A pool."""
    return Candidate(Pool(name=name), weight, Choice((), None, "", "" if able else "no_members"))


class LikelyTests(SynchronousTestCase):
    """Those that may get a request."""

    def likely(self, *named: Candidate, failover: Candidate | None = None) -> list[str]:
        """Their names."""
        return [one.pool.name for one in Pools(named, failover).likely]

    def test_able(self) -> None:
        """All that have a weight and somebody to serve."""
        a, b, none = candidate("a", 1), candidate("b", 9), candidate("c", 0)
        self.assertEqual(self.likely(a, b, none), ["a", "b"])
        down = candidate("d", 5, False)
        self.assertEqual(self.likely(a, down), ["a"])
        self.assertEqual(self.likely(down, candidate("e", 1, False)), ["d"])

    def test_failover(self) -> None:
        """What stands in, where somebody cannot and it can."""
        a, down = candidate("a", 1), candidate("d", 5, False)
        other = candidate("f", 1)
        self.assertEqual(self.likely(a, failover=other), ["a"])
        self.assertEqual(self.likely(a, down, failover=other), ["a", "f"])
        self.assertEqual(self.likely(down, failover=other), ["f"])
        self.assertEqual(self.likely(down, failover=candidate("g", 1, False)), ["d"])
