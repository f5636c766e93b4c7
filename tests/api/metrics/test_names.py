"""Tests of L{fiberlb.api.metrics.names}."""

from __future__ import annotations

from tests.api.metrics.reading import Reading
from tests.control.stage import NOW, Health


class NameTests(Reading):
    """Figures of names, and of members that are several."""

    FILE = 'pools: [{name: f, members: ["dns:web.test:1 name=w", "db.test:2 name=d"]}]\n'

    def test_figures(self) -> None:
        """How many addresses, since when, and whether the last question was answered."""
        self.stage.move(web=("10.0.0.1", "10.0.0.2"), db="the server failed")
        self.assertEqual(self.value("fiberlb_name_addresses", name="web.test"), 2)
        self.assertEqual(self.value("fiberlb_name_failing", name="web.test"), 0)
        at = "fiberlb_name_answered_timestamp_seconds"
        self.assertEqual(self.value(at, name="web.test"), NOW)
        self.assertEqual(self.value("fiberlb_name_failing", name="db.test"), 1)
        self.assertEqual(len(self.samples()[at]), 1)

    def test_members(self) -> None:
        """Each address counts by itself; a name without one is not up."""
        self.stage.move(web=("10.0.0.1", "10.0.0.2"))
        members = self.stage.control.configuration.objects["members"]
        (web,) = (i for i, m in members.items() if m.name == "w")
        parts = self.stage.control.members.parts(web)
        assert parts is not None
        self.stage.health.known = {parts[0].id: Health("down")}
        self.assertEqual(self.value("fiberlb_pool_members_up", pool="f"), 1)
        up = self.samples()["fiberlb_member_up"]
        told = {dict(labels)["member"]: value for labels, value in up.items()}
        self.assertEqual(told, {"w/10.0.0.1": 0, "w/10.0.0.2": 1, "d": 0})
        self.stage.move(db=("10.0.0.3",))
        self.assertEqual(self.value("fiberlb_member_up", pool="f", member="d"), 1)
