"""Tests of L{fiberlb.api.metrics.page}."""

from __future__ import annotations

from fiberlb.api.metrics.page import STEP, page
from tests.api.metrics.reading import Reading


class PageTests(Reading):
    """A page of many samples."""

    FILE = f"pools: [{{name: p, members: {[f'127.0.0.1:{n}' for n in range(1, STEP + 5)]}}}]\n"

    def test_many(self) -> None:
        """What is written in several steps reads like one."""
        self.assertEqual(len(self.samples()["fiberlb_member_up"]), STEP + 4)
        steps = list(page(self.stage.control))
        self.assertGreater(len(steps), 20)
        text = steps[-1]
        assert text is not None
        self.assertEqual(text.count("# TYPE fiberlb_member_up "), 1)
