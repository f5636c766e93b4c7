"""Tests of L{fiberlb.store.etcd.documents}."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.etcd.documents import (
    COMPRESSED,
    VALUE_LIMIT,
    Keyspace,
    number,
    octets,
    packed,
    text,
    unpacked,
    was_moved,
)
from fiberlb.store.interface import TooLarge, Unusable


class ValueTests(SynchronousTestCase):
    """Values as they are kept."""

    def test_value(self) -> None:
        """Any bytes come back, with the revision that wrote them."""
        for value in (b"", b".", b"z", b"@1.x", bytes(range(256)), b"x" * COMPRESSED):
            pair = {"value": text(packed(value)), "mod_revision": "7"}
            self.assertEqual(unpacked(pair), (value, 7))
            self.assertFalse(was_moved(pair))
            moved = {"value": text(packed(value, 5)), "mod_revision": "7"}
            self.assertEqual(unpacked(moved), (value, 5))
            self.assertTrue(was_moved(moved))

    def test_large(self) -> None:
        """Large values are compressed, and refused when that is not enough."""
        self.assertLess(len(packed(b"abcd" * VALUE_LIMIT)), VALUE_LIMIT // 10)
        with self.assertRaises(TooLarge) as caught:
            packed(os.urandom(VALUE_LIMIT + 1))
        self.assertEqual(caught.exception.limit, VALUE_LIMIT)

    def test_foreign(self) -> None:
        """What somebody else wrote is told, not guessed at."""
        for value in (b"", b"{}", b"@x.1", b"@1"):
            self.assertRaises(Unusable, unpacked, {"key": text(b"k"), "value": text(value)})

    def test_left_out(self) -> None:
        """Zero and the empty text are not in the JSON."""
        self.assertEqual((number({}, "lease"), octets({}, "value")), (0, b""))


class KeyspaceTests(SynchronousTestCase):
    """Keys below a prefix."""

    def test_watched(self) -> None:
        """A watch sees entries and what tells of large commits, nothing else."""
        keys = Keyspace(b"/p/")
        first, end = keys.watched
        for key in (keys.entry(b""), keys.entry(b"\xff" * 9), keys.pending, keys.applied):
            self.assertTrue(first <= key < end, key)
        for key in (
            keys.staged("a"),
            keys.staged("a", 1),
            keys.writer("x"),
            b"/p/",
            b"/q/entries/",
        ):
            self.assertFalse(first <= key < end, key)

    def test_key(self) -> None:
        """Entries and keys are each other's opposite."""
        keys = Keyspace(b"/p/")
        self.assertEqual(keys.key(keys.entry(b"a/b")), b"a/b")
        self.assertIsNone(keys.key(keys.pending))
        self.assertEqual(keys.below(b"a\xff"), (b"/p/entries/a\xff", b"/p/entries/b"))
        self.assertEqual(keys.below(b""), (b"/p/entries/", b"/p/entries0"))
