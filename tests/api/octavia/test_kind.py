"""What a resource is made of."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.octavia.lifecycle import TOP, WITHIN
from fiberlb.model.pool import Pool


class KindTests(SynchronousTestCase):
    """All of them."""

    def test_table(self) -> None:
        """Each has its own word; ids are those of objects, unless told otherwise."""
        kinds = [*TOP.values(), *WITHIN.values()]
        self.assertEqual(len({kind.path for kind in kinds}), len(kinds))
        self.assertEqual(TOP["pools"].ident(Pool(id="i", name="n")), "i")
