"""Tests of L{fiberlb.store.running}: looking for what others wrote, and ends that go wrong."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.engine import KEPT
from fiberlb.store.interface import StoreError
from fiberlb.store.memory import MemoryEngine
from fiberlb.store.running import EngineStore
from tests.store.runners import Line
from tests.store.stage import nothing


class SharedEngine(MemoryEngine):
    """
    Memory that another process seems to write to.

    @ivar foreign: whether it did since the last look.
    @ivar looks: how often that was asked.
    """

    foreign = False
    looks = 0

    def disturbed(self) -> bool:
        """As told."""
        self.looks += 1
        foreign, self.foreign = self.foreign, False
        return foreign

    def write(self) -> None:
        """Be written to from elsewhere."""
        self.commit({}, {b"a": b""}, 0.0)
        self.foreign = True


class LookingTests(SynchronousTestCase):
    """A store that looks every second."""

    def setUp(self) -> None:
        """Nobody watches yet."""
        self.clock = Clock()
        self.engine = SharedEngine(KEPT)
        self.line = Line()
        self.store = EngineStore(self.engine, self.line, self.clock, 1.0)
        self.told: list[int] = []

    def tell(self, revision: int, changes: object) -> None:
        """Be told of a revision."""
        self.told.append(revision)

    def watch(self) -> None:
        """Begin to watch."""
        self.stop = self.store.watch(0, self.tell, nothing)
        self.clock.advance(0)

    def test_others(self) -> None:
        """What others wrote is told at the next look."""
        self.watch()
        self.engine.write()
        self.clock.advance(0.9)
        self.assertEqual(self.told, [])
        self.clock.advance(0.1)
        self.assertEqual(self.told, [1])

    def test_nobody_watches(self) -> None:
        """Nobody looks when nobody watches, before and after."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.watch()
        self.stop()
        self.engine.write()
        self.clock.pump([1.0] * 3)
        self.assertEqual(self.told, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.watch()
        self.assertEqual(self.told, [1])

    def test_away(self) -> None:
        """While the store is away it is looked for, complained about once, and caught up with."""
        self.watch()
        self.line.cut()
        self.clock.pump([1.0] * 5)
        self.engine.write()
        self.engine.foreign = False
        self.line.broken = None
        self.clock.advance(1.0)
        self.assertEqual(self.told, [1])

    def test_behind(self) -> None:
        """A watch that failed to read on is woken by the next look, changes or not."""
        self.watch()
        self.engine.write()
        self.engine.foreign = False
        self.line.cut()
        health = self.successResultOf(Deferred.fromCoroutine(self.store.health()))
        self.assertEqual((health.usable, health.detail), (False, "cut"))
        self.failureResultOf(Deferred.fromCoroutine(self.store.commit({}, {})), StoreError)
        self.clock.advance(0)
        self.line.broken = None
        self.clock.advance(1.0)
        self.assertEqual(self.told, [1])

    def test_bad_end(self) -> None:
        """A store that does not close well is closed all the same."""
        self.watch()
        self.line.cut()
        self.successResultOf(Deferred.fromCoroutine(self.store.close()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_broken(self) -> None:
        """What is no error of a store is logged."""
        self.watch()
        self.line.cut(ZeroDivisionError())
        self.clock.advance(1.0)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
