"""Tests of L{fiberlb.process.orphans}."""

from __future__ import annotations

import os

from twisted.internet import process
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.process.orphans import AT_ONCE, TURN, Orphans, wait_for


class OrphansTests(SynchronousTestCase):
    """Children that have ended."""

    def setUp(self) -> None:
        """Nobody has."""
        self.clock = Clock()
        self.ended: list[int] = []
        self.known: set[int] = set()
        self.orphans = Orphans(
            self.clock,
            lambda: frozenset(self.known),
            lambda: self.ended[0] if self.ended else None,
            self.ended.remove,
        )
        self.orphans.start()
        self.addCleanup(self.orphans.stop)

    def test_strangers(self) -> None:
        """All of them at the next look, a bounded number at a time."""
        self.ended += range(2 * AT_ONCE)
        self.clock.advance(TURN)
        self.assertEqual(len(self.ended), AT_ONCE)
        self.clock.advance(TURN)
        self.assertEqual(self.ended, [])

    def test_known(self) -> None:
        """Whom somebody else waits for is left to him."""
        self.known.add(2)
        self.ended += [1, 2, 3]
        self.clock.advance(TURN)
        self.assertEqual(self.ended, [2, 3])
        self.known.clear()
        process.reapProcessHandlers[2] = None  # type: ignore[assignment]
        self.addCleanup(process.reapProcessHandlers.pop, 2)
        self.clock.advance(TURN)
        self.assertEqual(self.ended, [2, 3])

    def test_stop(self) -> None:
        """Nothing is left."""
        self.orphans.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_waited(self) -> None:
        """A child of ours is taken out of the table; one that is gone is no error."""
        pid = os.fork()
        if not pid:
            os._exit(0)
        # Until it has ended, and without waiting for it.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        wait_for(pid)
        wait_for(pid)
        self.assertRaises(ChildProcessError, os.waitpid, pid, 0)
