"""How long what is ready waits."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.lag import PATIENCE, WINDOW, Lag, Line
from fiberlb.relay.loop import READ
from tests.support.relay_loop import MemoryLoop


class Sockets:
    """A listening socket with so many in its queue."""

    def __init__(self) -> None:
        self.taken = 0
        self.queued = 0

    def waiting(self) -> int:
        """As many."""
        return self.queued


class LineTests(SynchronousTestCase):
    """What counts of several waits."""

    def test_least(self) -> None:
        """One long wait among short ones is nothing; when all are long, the least of them is."""
        line = Line()
        self.assertEqual(line.least(), 0)
        line.add(1.0, 5.0)
        self.assertEqual(line.least(), 0)
        line.add(1.25, 0.5)
        self.assertEqual(line.least(), 0.5)

    def test_window(self) -> None:
        """What is older does not count, but the last two always do."""
        line = Line()
        line.add(0.0, 0.1)
        line.add(0.5, 3.0)
        line.add(WINDOW + 0.2, 2.0)
        self.assertEqual(line.least(), 2.0)
        line.add(9.0, 4.0)
        self.assertEqual(line.least(), 2.0)
        line.add(9.1, 5.0)
        self.assertEqual(line.least(), 4.0)


class LagTests(SynchronousTestCase):
    """A loop that gets to things late."""

    def setUp(self) -> None:
        """It gets to them when the test says so."""
        self.loop = MemoryLoop(100.0)
        self.lag = Lag(self.loop)
        self.watched: Any = self.lag
        self.addCleanup(self.lag.close_descriptor)

    def look(self, *acceptors: Any) -> float:
        """A quarter of a second later."""
        self.loop.now += 0.25
        return self.lag.look(self.loop.now, acceptors)

    def answer(self, after: float) -> None:
        """The loop has got to it."""
        self.loop.now += after
        self.lag.readable()

    def test_quick(self) -> None:
        """It is asked again and again, and does not wait."""
        for _ in range(6):
            self.assertEqual(self.look(), 0)
            self.assertEqual(self.lag.events, READ)
            self.answer(0)

    def test_standing(self) -> None:
        """Every wait is as long: so long does everybody wait."""
        self.look()
        self.answer(0.2)
        self.assertEqual(self.look(), 0)
        self.answer(0.3)
        self.assertAlmostEqual(self.look(), 0.2)

    def test_one_stall(self) -> None:
        """One long turn, however long, is not a line that stands."""
        for _ in range(3):
            self.look()
            self.answer(0)
        self.look()
        self.answer(30.0)
        self.assertEqual(self.look(), 0)
        self.answer(0)
        self.assertEqual(self.look(), 0)

    def test_unanswered(self) -> None:
        """Turns go by, and it is not its turn: nobody has to wait for the answer to know."""
        self.look()
        for _ in range(PATIENCE - 1):
            self.assertEqual(self.look(), 0)
        self.assertAlmostEqual(self.look(), PATIENCE * 0.25)

    def test_spurious(self) -> None:
        """Woken without a reason, it says nothing."""
        self.lag.readable()
        self.lag.event(READ)
        self.assertEqual(self.look(), 0)
        self.lag.broken()

    def test_queues(self) -> None:
        """Who waits to be accepted waits as long as those before them take."""
        one, other = Sockets(), Sockets()
        for _ in range(8):
            found = self.look(one, other)
            self.answer(0)
            other.queued, other.taken = 400, other.taken + 100
        self.assertAlmostEqual(found, 1.0)
        # Nobody is taken in: the listener has as many as it may.
        self.look(one, other)
        self.assertEqual(self.look(one, other), 0)

    def test_stopped(self) -> None:
        """It is watched no more."""
        self.look()
        self.lag.stop()
        self.lag.stop()
        self.assertEqual(self.loop.open, [])
        self.lag = Lag(self.loop)
        self.lag.stop()
