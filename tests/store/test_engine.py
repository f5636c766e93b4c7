"""Tests of L{fiberlb.store.engine}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.engine import check_commit, end_of, size_of
from fiberlb.store.interface import COMMIT_LIMIT, KEY_LIMIT, TooLarge


class PrefixTests(SynchronousTestCase):
    """Where a prefix ends."""

    def test_end(self) -> None:
        """The last byte grows; bytes that cannot are dropped first."""
        for prefix, end in (
            (b"a", b"b"),
            (b"a/", b"a0"),
            (b"a\xff", b"b"),
            (b"a\xfe\xff\xff", b"a\xff"),
            (b"\x00", b"\x01"),
        ):
            self.assertEqual(end_of(prefix), end)

    def test_no_end(self) -> None:
        """Nothing comes after the highest bytes, nor after everything."""
        self.assertIsNone(end_of(b""))
        self.assertIsNone(end_of(b"\xff\xff"))


class CheckTests(SynchronousTestCase):
    """What no engine takes."""

    def test_limits(self) -> None:
        """The limits themselves are allowed, one more is not."""
        check_commit({bytes(KEY_LIMIT): 0}, {b"a": bytes(COMMIT_LIMIT - 1)})
        self.assertRaises(TooLarge, check_commit, {}, {b"a": bytes(COMMIT_LIMIT)})
        self.assertRaises(ValueError, check_commit, {bytes(KEY_LIMIT + 1): 0}, {})
        self.assertRaises(ValueError, check_commit, {}, {b"": b""})

    def test_leaders(self) -> None:
        """A leader's key may be expected, not written."""
        check_commit({b"leader/a": 1}, {b"leaders": b""})
        self.assertRaises(ValueError, check_commit, {}, {b"leader/a": None})

    def test_size(self) -> None:
        """Keys and values count, deletions by their keys."""
        self.assertEqual(size_of([(b"ab", b"c"), (b"d", None)]), 4)
