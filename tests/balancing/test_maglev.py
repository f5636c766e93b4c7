"""Tests of C{fiberlb.balancing.maglev}."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.maglev import SIZES, Maglev, size_for, table
from tests.balancing.loaded import named, shares, weighted

KEYS = [b"10.%d.%d.%d" % (n % 250, n % 241, n % 239) for n in range(20000)]
_SMALL = 1021


def made(**weights: int) -> Maglev[object]:
    """A balancer of these members, all of them up."""
    balancer: Maglev[object] = Maglev()
    balancer.arrange(weighted(**weights))
    balancer.update(weighted(**weights))
    return balancer


def moved(one: Maglev[object], other: Maglev[object]) -> float:
    """The part of the keys that two balancers give to different members."""
    changed = sum(named(one.pick_for(key)) != named(other.pick_for(key)) for key in KEYS)
    return changed / len(KEYS)


class TableTests(SynchronousTestCase):
    """The table itself."""

    def test_sizes(self) -> None:
        """Primes, with a hundred places for each member as long as there are larger ones."""
        for size in SIZES:
            self.assertTrue(all(size % n for n in range(2, int(size**0.5) + 1)), size)
        self.assertEqual([size_for(n) for n in (1, 163, 164, 655)], [16381, 16381, 65537, 65537])
        self.assertEqual(size_for(100000), SIZES[-1])

    def test_even(self) -> None:
        """With a hundred places a member, shares differ by about one percent (paper, 5.3)."""
        counts = Counter(table([(f"m{n}", 1) for n in range(100)], size_for(100)))
        self.assertLess(max(counts.values()) / min(counts.values()), 1.02)

    def test_weights(self) -> None:
        """Places go by weight, within one percent of all."""
        found = Counter(table([("a", 1), ("b", 2), ("c", 256)], 16381))
        for index, weight in enumerate((1, 2, 256)):
            self.assertLess(abs(found[index] / 16381 - weight / 259), 0.01)

    @settings(max_examples=30)
    @given(st.permutations([("a", 1), ("b", 7), ("c", 3), ("d", 7)]))
    def test_order(self, members: list[tuple[str, int]]) -> None:
        """The order in which members are told does not matter."""
        reference = [("a", 1), ("b", 7), ("c", 3), ("d", 7)]
        found = [members[index][0] for index in table(members, _SMALL)]
        self.assertEqual(found, [reference[i][0] for i in table(reference, _SMALL)])

    def test_disruption(self) -> None:
        """One member of a hundred fewer moves little beyond its own keys (paper, figure 10)."""
        members = [(f"m{n}", 1) for n in range(100)]
        before = [members[i][0] for i in table(members, 65537)]
        fewer = members[:50] + members[51:]
        after = [fewer[i][0] for i in table(fewer, 65537)]
        own = before.count("m50")
        changed = sum(a != b for a, b in zip(before, after, strict=True))
        self.assertLess((changed - own) / 65537, 0.02)

    def test_everywhere(self) -> None:
        """Another process, with other hashes of texts, has the same table."""
        program = (
            "from fiberlb.balancing.maglev import table;"
            "print(hash(tuple(table([('a', 1), ('b', 2), ('c', 3)], 1021))))"
        )
        here = hash(tuple(table([("a", 1), ("b", 2), ("c", 3)], _SMALL)))
        found = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        )
        self.assertEqual(int(found.stdout), here)


class MaglevTests(SynchronousTestCase):
    """Keys and their members."""

    def test_shares(self) -> None:
        """Keys are shared out by weight."""
        balancer = made(a=1, b=1, c=2)
        found = shares(balancer.pick_for(key) for key in KEYS)
        for name, part in (("a", 0.25), ("b", 0.25), ("c", 0.5)):
            self.assertLess(abs(found[name] / len(KEYS) - part), 0.02)

    def test_down(self) -> None:
        """Only the keys of one that is down move, to all others; and they come back."""
        balancer = made(a=1, b=1, c=1, d=1)
        before = [named(balancer.pick_for(key)) for key in KEYS]
        balancer.update(weighted(a=1, b=1, d=1))
        after = [named(balancer.pick_for(key)) for key in KEYS]
        self.assertTrue(all(a == b or b == "c" for a, b in zip(after, before, strict=True)))
        took = Counter(a for a, b in zip(after, before, strict=True) if b == "c")
        self.assertLess(max(took.values()) / min(took.values()), 1.2)
        balancer.update(weighted(a=1, b=1, c=1, d=1))
        self.assertEqual([named(balancer.pick_for(key)) for key in KEYS], before)

    def test_added(self) -> None:
        """One more member takes its share and little else moves."""
        ten = {f"m{n}": 1 for n in range(10)}
        self.assertLess(moved(made(**ten), made(**ten, new=1)), 1 / 11 + 0.04)

    def test_all_but_one_down(self) -> None:
        """Any number may be down."""
        balancer = made(**{f"m{n}": 1 for n in range(60)})
        balancer.update(weighted(m7=1))
        self.assertEqual(shares(balancer.pick_for(key) for key in KEYS[:500]), {"m7": 500})

    def test_tried(self) -> None:
        """What a key's retries find is the same each time, and never somebody tried."""
        balancer = made(a=1, b=1, c=1)
        random = Random(5)
        for key in random.sample(KEYS, 200):
            first = named(balancer.pick_for(key))
            second = named(balancer.pick_for(key, (first,)))
            third = named(balancer.pick_for(key, (first, second)))
            self.assertEqual({first, second, third}, {"a", "b", "c"})
            self.assertEqual(named(balancer.pick_for(key, (first,))), second)

    def test_unchanged(self) -> None:
        """The same ids and weights cost no new table."""
        balancer = made(a=1, b=2)
        owners = balancer._owners
        balancer.arrange(weighted(a=1, b=2))
        self.assertIs(balancer._owners, owners)
