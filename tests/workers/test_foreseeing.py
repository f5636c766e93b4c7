"""Tests of L{fiberlb.workers.foreseeing}."""

from __future__ import annotations

import os

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.bounds import Limits
from fiberlb.model.configuration import Configuration
from fiberlb.workers.foreseeing import foresee
from fiberlb.workers.revisions import Encoder
from fiberlb.workers.seen import Stage
from tests.workers.crews import StageWorker, crew_of_two


class ForeseeingTests(SynchronousTestCase):
    """Two workers that serve, and one that is to be replaced."""

    def setUp(self) -> None:
        """They are no processes."""
        reactor = MemoryReactorClock()
        self.crew = crew_of_two(reactor)
        self.workers = [StageWorker(n, Stage.SERVING) for n in (0, 1, 0)]
        self.workers[2].behind = True
        self.crew._seen.extend(self.workers)
        self.open = len(os.listdir("/proc/self/fd"))
        self.around = reactor, self.crew, Encoder()

    def foresee(self, configuration: Configuration | None) -> Deferred[None]:
        """Tell them."""
        return Deferred.fromCoroutine(foresee(*self.around, configuration, Limits()))

    def told(self) -> list[int]:
        """How often each of them was told."""
        return [len(worker.told("Foresee")) for worker in self.workers]

    def test_told(self) -> None:
        """Those that serve are told, in turn with what is handed out; no descriptor is left."""
        self.successResultOf(self.crew.turn.acquire())
        done = self.foresee(Configuration(revision=3))
        self.assertEqual(self.told(), [0, 0, 0])
        self.crew.turn.release()
        self.successResultOf(done)
        self.assertEqual(self.told(), [1, 1, 0])
        self.assertEqual(len(os.listdir("/proc/self/fd")), self.open)

    def test_forgotten(self) -> None:
        """That it will not come is told too."""
        self.successResultOf(self.foresee(None))
        self.assertEqual(self.told(), [1, 1, 1])

    def test_failure(self) -> None:
        """Who ends is not minded; what else goes wrong is logged, and nobody fails for it."""
        self.workers[0].refusals["Foresee"] = ConnectionLost()
        self.workers[1].refusals["Foresee"] = ValueError("x")
        self.successResultOf(self.foresee(Configuration(revision=3)))
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)
        self.assertEqual(len(os.listdir("/proc/self/fd")), self.open)
