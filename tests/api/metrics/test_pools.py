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
        self.assertEqual(self.value("fiberlb_member_sessions", pool="f", member="b"), 2)
        self.assertEqual(self.value("fiberlb_member_requests_total", pool="f", member="b"), 0)
