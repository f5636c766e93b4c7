"""The registry of collections."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.rest.tables import ALIASES, HOME, TOP, WITHIN
from fiberlb.model.configuration import COLLECTIONS


class TableTests(SynchronousTestCase):
    """Every collection has a place."""

    def test_complete(self) -> None:
        """Each collection of the model has an address that its objects live at."""
        self.assertEqual(set(HOME), set(COLLECTIONS))

    def test_parents(self) -> None:
        """A table within another one is of a collection whose parent is that one's."""
        for (parent, _), table in WITHIN.items():
            found = COLLECTIONS[table.collection].PARENT
            assert found is not None and parent is not None
            self.assertEqual(found[1], TOP[parent].collection)

    def test_aliases(self) -> None:
        """Other spellings are of tables at the top."""
        self.assertLessEqual(set(ALIASES.values()), set(TOP))
