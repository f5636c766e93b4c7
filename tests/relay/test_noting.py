"""Tests of L{fiberlb.relay.noting}."""

from __future__ import annotations

from fiberlb.observe.entry import Entry
from fiberlb.relay.noting import row
from fiberlb.relay.tcp import Session
from tests.support.relay_world import PEER, RelayTestCase


class RowTests(RelayTestCase):
    """What is written down of an exchange."""

    def test_phases(self) -> None:
        """Each phase from its beginning; the wait is no part of the connection."""
        world = self.world()
        exchange = Session(world.cell, PEER, 4711)
        now = world.loop.now
        exchange.started, exchange.head_at = now - 10, now - 9
        exchange.queued, exchange.connected_at, exchange.answered_at = 2.0, now - 6, now - 4
        entry = Entry(*row(exchange, "internal"))
        self.assertEqual((entry.client, entry.client_port, entry.reason), (PEER, 4711, "internal"))
        times = (entry.head, entry.queued, entry.connect, entry.response, entry.total)
        self.assertEqual(times, (1, 2, 1, 5, 10))
