"""Tests of C{fiberlb.balancing.hashing}."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.hashing import hashed, rendezvous

KEYS = [b"key %d" % number for number in range(4000)]


class HashTests(SynchronousTestCase):
    """Hashes that never change."""

    def test_fixed(self) -> None:
        """The same everywhere: a change here would send every client of every node elsewhere."""
        self.assertEqual(hashed(b""), 0x2D06800538D394C2)
        self.assertEqual(hashed(b"a", 1), 15201566949650179872)


class RendezvousTests(SynchronousTestCase):
    """The member with the highest score."""

    def test_weights(self) -> None:
        """Keys are shared out by weight."""
        members = [("a", 1, "a"), ("b", 3, "b")]
        found = Counter(rendezvous(members, key) for key in KEYS)
        self.assertLess(abs(found["b"] / len(KEYS) - 0.75), 0.03)

    def test_nobody(self) -> None:
        """Without members, or with all of them tried, there is nobody."""
        self.assertIsNone(rendezvous([], b"key"))
        self.assertIsNone(rendezvous([("a", 1, "a")], b"key", ("a",)))

    @given(st.integers(2, 9), st.binary(max_size=20))
    def test_minimal(self, count: int, key: bytes) -> None:
        """A key moves only when its own member goes."""
        members = [(f"m{n}", 1, f"m{n}") for n in range(count)]
        before = rendezvous(members, key)
        for gone in members:
            after = rendezvous([m for m in members if m is not gone], key)
            self.assertTrue(after == before or gone[2] == before)
