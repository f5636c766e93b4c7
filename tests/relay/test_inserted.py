"""Tests of L{fiberlb.relay.inserted}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.inserted import inserted, told_of_client
from tests.relay.test_plane import listener


class InsertedTests(SynchronousTestCase):
    """Which fields are sent."""

    def test_inserted(self) -> None:
        """In their order, whatever the order of the settings."""
        names = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port")
        self.assertEqual(inserted(listener("x", 1)), names)
        off = (("X-Forwarded-Port", True), ("X-Forwarded-For", False))
        self.assertEqual(inserted(listener("x", 1, insert_headers=off)), names[1:])

    def test_client(self) -> None:
        """Those about clients' certificates only where they are asked for."""
        self.assertEqual(told_of_client(listener("x", 1)), ())
        on = (("X-SSL-Client-Verify", True), ("X-SSL-Client-DN", False))
        found = told_of_client(listener("x", 1, insert_headers=on))
        self.assertEqual(found, ("X-SSL-Client-Verify",))
