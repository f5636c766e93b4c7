"""Tests of L{fiberlb.api.metrics.listeners}."""

from __future__ import annotations

from fiberlb.api.metrics.listeners import DROPPED
from tests.api.metrics.reading import Reading


class ListenerTests(Reading):
    """Figures of listeners."""

    def test_figures(self) -> None:
        """Gauges, totals, answers by class, and reasons."""
        names = {"listener": "web"}
        self.assertEqual(self.value("fiberlb_listener_connections", **names), 3)
        self.assertEqual(self.value("fiberlb_listener_requests_total", **names), 7)
        self.assertEqual(self.value("fiberlb_listener_sent_bytes_total", **names), 11)
        answers = {**names, "class": "2xx"}
        self.assertEqual(self.value("fiberlb_listener_answers_total", **answers), 6)
        self.assertEqual(self.value("fiberlb_reasons_total", reason="no_route"), 1)
        quoted = 'a "quoted" name'
        self.assertEqual(self.value("fiberlb_listener_accepted_total", listener=quoted), 5)

    def test_datagrams(self) -> None:
        """Listeners of datagrams tell of these, the others do not."""
        received = self.samples()["fiberlb_listener_received_datagrams_total"]
        self.assertEqual(received, {frozenset({("listener", "dns")}): 0})
        dropped = self.samples()["fiberlb_listener_dropped_datagrams_total"]
        self.assertEqual(len(dropped), len(DROPPED))

    def test_limit(self) -> None:
        """Only a listener with a limit has that figure."""
        limits = self.samples()["fiberlb_listener_limit"]
        self.assertEqual(limits, {frozenset({("listener", "web")}): 9})
