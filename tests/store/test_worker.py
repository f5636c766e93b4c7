"""Tests of L{fiberlb.store.worker}."""

from __future__ import annotations

import threading
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.interface import Unavailable
from fiberlb.store.worker import Worker
from tests.store.threads import Inbox


class WorkerTests(SynchronousTestCase):
    """One thread, from its start to its end."""

    def setUp(self) -> None:
        """A worker, stopped at the end."""
        self.inbox = Inbox()
        self.worker = Worker(self.inbox, "test")
        self.addCleanup(lambda: self.wait(self.worker.stop()))

    def wait(self, deferred: Deferred[Any]) -> None:
        """Until it fires."""
        while not deferred.called:
            self.inbox.step()

    def test_order(self) -> None:
        """Jobs run one after the other, in another thread, all in the same one."""
        ran: list[tuple[int, int]] = []
        jobs = [
            self.worker.run(lambda n=number: ran.append((n, threading.get_ident())))  # type: ignore[misc]
            for number in range(20)
        ]
        self.wait(jobs[-1])
        self.assertEqual([number for number, _ in ran], list(range(20)))
        threads = {thread for _, thread in ran}
        self.assertEqual(len(threads), 1)
        self.assertNotIn(threading.get_ident(), threads)

    def test_result(self) -> None:
        """A result, or what was raised, arrives; the thread goes on."""
        bad = self.worker.run(lambda: 1 // 0)
        good = self.worker.run(lambda: 7)
        self.assertNoResult(bad)
        self.wait(good)
        self.failureResultOf(bad, ZeroDivisionError)
        self.assertEqual(self.successResultOf(good), 7)

    def test_cancelled(self) -> None:
        """A cancelled job runs, and nobody is told."""
        ran: list[int] = []
        gate = threading.Event()
        self.worker.run(gate.wait)
        waiting = self.worker.run(lambda: ran.append(1))
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        gate.set()
        self.wait(self.worker.run(lambda: None))
        self.assertEqual(ran, [1])

    def test_stop(self) -> None:
        """Stopping runs what was asked for, ends the thread, and refuses what comes then."""
        name = "fiberlb-store-test"
        worker = Worker(self.inbox, name)
        job = worker.run(lambda: 7)
        first, second = worker.stop(), worker.stop()
        self.failureResultOf(worker.run(lambda: 8), Unavailable)
        self.wait(first)
        self.successResultOf(second)
        self.successResultOf(worker.stop())
        self.assertEqual(self.successResultOf(job), 7)
        self.assertNotIn(name, [thread.name for thread in threading.enumerate()])
