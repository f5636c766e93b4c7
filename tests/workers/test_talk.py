"""Tests of L{fiberlb.workers.talk}."""

from __future__ import annotations

from twisted.logger import Logger, LogLevel
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.messages import LONGEST_LINE
from fiberlb.workers.talk import Talk


class TalkTests(SynchronousTestCase):
    """A worker's log."""

    def setUp(self) -> None:
        """Control, and a place beside it."""
        self.there = True
        self.told: list[tuple[str, str, str]] = []
        self.aside: list[str] = []
        self.talk = Talk(self.tell, self.aside.append, "worker 1")

    def tell(self, level: str, namespace: str, text: str) -> bool:
        """Control takes it when it is there."""
        if self.there:
            self.told.append((level, namespace, text))
        return self.there

    def say(self, level: LogLevel, text: str, namespace: str = "fiberlb.relay") -> None:
        """Log a line."""
        Logger(namespace, observer=self.talk).emit(level, "{text}", text=text)

    def test_control(self) -> None:
        """Control is told; of other libraries only what is wrong, of ours no debugging."""
        self.say(LogLevel.info, "a")
        self.say(LogLevel.debug, "b")
        self.say(LogLevel.info, "c", "twisted.x")
        self.say(LogLevel.warn, "d", "twisted.x")
        expected = [("info", "fiberlb.relay", "a"), ("warn", "twisted.x", "d")]
        self.assertEqual(self.told, expected)
        self.assertEqual(self.aside, [])

    def test_long(self) -> None:
        """A long line is cut to what a message takes."""
        self.say(LogLevel.error, "ä" * 100000)
        self.assertEqual(len(self.told[0][2]), LONGEST_LINE)

    def test_alone(self) -> None:
        """Without control it is written aside, with what tells it from others."""
        self.there = False
        self.say(LogLevel.error, "broken")
        self.assertRegex(self.aside[0], r"^\S+ \[worker 1#error\] broken\n$")
