"""Tests of L{fiberlb.store.watching}: what the contract cannot make happen."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.engine import KEPT
from fiberlb.store.memory import MemoryEngine
from fiberlb.store.watching import BATCH, Watch
from tests.store.runners import Line


class WatchTests(SynchronousTestCase):
    """A watch over a line that may be slow, or cut."""

    def setUp(self) -> None:
        """Nothing written yet."""
        self.engine = MemoryEngine(KEPT)
        self.line = Line()
        self.told: list[int] = []
        self.resets = 0
        self.watch = Watch(
            0,
            lambda revision, changes: self.told.append(revision),
            self.reset,
            self.engine,
            self.line,
        )

    def reset(self) -> None:
        """Count the resets."""
        self.resets += 1

    def write(self, times: int = 1) -> None:
        """So many revisions."""
        for _ in range(times):
            self.engine.commit({}, {b"a": b""}, 0.0)

    def test_away(self) -> None:
        """What was missed while the store was away comes later, once."""
        self.line.cut()
        self.write(2)
        self.watch.wake()
        self.assertTrue(self.watch.behind)
        self.line.broken = None
        self.watch.wake()
        self.assertEqual(self.told, [1, 2])
        self.assertFalse(self.watch.behind)

    def test_news_while_reading(self) -> None:
        """News that arrive while it reads are read next, by the same reader."""
        self.line.slow = True
        self.write()
        self.watch.wake()
        self.line.answer()
        self.watch.wake()
        self.write()
        self.line.answer()
        self.assertEqual(self.told, [1, 2])
        self.line.answer()
        self.assertEqual(self.told, [1, 2])
        self.assertRaises(IndexError, self.line.answer)

    def test_batches(self) -> None:
        """A long backlog is read in pieces, and a stop between them holds."""
        self.write(3 * BATCH)
        self.line.slow = True
        self.watch.wake()
        self.line.answer()
        self.assertEqual(len(self.told), BATCH)
        self.watch.stop()
        self.line.answer()
        self.assertEqual(len(self.told), BATCH)
        self.assertRaises(IndexError, self.line.answer)

    def test_stopped_before_reset(self) -> None:
        """A watch stopped while it reads hears of no reset."""
        self.line.slow = True
        self.watch = Watch(9, lambda *_: None, self.reset, self.engine, self.line)
        self.watch.wake()
        self.watch.stop()
        self.line.answer()
        self.assertEqual(self.resets, 0)

    def test_broken(self) -> None:
        """What is no error of a store is logged."""
        self.line.cut(ZeroDivisionError())
        self.watch.wake()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
