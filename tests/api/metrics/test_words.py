"""Tests of L{fiberlb.api.metrics.words}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.metrics.words import words
from fiberlb.model.pool import Pool


class WordTests(SynchronousTestCase):
    """What objects are called."""

    def test_unique(self) -> None:
        """By name where that is clear, by id where it is not."""
        pools = [Pool(id=i, name=n) for i, n in (("1", "a"), ("2", "b"), ("3", "b"), ("4", ""))]
        self.assertEqual(words(pools), {"1": "a", "2": "2", "3": "3", "4": "4"})
