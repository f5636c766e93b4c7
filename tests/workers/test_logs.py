"""Tests of L{fiberlb.workers.logs}."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.logs import LOOK, LogTeller, LogWatch, turn_in
from fiberlb.workers.seen import Seen
from tests.health.scripted import LogLines


class LogWatchTests(SynchronousTestCase):
    """Two workers with one trouble."""

    def setUp(self) -> None:
        """They are the plane."""
        self.workers = [Seen(0, 0.0), Seen(1, 0.0)]
        self.lost = 0
        self.crew = self

    def seen(self) -> list[Seen]:
        """As of the crew."""
        return self.workers

    def processes(self) -> Any:
        """As of the plane."""
        return self

    def test_once(self) -> None:
        """What several say is told once, and its end when all are well, with the sum."""
        clock, logged = Clock(), LogLines()
        workers = self.workers
        watch = LogWatch(clock, "/log", self, logged.log)
        watch.start()
        clock.pump([LOOK] * 3)
        self.assertEqual(logged.lines, [])
        for seen in workers:
            seen.log_trouble = "No space left on device"
            self.lost += 5
            clock.pump([LOOK] * 3)
        workers[0].log_trouble = ""
        clock.pump([LOOK] * 20)
        self.assertEqual(logged.lines, ["error: Access log /log: No space left on device"])
        workers[1].log_trouble = ""
        clock.pump([LOOK] * 20)
        self.assertEqual(
            logged.lines[1:], ["warn: Access log /log: written again, 10 lines were lost"]
        )
        watch.stop()
        watch.stop()
        self.assertEqual(clock.getDelayedCalls(), [])


class LogTellerTests(SynchronousTestCase):
    """What a worker says."""

    def setUp(self) -> None:
        """Nothing yet."""
        self.said: list[str] = []

    def callRemote(self, command: Any, text: str) -> None:
        """As a link to control."""
        self.said.append(text)

    def test_changes(self) -> None:
        """Control is told what is wrong when that changes; another control process anew."""
        teller = LogTeller(Clock(), "/log")
        teller.link = self
        for problem in (None, "full", "full", None, "full"):
            teller.look(0, problem)
        self.assertEqual(self.said, ["full", "", "full"])
        teller.link = None
        teller.look(0, "full")
        teller.link = self
        teller.look(0, "full")
        self.assertEqual(self.said[3:], ["full"])

    def test_turn(self) -> None:
        """The lock is in the state directory, if there is one."""
        self.assertEqual((turn_in("/s"), turn_in("")), ("/s/access-log.lock", None))
