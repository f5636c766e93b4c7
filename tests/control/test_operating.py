"""Tests of fiberlb.control.operating."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.operational import MemberMode, Operational
from fiberlb.model.pool import Member
from tests.control.stage import Stage

FILE = "pools: [{name: web, members: ['127.0.0.1:9001']}]"


class OperatingTests(SynchronousTestCase):
    """The parts on a node."""

    def test_begins_and_ends(self) -> None:
        """Drained members are looked for from the start on, and not after the end."""
        clock = Clock()
        stage = Stage(self, FILE, clock=clock)
        (ident,) = stage.control.configuration.all(Member)
        state = Operational(mode=MemberMode.DRAIN)
        stage.result(stage.control.operating.states.set({ident: state}))
        stage.plane.figures = {"in_flight": 0}
        again = Stage(self, FILE, stage.store, clock)
        again.plane.figures = {"in_flight": 0}
        clock.pump([0.5] * 4)
        self.assertTrue(again.control.operating.emptying.drained(ident))
        for one in (stage, again):
            one.control.operating.stop()
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_keys(self) -> None:
        """They are made when a pool needs them, not before."""
        stage = Stage(self, FILE)
        self.assertEqual(stage.control.operating.cookie_keys.keys, ())
        stage.reload(FILE.replace("web,", "web, session_persistence: {type: cookie},"))
        self.assertEqual(len(stage.control.operating.cookie_keys.keys), 1)
