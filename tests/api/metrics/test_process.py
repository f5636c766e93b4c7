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
