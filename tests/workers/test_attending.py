"""Tests of L{fiberlb.workers.attending}: workers that are no processes."""

from __future__ import annotations

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.attending import OVERDUE, attended, minded
from fiberlb.workers.pages import BEAT, Page, make_page
from fiberlb.workers.seen import Stage
from tests.workers.crews import StageWorker, crew_of_two


class AttendingTests(SynchronousTestCase):
    """A crew of two that is looked after."""

    def setUp(self) -> None:
        """Both serve, and had a heartbeat at 1 s."""
        self.reactor = MemoryReactorClock()
        self.crew = crew_of_two(self.reactor)
        self.crew.running = True
        self.crew.look.start(1.0, now=False)
        self.addCleanup(self.end)
        self.workers = [self.join(0), self.join(1)]

    def end(self) -> None:
        """Nobody looks any more."""
        if self.crew.look.running:
            self.crew.look.stop()

    def join(self, slot: int) -> StageWorker:
        """A worker that serves."""
        worker = StageWorker(slot, Stage.SERVING)
        worker.page = Page(make_page())
        worker.page.write(BEAT, (1000, 0, 0, 0))
        self.addCleanup(worker.page.close)
        self.crew._seen.append(worker)
        return worker

    def test_sound(self) -> None:
        """Signs of life of all, then none of one; one that has not begun to give them."""
        self.assertTrue(minded(self.crew, OVERDUE))
        page = self.workers[1].page
        assert page is not None
        page.write(BEAT, (30_000, 0, 0, 0))
        self.assertFalse(minded(self.crew, OVERDUE + 1))
        self.workers[0].stage = Stage.READY
        self.assertTrue(minded(self.crew, OVERDUE + 1))

    def test_empty(self) -> None:
        """A slot without a worker, or with one that drains, is minded while it is being filled."""
        for stage in (Stage.DRAINING, Stage.GONE):
            self.workers[1].stage = stage
            self.assertFalse(minded(self.crew, 2.0))
            self.crew.filling.add(1)
            self.assertTrue(minded(self.crew, 2.0))
            self.crew.filling.clear()

    def test_nobody_looks(self) -> None:
        """Hanging workers would not be noticed."""
        self.crew.look.stop()
        self.assertFalse(minded(self.crew, 2.0))

    def test_end(self) -> None:
        """The end is no neglect, and without workers there is none."""
        self.crew.running = False
        self.workers[0].stage = Stage.GONE
        self.assertTrue(minded(self.crew, 2.0))
        self.assertTrue(attended(object(), 2.0))
