"""Tests of L{fiberlb.workers.crew}: what needs no processes; the rest is tested live."""

from __future__ import annotations

import os
import signal

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.crew import DRAINING, STALL
from fiberlb.workers.pages import BEAT, Page, make_page
from fiberlb.workers.revisions import sealed
from fiberlb.workers.seen import LAST_WORDS, Stage
from tests.workers.crews import StageWorker, crew_of_two


class CrewTests(SynchronousTestCase):
    """A crew whose workers are no processes."""

    def setUp(self) -> None:
        """Two are wanted."""
        self.reactor = MemoryReactorClock()
        self.crew = crew_of_two(self.reactor)

    def join(self, slot: int, stage: Stage = Stage.SERVING, serial: int = 1) -> StageWorker:
        """Another worker."""
        worker = StageWorker(slot, stage)
        worker.serial = serial
        self.crew._seen.append(worker)
        return worker

    def test_serving(self) -> None:
        """Slots count that have a worker with the revision in force."""
        self.crew.handing.current.serial = 4
        for slot, stage, serial in (
            (0, Stage.SERVING, 4),
            (0, Stage.SERVING, 4),
            (1, Stage.SERVING, 3),
            (1, Stage.DRAINING, 4),
        ):
            self.join(slot, stage, serial)
        self.assertEqual(self.crew.serving, 1)
        self.assertEqual(self.crew.oldest, 3)

    def test_draining(self) -> None:
        """A worker that is replaced gets its time; of too many of one slot the oldest does not."""
        workers = [self.join(0) for _ in range(DRAINING + 1)]
        other = self.join(1)
        for worker in [other, *workers]:
            self.crew.retire(worker)
        self.assertEqual(workers[0].told("Drain"), [{"deadline": 60.0}, {"deadline": 0.0}])
        self.assertEqual(workers[1].told("Drain"), [{"deadline": 60.0}])
        self.assertEqual(other.told("Drain"), [{"deadline": 60.0}])

    def test_stalled(self) -> None:
        """One without a heartbeat says where it is, then it is ended."""
        worker = self.join(0)
        worker.page = Page(make_page())
        self.addCleanup(worker.page.close)
        worker.page.write(BEAT, (1000, 0, 0, 0))
        self.reactor.advance(STALL)
        self.crew._look_after()
        self.assertEqual(worker.killed, [])
        self.reactor.advance(2)
        self.crew._look_after()
        self.assertEqual(worker.killed, [signal.SIGABRT])
        self.reactor.advance(LAST_WORDS)
        self.assertEqual(worker.killed, [signal.SIGABRT, signal.SIGKILL])

    def test_late(self) -> None:
        """One that was late is told what has come meanwhile; one that drains is not."""
        revision = sealed(b"x")
        self.addCleanup(os.close, revision)
        current = self.crew.handing.current
        current.serial, current.revision = 4, revision
        current.down = lambda: (sealed(b""), 0)
        late, adopted, draining = self.join(0, serial=3), self.join(0), self.join(1)
        adopted.stage, draining.stage = Stage.ADOPTED, Stage.DRAINING
        adopted.born = late.born + 1
        self.crew._arrived(late)
        self.crew._arrived(draining)
        self.assertEqual(late.told("Apply"), [{"serial": 4, "number": 0}])
        self.assertEqual((late.serial, draining.told("Apply")), (4, []))
        self.assertIs(adopted.stage, Stage.DRAINING)

    def test_stale(self) -> None:
        """A worker that is behind is replaced once, however often it is said."""
        worker = self.join(0)
        self.crew.running = True
        for _ in range(3):
            self.crew._stale(worker)
        self.assertEqual(self.crew.filling, {0})
        self.crew.running = False
        self.reactor.pump([0.1] * 3)
        self.assertEqual((self.crew.filling, worker.killed), (set(), []))

    def test_stop(self) -> None:
        """All get the deadline; who is left after it is ended."""
        workers = [self.join(0), self.join(1, Stage.DRAINING)]
        done = Deferred.fromCoroutine(self.crew.stop(5.0))
        for worker in workers:
            self.assertEqual(worker.told("Drain"), [{"deadline": 5.0}])
        workers[0].stage = Stage.GONE
        workers[0].ended.callback(workers[0])
        self.assertNoResult(done)
        self.crew.hasten(0.0)
        self.assertEqual(workers[1].told("Drain")[-1], {"deadline": 0.0})
        self.reactor.advance(5 + LAST_WORDS)
        self.successResultOf(done)
        self.assertEqual([worker.killed for worker in workers], [[], [signal.SIGKILL]])

    def test_refused_start(self) -> None:
        """Workers of another process are left alone by one that never served."""
        adopted = self.join(0, Stage.ADOPTED)
        self.successResultOf(Deferred.fromCoroutine(self.crew.stop(5.0)))
        self.assertEqual((adopted.asked, adopted.killed), ([], []))

    def test_hung_up(self) -> None:
        """A worker whose connection is gone is ended if it does not end by itself."""
        worker, draining = self.join(0), self.join(1, Stage.DRAINING)
        self.crew.hung_up(worker)
        self.crew.hung_up(draining)
        self.reactor.advance(LAST_WORDS)
        self.assertEqual((worker.killed, draining.killed), ([signal.SIGKILL], []))
