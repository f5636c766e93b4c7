"""Tests of L{fiberlb.observe.losses}: what is told of trouble, and how often."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.observe.losses import CALM, Losses
from tests.health.scripted import LogLines


class LossesTests(SynchronousTestCase):
    """Two lines for each trouble."""

    def setUp(self) -> None:
        """Nothing is wrong yet."""
        self.clock = Clock()
        self.logged = LogLines()
        self.losses = Losses("/var/log/a", self.clock, self.logged.log)

    def look(self, seconds: float, lost: int, problem: str | None = None) -> list[str]:
        """What is told when it is like this for so long."""
        with self.logged.new() as lines:
            for _ in range(int(seconds)):
                self.losses.look(lost, problem)
                self.clock.advance(1)
        return lines

    def test_well(self) -> None:
        """Nothing is told while nothing is wrong."""
        self.assertEqual(self.look(100, 0), [])

    def test_trouble(self) -> None:
        """Its beginning with the reason, its end with the sum."""
        told = self.look(100, 5, "No space left on device")
        self.assertEqual(told, ["error: Access log /var/log/a: No space left on device"])
        self.assertEqual(self.look(3, 7), [])
        self.assertEqual(
            self.look(2 * CALM, 7),
            ["warn: Access log /var/log/a: written again, 7 lines were lost"],
        )

    def test_without_reason(self) -> None:
        """Lines that a process lost that is gone."""
        self.assertEqual(self.look(1, 3), ["error: Access log /var/log/a: lines were lost"])

    def test_output(self) -> None:
        """The standard output is called by its name."""
        losses = Losses("stdout", self.clock, self.logged.log)
        losses.look(0, "nobody reads it")
        self.assertEqual(
            self.logged.lines, ["error: Access log the standard output: nobody reads it"]
        )
