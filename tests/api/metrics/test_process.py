"""Tests of L{fiberlb.api.metrics.process}."""

from __future__ import annotations

from tests.api.metrics.reading import Reading


class ProcessTests(Reading):
    """Figures of processes."""

    def test_workers(self) -> None:
        """How many, what they use, what was lost."""
        self.stage.plane.crew = (4, 3)
        self.assertEqual(self.value("fiberlb_workers_wanted"), 4)
        self.assertEqual(self.value("fiberlb_workers_serving"), 3)
        self.assertEqual(self.value("fiberlb_workers_died_total"), 4)
        self.assertEqual(self.value("fiberlb_access_log_lost_total"), 2)
        self.assertEqual(self.value("fiberlb_cpu_seconds_total", process="worker"), 1.5)
        for kind in ("control", "worker"):
            self.assertGreater(self.value("fiberlb_resident_bytes", process=kind), 1 << 20)
            self.assertGreater(self.value("fiberlb_open_fds", process=kind), 2)

    def test_load(self) -> None:
        """How those with traffic keep up."""
        self.assertEqual(self.value("fiberlb_lag_seconds"), 0.25)
        self.assertEqual(self.value("fiberlb_overload_periods_total"), 3)
        for action, count in (("stop_keep_alive", 1), ("refuse", 0)):
            self.assertEqual(self.value("fiberlb_overloaded_processes", action=action), count)
