"""Tests of L{fiberlb.world}."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.world import World


class WorldTests(SynchronousTestCase):
    """What is given, and what need not be."""

    def test_defaults(self) -> None:
        """Nothing of the machine is taken unasked: neither clock nor chance nor a reactor."""
        needed = {one.name for one in attrs.fields(World) if one.default is attrs.NOTHING}
        for name in ("reactor", "wall", "monotonic", "random", "random_bytes", "environment"):
            self.assertIn(name, needed)
