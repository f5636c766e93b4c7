"""Tests of C{fiberlb.balancing.round_robin}."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.round_robin import RoundRobin

WEIGHTS = st.lists(st.integers(1, 256), min_size=1, max_size=6)


def balancer(start: int = 0, **weights: int) -> RoundRobin[str]:
    """Members named by their ids, in upper case."""
    made: RoundRobin[str] = RoundRobin(start)
    update(made, **weights)
    return made


def update(made: RoundRobin[str], **weights: int) -> None:
    """Give a balancer these members."""
    made.update([(ident, weight, ident.upper()) for ident, weight in weights.items()])


def picks(made: RoundRobin[str], count: int) -> str:
    """The names of the next members."""
    return "".join(made.pick() or "-" for _ in range(count))


class EqualTests(SynchronousTestCase):
    """Members of equal weight."""

    def test_ring(self) -> None:
        """Each in its turn."""
        self.assertEqual(picks(balancer(a=1, b=1, c=1), 7), "ABCABCA")
        self.assertEqual(picks(balancer(a=5, b=5), 4), "ABAB")
        self.assertEqual(picks(balancer(a=9), 3), "AAA")

    def test_none(self) -> None:
        """Without members, or with none that takes part, there is nobody to pick."""
        self.assertEqual(picks(RoundRobin(), 2), "--")
        self.assertEqual(picks(balancer(a=0, b=0), 2), "--")
        self.assertIsNone(RoundRobin().pick({"a"}))

    def test_weight_zero(self) -> None:
        """A member of weight 0 takes no part."""
        self.assertEqual(picks(balancer(a=1, b=0, c=1), 4), "ACAC")

    def test_start(self) -> None:
        """Balancers can begin with different members; the number may be any."""
        self.assertEqual(picks(balancer(1, a=1, b=1, c=1), 4), "BCAB")
        self.assertEqual(picks(balancer(5, a=1, b=1, c=1), 4), "CABC")
        self.assertEqual(picks(RoundRobin(7), 1), "-")


class WeightTests(SynchronousTestCase):
    """Members of different weights."""

    def test_smooth(self) -> None:
        """The heavy one's turns are spread over the cycle."""
        self.assertEqual(picks(balancer(a=5, b=1, c=1), 14), "AABACAA" * 2)
        self.assertEqual(picks(balancer(a=2, b=1), 6), "ABAABA")

    @given(WEIGHTS)
    @settings(max_examples=50, deadline=None)
    def test_share(self, weights: list[int]) -> None:
        """In one cycle each member gets exactly its weight."""
        made: RoundRobin[int] = RoundRobin()
        made.update([(str(i), weight, i) for i, weight in enumerate(weights)])
        found = Counter(made.pick() for _ in range(sum(weights)))
        self.assertEqual(found, dict(enumerate(weights)))

    @given(WEIGHTS, st.integers(1, 300))
    @settings(max_examples=50, deadline=None)
    def test_even(self, weights: list[int], count: int) -> None:
        """At no time is a member further from its share than the number of members."""
        made: RoundRobin[int] = RoundRobin()
        made.update([(str(i), weight, i) for i, weight in enumerate(weights)])
        found = Counter(made.pick() for _ in range(count))
        for index, weight in enumerate(weights):
            share = count * weight / sum(weights)
            self.assertLess(abs(found[index] - share), len(weights))


class UpdateTests(SynchronousTestCase):
    """Members that change while requests come in."""

    def test_same(self) -> None:
        """An update that changes nothing changes nothing, wherever in the cycle it comes."""
        for weights in ({"a": 1, "b": 1, "c": 1}, {"a": 5, "b": 1, "c": 1}):
            plain = picks(balancer(**weights), 20)
            for at in range(10):
                made = balancer(**weights)
                found = picks(made, at)
                update(made, **weights)
                self.assertEqual(found + picks(made, 20 - at), plain, at)

    def test_many_updates(self) -> None:
        """Updates before every request do not send them all to one member."""
        made = balancer(a=1, b=1, c=1)
        found = ""
        for _ in range(6):
            update(made, a=1, b=1, c=1)
            found += picks(made, 1)
        self.assertEqual(found, "ABCABC")

    def test_removed(self) -> None:
        """The others go on where they were."""
        made = balancer(a=1, b=1, c=1)
        self.assertEqual(picks(made, 1), "A")
        update(made, a=1, c=1)
        self.assertEqual(picks(made, 4), "CACA")

    def test_added(self) -> None:
        """A new member comes after those that were waiting."""
        made = balancer(a=1, b=1)
        self.assertEqual(picks(made, 1), "A")
        update(made, a=1, b=1, c=1)
        self.assertEqual(picks(made, 6), "BACBAC")

    def test_replaced(self) -> None:
        """A member that was changed is the new object, in the old place."""
        made = balancer(a=1, b=1)
        picks(made, 1)
        made.update([("a", 1, "x"), ("b", 1, "y")])
        self.assertEqual(picks(made, 2), "yx")

    def test_emptied(self) -> None:
        """Members may all go and come back."""
        made = balancer(1, a=1, b=1)
        update(made)
        self.assertEqual(picks(made, 1), "-")
        update(made, a=1, b=1)
        self.assertEqual(sorted(picks(made, 2)), ["A", "B"])

    def test_smaller_weights(self) -> None:
        """What a member was due in large weights does not give it a run in small ones."""
        made = balancer(a=256, b=100, c=1)
        picks(made, 200)
        update(made, a=1, b=1, c=2)
        found = picks(made, 12)
        self.assertEqual(Counter(found), {"A": 3, "B": 3, "C": 6})
        self.assertNotIn("CCCC", found)

    def test_equal_to_weighted(self) -> None:
        """The one whose turn it was in the ring comes first."""
        made = balancer(a=1, b=1, c=1)
        picks(made, 2)
        update(made, a=1, b=1, c=2)
        self.assertEqual(picks(made, 4), "CABC")


class RetryTests(SynchronousTestCase):
    """Members that a request already failed on."""

    def test_equal(self) -> None:
        """The next untried one is picked, and then it goes on after that one."""
        made = balancer(a=1, b=1, c=1)
        self.assertEqual(made.pick(), "A")
        self.assertEqual(made.pick({"b"}), "C")
        self.assertEqual(picks(made, 3), "ABC")

    def test_all_tried(self) -> None:
        """With every member tried there is none."""
        for weights in ({"a": 1, "b": 1}, {"a": 1, "b": 2}):
            self.assertIsNone(balancer(**weights).pick({"a", "b"}))

    def test_each_once(self) -> None:
        """A request that tries on and on meets every member once."""
        for weights in ({"a": 1, "b": 1, "c": 1}, {"a": 5, "b": 1, "c": 2}):
            made = balancer(**weights)
            tried: set[str] = set()
            while (member := made.pick(tried)) is not None:
                self.assertNotIn(member.lower(), tried)
                tried.add(member.lower())
            self.assertEqual(tried, {"a", "b", "c"})

    def test_share_after_retries(self) -> None:
        """Retries leave the shares of later requests as they are."""
        made = balancer(a=5, b=1, c=1)
        for _ in range(50):
            made.pick({"a"})
        self.assertEqual(Counter(picks(made, 70)), {"A": 50, "B": 10, "C": 10})
