"""Kinds of values that only listeners have."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener_values import ConnectionLimit, ListenAddress, RedirectStatus, Setting
from tests.model.documents import check_schema, loaded, refused


class ValueTests(SynchronousTestCase):
    """One by one."""

    def test_addresses(self) -> None:
        """What can be listened at, and what cannot yet."""
        for text in ("::1", "unix:/run/x", "fd:3", "fd:web"):
            self.assertEqual(loaded(ListenAddress(), text), text)
        self.assertIn("known, not supported", refused(ListenAddress(), "onion:80"))
        self.assertIn("is not fd:", refused(ListenAddress(), "fd:1"))

    def test_others(self) -> None:
        """Flags in Octavia's spelling, limits, and the status of a redirect."""
        self.assertIs(loaded(Setting(), "True"), True)
        check_schema(ConnectionLimit(), [-1, 1, 5], [0, -2, "x"])
        check_schema(RedirectStatus(), [True, False, 301], [303, "x"])
        self.assertEqual(loaded(RedirectStatus(), True), 308)
