"""Tests of L{fiberlb.workers.logs}."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.logs import LOOK, LogWatch
from fiberlb.workers.seen import Seen
from tests.health.scripted import LogLines


class LogWatchTests(SynchronousTestCase):
    """Two workers with one trouble."""

    def test_once(self) -> None:
        """What several say is told once, and its end when all are well, with the sum."""
        clock, logged = Clock(), LogLines()
        workers, lost = [Seen(0, 0.0), Seen(1, 0.0)], [0]
        watch = LogWatch(clock, "/log", lambda: workers, lambda: lost[0], logged.log)
        watch.start()
        clock.pump([LOOK] * 3)
        self.assertEqual(logged.lines, [])
        for seen in workers:
            seen.log_trouble = "No space left on device"
            lost[0] += 5
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
