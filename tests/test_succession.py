"""Tests of L{fiberlb.succession}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.succession import VARIABLE, tell, told


class SuccessionTests(SynchronousTestCase):
    """From one image to the next."""

    def test_told(self) -> None:
        """It is taken out of the environment, which children get."""
        environment = {"A": "b", **tell(7, held={"x": [1]}, pid_file="p")}
        found = told(environment, 7)
        self.assertEqual((found["held"], found["pid_file"]), ({"x": [1]}, "p"))
        self.assertEqual(environment, {"A": "b"})

    def test_not_ours(self) -> None:
        """Nothing, what another process was told, and what nobody of ours wrote."""
        self.assertEqual(told({}, 7), {})
        self.assertEqual(told(tell(8), 7), {})
        for text in ("", "{", "[]", "1"):
            self.assertEqual(told({VARIABLE: text}, 7), {})
