"""Tests of L{benchmarks.workers}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.workers import PROXIES, SCENARIOS, ratios


class RatioTests(SynchronousTestCase):
    """What is compared."""

    def test_beside_one_process(self) -> None:
        """Medians beside those of one process; what was not measured is left out."""
        table = {"fiberlb": {"median": 20.0}, "fiberlb-2": {"median": 21.0}}
        reports = [{"scenario": "a", "table": table}, {"scenario": "b", "table": {}}]
        self.assertEqual(ratios(reports), {"a fiberlb-2": 1.05})

    def test_scenarios(self) -> None:
        """Kept and new connections, each with all three."""
        self.assertEqual([s.proxies for s in SCENARIOS], [PROXIES] * 2)
