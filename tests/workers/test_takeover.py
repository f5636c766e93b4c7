"""Tests of L{fiberlb.workers.takeover}."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.takeover import PATIENCE, gathered, living


class LivingTests(SynchronousTestCase):
    """Files that say who lives."""

    def test_locks(self) -> None:
        """Who holds the lock on its file lives; other files are cleared away."""
        directory = Path(self.mktemp())
        directory.mkdir()
        for name in ("worker-11", "worker-22", "lock"):
            (directory / name).touch()
        held = os.open(directory / "worker-11", os.O_RDWR)
        self.addCleanup(os.close, held)
        fcntl.flock(held, fcntl.LOCK_EX)
        self.assertEqual(living(str(directory), "worker-"), {11})
        self.assertEqual(living(str(directory), "worker-", draining=False), {11})
        os.write(held, b"drains")
        self.assertEqual(living(str(directory), "worker-", draining=False), set())
        self.assertEqual(living(str(directory), "worker-"), {11})
        self.assertEqual(sorted(p.name for p in directory.iterdir()), ["lock", "worker-11"])


class GatheredTests(SynchronousTestCase):
    """Waiting for them."""

    def setUp(self) -> None:
        """Two live."""
        self.clock = Clock()
        self.expected = {1, 2}
        self.adopted: set[int] = set()
        work = gathered(self.clock, lambda: self.expected, lambda: self.adopted, "{count}")
        self.done = Deferred.fromCoroutine(work)

    def test_all(self) -> None:
        """Over when the last one is there, or has ended."""
        self.adopted.add(1)
        self.clock.pump([0.02] * 5)
        self.assertNoResult(self.done)
        self.expected.discard(2)
        self.clock.advance(0.02)
        self.assertEqual(self.successResultOf(self.done), set())

    def test_not_for_ever(self) -> None:
        """Those that say nothing are not waited for any longer."""
        self.adopted.add(1)
        self.clock.pump([0.1] * int(PATIENCE * 10 + 2))
        self.assertEqual(self.successResultOf(self.done), {2})
