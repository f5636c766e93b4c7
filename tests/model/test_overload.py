"""What a process does when it cannot keep up, as it is configured."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.overload import Overload
from tests.model.documents import made, problems


class OverloadTests(SynchronousTestCase):
    """The two thresholds."""

    def test_defaults(self) -> None:
        """Both are on; each is turned off by itself."""
        self.assertEqual(made(Overload), Overload(stop_keep_alive=0.5, refuse=1.0))
        found = made(Overload, stop_keep_alive="none", refuse="100ms")
        self.assertEqual((found.stop_keep_alive, found.refuse), (None, 0.1))
        self.assertIsNone(made(Overload, refuse="none").refuse)

    def test_order(self) -> None:
        """Nobody is turned away before connections are ended."""
        self.assertEqual(
            problems(Overload, {"stop_keep_alive": "2s"}),
            ["refuse: must not be less than stop_keep_alive"],
        )
