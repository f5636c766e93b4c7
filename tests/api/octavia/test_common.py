"""What all documents have."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.octavia.common import fields, moment, moved, without


class CommonTests(SynchronousTestCase):
    """Fields and times."""

    def test_fields(self) -> None:
        """Tags once each; those that are null stay."""
        given = {"name": "n", "admin_state_up": False, "tags": ["a", "b", "a"]}
        self.assertEqual(fields(given), {"name": "n", "enabled": False, "tags": ["a", "b"]})
        self.assertEqual(fields({"tags": None}), {})

    def test_moved(self) -> None:
        """Only what was sent, by our names."""
        self.assertEqual(moved({"a": 1, "c": 2}, {"a": "x", "b": "y"}), {"x": 1})
        self.assertEqual(without({"a": 1, "b": 2}, "a"), {"b": 2})

    def test_moment(self) -> None:
        """UTC, which is not said."""
        self.assertEqual(moment("2027-01-15T08:00:00Z"), "2027-01-15T08:00:00")
        self.assertIsNone(moment(""))
