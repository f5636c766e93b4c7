"""The contract over L{fiberlb.store.sqlite}."""

from __future__ import annotations

import os
import threading

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.engine import KEPT, Kept
from fiberlb.store.interface import Conflict, Unusable
from fiberlb.store.sqlite import POLL, SqliteStore
from tests.store.contract import cases
from tests.store.stage import SqliteStage, nothing


def _stage(test: SynchronousTestCase, kept: Kept) -> SqliteStage:
    return SqliteStage(os.path.join(test.mktemp(), "fiberlb.db"), kept)


globals().update(cases(__name__, _stage))


class SharedTests(SynchronousTestCase):
    """Two stores over one file, as two processes have them."""

    def setUp(self) -> None:
        """Both open."""
        self.stage = _stage(self, KEPT)
        self.addCleanup(self.stage.end)
        self.one, self.two = self.stage.store(), self.stage.store()

    def test_watch(self) -> None:
        """What the other one writes is told within the time between two looks."""
        told: list[int] = []
        self.one.watch(0, lambda revision, changes: told.append(revision), nothing)
        self.stage.idle()
        for _ in range(3):
            self.stage.wait(self.two.commit({}, {b"a": b"1"}))
        self.stage.idle()
        self.assertEqual(told, [])
        self.stage.advance(POLL)
        self.assertEqual(told, [1, 2, 3])
        self.stage.wait(self.one.commit({}, {b"a": b"2"}))
        self.stage.wait(self.two.commit({}, {b"a": b"3"}))
        self.stage.idle()
        self.stage.advance(POLL)
        self.assertEqual(told, [1, 2, 3, 4, 5])

    def test_counter(self) -> None:
        """Writers in both, at the same time: each is acknowledged exactly once."""
        acknowledged: list[int] = []

        async def count(store: SqliteStore) -> None:
            while True:
                entry = (await store.load(b"count"))[1].get(b"count", (b"0", 0))
                number = int(entry[0]) + 1
                try:
                    await store.commit({b"count": entry[1]}, {b"count": b"%d" % number})
                except Conflict:
                    continue
                acknowledged.append(number)
                return

        work = [Deferred.fromCoroutine(count(store)) for store in (self.one, self.two) * 50]
        self.stage.wait(gatherResults(work))
        self.assertEqual(sorted(acknowledged), list(range(1, 101)))

    def test_threads(self) -> None:
        """Each store has one thread, and none when it is closed."""
        self.assertEqual(self.threads(), 2)
        self.stage.wait(self.one.close())
        self.assertEqual(self.threads(), 1)
        self.stage.wait(self.two.close())
        self.assertEqual(self.threads(), 0)
        with self.assertRaises(Unusable):
            self.stage.wait(SqliteStore.open("/dev/null", self.stage.clock, self.stage.inbox))
        self.assertEqual(self.threads(), 0)

    def threads(self) -> int:
        """How many threads of stores there are."""
        return sum(thread.name.startswith("fiberlb-store") for thread in threading.enumerate())
