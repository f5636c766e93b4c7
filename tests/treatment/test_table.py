"""The table of features."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.treated import TREATMENTS
from fiberlb.treatment.table import FEATURES


class TableTests(SynchronousTestCase):
    """Keys and what they do."""

    def test_complete(self) -> None:
        """Each key that the model takes does something, and nothing else is there."""
        self.assertEqual(set(FEATURES), set(TREATMENTS))
