"""Tests of L{fiberlb.api.metrics.pools}."""

from __future__ import annotations

from tests.api.metrics.reading import Reading
from tests.control.stage import Health


class PoolTests(Reading):
    """Figures of pools and members."""

    def test_figures(self) -> None:
        """Who is up, and what each has."""
        down = next(iter(self.stage.control.configuration.objects["members"]))
        self.stage.health.known = {down: Health("down")}
        self.assertEqual(self.value("fiberlb_pool_members_up", pool="f"), 1)
        self.assertEqual(self.value("fiberlb_member_up", pool="f", member="127.0.0.1:1"), 0)
        self.assertEqual(self.value("fiberlb_member_up", pool="f", member="b"), 1)
        self.assertEqual(self.value("fiberlb_pool_members_ejected", pool="f"), 0)
        self.assertEqual(self.value("fiberlb_pool_panics", pool="f"), 0)
        self.assertEqual(self.value("fiberlb_member_sessions", pool="f", member="b"), 2)
        self.assertEqual(self.value("fiberlb_member_requests_total", pool="f", member="b"), 0)

    def test_ejected(self) -> None:
        """Who failed too often, and how often; what uses everybody."""
        ident = next(iter(self.stage.control.configuration.objects["members"]))
        self.stage.health.known = {ident: Health("ejected")}
        self.stage.health.ejected = {ident: 3}
        self.stage.health.panics = list(self.stage.control.configuration.objects["pools"])
        self.assertEqual(self.value("fiberlb_pool_members_ejected", pool="f"), 1)
        self.assertEqual(self.value("fiberlb_pool_members_up", pool="f"), 1)
        self.assertEqual(self.value("fiberlb_member_up", pool="f", member="127.0.0.1:1"), 0)
        name = "fiberlb_member_ejections_total"
        self.assertEqual(self.value(name, pool="f", member="127.0.0.1:1"), 3)
        self.assertEqual(self.value(name, pool="f", member="b"), 0)
        self.assertEqual(self.value("fiberlb_pool_panics", pool="f"), 1)
