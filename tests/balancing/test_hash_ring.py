"""Tests of C{fiberlb.balancing.hash_ring}."""

from __future__ import annotations

from random import Random

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.hash_ring import BOUND, FEW, HashRing
from fiberlb.balancing.interface import Loaded
from tests.balancing.loaded import named, shares, weighted

KEYS = [b"user-%d" % number for number in range(10000)]


class RingTests(SynchronousTestCase):
    """Keys and their members."""

    def made(self, **weights: int) -> tuple[HashRing, dict[str, Loaded]]:
        """A balancer of these members, all of them up and idle."""
        ring = HashRing()
        members = weighted(**weights)
        ring.arrange(members)
        ring.update(members)
        return ring, {name: member for name, _, member in members}

    def test_shares(self) -> None:
        """Keys are shared out by weight, more or less."""
        ring, _ = self.made(a=1, b=1, c=2)
        found = shares(ring.pick_for(key) for key in KEYS)
        for name, part in (("a", 0.25), ("b", 0.25), ("c", 0.5)):
            self.assertLess(abs(found[name] / len(KEYS) - part), 0.08)

    def test_minimal(self) -> None:
        """A member more or less moves its own keys and no others."""
        three, four = self.made(a=1, b=1, c=1)[0], self.made(a=1, b=1, c=1, d=1)[0]
        for key in KEYS[:2000]:
            one, other = named(three.pick_for(key)), named(four.pick_for(key))
            self.assertTrue(one == other or other == "d")
        four.update(weighted(a=1, b=1, c=1))
        self.assertEqual(
            [named(four.pick_for(key)) for key in KEYS[:2000]],
            [named(three.pick_for(key)) for key in KEYS[:2000]],
        )

    def test_bound(self) -> None:
        """One key that everybody asks for does not bury its member: nobody gets over the bound."""
        ring, members = self.made(a=1, b=1, c=1, d=1)
        for _ in range(200):
            member = ring.pick_for(b"the one that everybody wants")
            assert member is not None
            member.in_flight += 1
        most = max(member.in_flight for member in members.values())
        self.assertLessEqual(most, BOUND * 200 / 4 + 1)
        self.assertGreater(most, FEW)

    def test_quiet(self) -> None:
        """With little to do a key stays where it is."""
        ring, _ = self.made(a=1, b=1, c=1)
        first = ring.pick_for(b"key")
        assert first is not None
        first.in_flight = FEW - 1
        self.assertIs(ring.pick_for(b"key"), first)

    def test_random_loads(self) -> None:
        """Whatever they have to do, somebody is found, and nobody that was tried."""
        random = Random(3)
        ring, members = self.made(a=1, b=5, c=100)
        for key in KEYS[:2000]:
            for member in members.values():
                member.in_flight = random.randrange(20)
            tried = tuple(random.sample("abc", random.randrange(3)))
            self.assertNotIn(named(ring.pick_for(key, tried)), (*tried, "-"))
