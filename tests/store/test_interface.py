"""Tests of L{fiberlb.store.interface}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store import interface


class ErrorTests(SynchronousTestCase):
    """What the errors tell, and to whom."""

    def test_conflict(self) -> None:
        """A conflict names the keys, and leaves the values out of its text."""
        error = interface.Conflict(7, {b"b\xff": (b"secret", 3), b"a": None})
        self.assertEqual(str(error), "changed by someone else: a, b\\xff")
        self.assertEqual(error.current[b"b\xff"], (b"secret", 3))

    def test_kinds(self) -> None:
        """Only an unknown outcome leaves open whether something was written."""
        self.assertTrue(issubclass(interface.Unusable, interface.Unavailable))
        self.assertFalse(issubclass(interface.UnknownOutcome, interface.Unavailable))
        for name in ("Conflict", "TooLarge", "Unavailable", "UnknownOutcome", "NotLeading"):
            self.assertTrue(issubclass(getattr(interface, name), interface.StoreError), name)
