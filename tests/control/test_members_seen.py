"""Tests of L{fiberlb.control.members_seen}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.pool import Member
from tests.control.stage import NOW, Health, Stage
from tests.control.test_member_names import FILE


class SeenTests(SynchronousTestCase):
    """What is told of members of a node."""

    def stage(self) -> Stage:
        """A node whose names are known."""
        stage = Stage(self, start=False)
        stage.names.zone = {"db.test": ("10.0.0.1", "10.0.0.2"), "web.test": ("10.0.0.3",)}
        stage.start(FILE)
        return stage

    def test_told(self) -> None:
        """Health, figures and problems of a member that is several, or none yet."""
        stage = self.stage()
        members = {m.address: m.id for m in stage.control.configuration.all(Member).values()}
        stage.move(web=("10.0.0.3", "10.0.0.4"), db="the server failed")
        web, db = members["dns:web.test"], members["db.test"]
        found = stage.control.members.resolution(web)
        assert found is not None
        bad = found.parts[1].id
        stage.health.known = {bad: Health("down", "connection refused", NOW + 5, NOW + 6)}
        told = stage.control.member_health(web)
        self.assertEqual(told.health, "up")
        self.assertEqual(told.reason, "1 of 2 addresses up; connection refused")
        self.assertEqual((told.since, told.last_check, told.transitions), (NOW + 5, NOW + 6, 2))
        self.assertEqual(stage.control.member_figures(web), {"sessions": 4, "in_flight": 2})
        self.assertEqual(stage.control.members.seen(bad)[0].health, "down")
        told = stage.control.member_health(db)
        self.assertEqual((told.health, told.reason), ("unknown", "the server failed"))
        self.assertEqual(stage.control.member_figures(db), {})
        self.assertEqual(stage.control.problems, ("db.test: the server failed",))
        self.assertIsNone(stage.control.members.resolution(members["192.0.2.1"]))
        self.assertIsNone(stage.control.members.resolution("nobody"))
        self.assertEqual(set(stage.control.members.names()), {"db.test", "web.test"})
