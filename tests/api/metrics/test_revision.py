"""Tests of L{fiberlb.api.metrics.revision}."""

from __future__ import annotations

from fiberlb import __version__
from tests.api.metrics.reading import Reading


class RevisionTests(Reading):
    """Figures of the configuration."""

    def test_figures(self) -> None:
        """Revision, generation, problems, reloads, and who tells it."""
        self.assertEqual(self.value("fiberlb_revision"), 0)
        self.assertEqual(self.value("fiberlb_file_generation"), 1)
        self.assertEqual(self.value("fiberlb_problems"), 0)
        self.stage.control.reloads["failed"] += 2
        self.assertEqual(self.value("fiberlb_reloads_total", result="failed"), 2)
        self.assertEqual(self.value("fiberlb_info", version=__version__, node="n1"), 1)
