"""The tables that all workers map."""

from __future__ import annotations

import os

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.settings import Settings
from fiberlb.workers import tables
from fiberlb.workers.order import Order


class TablesTests(SynchronousTestCase):
    """Where they are."""

    def test_directory(self) -> None:
        """What one worker notes the other one finds, in the state directory."""
        directory = self.mktemp()
        os.mkdir(directory)
        order = attrs.evolve(Order.of(Settings(), directory, ""), slot=1)
        one, other = tables.clients(order), tables.clients(order)
        one.put(b"client", 7, 100)
        self.assertEqual(other.get(b"client", 100, None), 7)
