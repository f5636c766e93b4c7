"""Tests of L{fiberlb.relay.datagram_figures}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.metrics.listeners import DROPPED
from fiberlb.relay.datagram_figures import DROPS, Datagrams
from fiberlb.workers.counting import OF_DATAGRAMS


class DatagramsTests(SynchronousTestCase):
    """What is counted."""

    def test_figures(self) -> None:
        """All of it has a name, which workers and metrics know."""
        counted = Datagrams()
        counted.received, counted.sent = 3, 2
        counted.drops["limit"] += 1
        found = counted.figures()
        self.assertEqual((found["datagrams_received"], found["datagrams_sent"]), (3, 2))
        self.assertEqual((found["dropped_limit"], found["dropped_denied"]), (1, 0))
        self.assertEqual(set(found), {name for row in OF_DATAGRAMS for name in row})
        self.assertEqual(DROPS, DROPPED)
