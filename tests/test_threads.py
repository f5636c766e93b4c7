"""Tests of L{fiberlb.threads}."""

from __future__ import annotations

import signal
from queue import SimpleQueue

from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.threads import LEFT, QuietThread, quieten
from tests.support.programs import PATIENCE


class QuietThreadTests(SynchronousTestCase):
    """Which signals a thread takes."""

    def setUp(self) -> None:
        """Threads tell what they block."""
        self.told: SimpleQueue[set[int]] = SimpleQueue()

    def tell(self) -> None:
        """In a thread."""
        self.told.put(_blocked())

    def test_thread(self) -> None:
        """It blocks what is left to the main thread, which goes on as before."""
        before = _blocked()
        thread = QuietThread(target=self.tell)
        thread.start()
        thread.join(PATIENCE)
        self.assertLessEqual(LEFT, self.told.get(timeout=PATIENCE))
        self.assertEqual(_blocked(), before)

    def test_pool(self) -> None:
        """So do those of a pool."""
        pool = quieten(ThreadPool(0, 1, "test"))
        pool.start()
        self.addCleanup(pool.stop)
        pool.callInThread(self.tell)
        self.assertLessEqual(LEFT, self.told.get(timeout=PATIENCE))


def _blocked() -> set[int]:
    return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
