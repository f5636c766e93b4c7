"""What the data plane tells of itself."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.serving import Serving
from tests.control.stage import StagePlane


class ServingTests(SynchronousTestCase):
    """A plane on a stage."""

    def test_told(self) -> None:
        """What it says, unchanged."""
        plane = StagePlane()
        plane.crew = (2, 1)
        serving = Serving(plane)
        self.assertEqual(serving.listeners(), [])
        self.assertEqual(serving.pool_figures("p"), plane.pool_figures("p"))
        self.assertEqual(serving.listener_figures("l"), plane.listener_figures("l"))
        self.assertEqual(serving.reasons(), plane.reasons())
        self.assertEqual(serving.workers, (2, 1))
        self.successResultOf(Deferred.fromCoroutine(serving.restart_workers()))
        self.assertEqual((serving.workers, plane.events), ((2, 2), ["restart"]))
