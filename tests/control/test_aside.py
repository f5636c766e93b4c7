"""Tests of L{fiberlb.control.aside}."""

from __future__ import annotations

import gc
import sys
import threading
from typing import Any

from twisted.internet.task import Clock
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.aside import LARGE, LONGEST, QUIET, TURN, Threads, at_once, undisturbed, weight


class WeightTests(SynchronousTestCase):
    """How much a document holds."""

    def test_counted(self) -> None:
        """Objects count, however deep; texts and numbers do not."""
        document = {"a": 1, "b": [{"c": [{"d": "x"}]}, {"e": None}]}
        self.assertEqual(weight(document), 4)
        self.assertEqual(weight(None), 0)

    def test_bounded(self) -> None:
        """No more is looked at than tells that it is much."""
        self.assertEqual(weight([{} for _ in range(5 * LARGE)]), LARGE)


class Reactor(Clock):
    """A clock with threads, whose results come when the test asks for them."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = ThreadPool(1, 1)
        self.came = threading.Condition()
        self.results: list[Any] = []

    def getThreadPool(self) -> ThreadPool:
        """The pool."""
        return self.pool

    def callFromThread(self, work: Any, *arguments: Any) -> None:
        """Keep it."""
        with self.came:
            self.results.append((work, arguments))
            self.came.notify()

    def wait(self) -> None:
        """Take one result."""
        with self.came:
            self.came.wait_for(lambda: self.results, 10)
            work, arguments = self.results.pop(0)
        work(*arguments)


class ThreadTests(SynchronousTestCase):
    """Work in a thread."""

    def setUp(self) -> None:
        """A thread, and the interpreter as it was at the end."""
        self.reactor = Reactor()
        self.reactor.pool.start()
        self.addCleanup(self.reactor.pool.stop)
        self.addCleanup(gc.unfreeze)
        self.addCleanup(gc.enable)
        self.aside = Threads(self.reactor)

    def test_result(self) -> None:
        """It runs elsewhere; turns are short and nothing is collected meanwhile."""
        usual = sys.getswitchinterval()
        here = threading.get_ident()
        done = self.aside(lambda: (threading.get_ident(), sys.getswitchinterval(), gc.isenabled()))
        self.reactor.wait()
        thread, interval, collecting = self.successResultOf(done)
        self.assertNotEqual(thread, here)
        self.assertAlmostEqual(interval, TURN, 6)
        self.assertFalse(collecting)
        self.assertAlmostEqual(sys.getswitchinterval(), usual, 6)
        self.assertFalse(gc.isenabled())
        self.reactor.advance(QUIET)
        self.assertTrue(gc.isenabled())
        self.assertGreater(gc.get_freeze_count(), 0)

    def test_long(self) -> None:
        """Nor while one piece of work takes longer than the pause after it; some time it is."""
        for while_running, collecting in ((3 * QUIET, False), (LONGEST + QUIET, True)):
            ended = threading.Event()
            done = self.aside(lambda ended=ended: ended.wait(10))  # type: ignore[misc]
            self.reactor.pump([QUIET / 2] * int(while_running / QUIET * 2))
            self.assertIs(gc.isenabled(), collecting)
            ended.set()
            self.reactor.wait()
            self.successResultOf(done)
            self.assertIs(gc.isenabled(), collecting)
            self.reactor.advance(QUIET)
            self.assertTrue(gc.isenabled())

    def test_failure(self) -> None:
        """What is raised comes back."""
        done = self.aside(lambda: 1 / 0)
        self.reactor.wait()
        self.failureResultOf(done, ZeroDivisionError)
        self.failureResultOf(at_once(lambda: 1 / 0), ZeroDivisionError)

    def test_undisturbed(self) -> None:
        """The same for work in slices; what is small is not minded."""
        with undisturbed(1):
            self.assertTrue(gc.isenabled())
        with undisturbed(LARGE):
            self.assertFalse(gc.isenabled())
        self.assertTrue(gc.isenabled())
        self.assertGreater(gc.get_freeze_count(), 0)

    def test_afterwards(self) -> None:
        """What comes soon after it is not disturbed either, however long it took."""
        done = self.aside(lambda: None)
        self.reactor.advance(2 * QUIET)
        self.assertFalse(gc.isenabled())
        self.reactor.wait()
        self.successResultOf(done)
        self.reactor.advance(QUIET / 2)
        self.assertFalse(gc.isenabled())
        self.reactor.advance(QUIET / 2)
        self.assertTrue(gc.isenabled())

    def test_overlapping(self) -> None:
        """Work of which there is always some does not put collections off for ever either."""
        several, collecting = [self.aside(lambda: None)], []
        for _ in range(3):
            several.append(self.aside(lambda: None))
            self.reactor.advance(LONGEST / 2)
            self.reactor.wait()
            collecting.append(gc.isenabled())
        self.assertEqual(collecting, [False, True, False])
        self.reactor.wait()
        for done in several:
            self.successResultOf(done)

    def test_always_busy(self) -> None:
        """Work without a pause does not put collections off for ever."""
        for _ in range(int(LONGEST / QUIET * 2) + 2):
            self.aside(lambda: None)
            self.reactor.wait()
            self.reactor.advance(QUIET / 2)
        self.reactor.advance(QUIET)
        self.assertTrue(gc.isenabled())
