"""Tests of L{fiberlb.workers.counting}."""

from __future__ import annotations

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import REASONS
from fiberlb.model.configuration import Configuration
from fiberlb.model.listener import ListenerProtocol
from fiberlb.model.mirror import MirrorSettings
from fiberlb.model.pool import Pool
from fiberlb.relay.datagram_figures import Datagrams
from fiberlb.relay.states import Load
from fiberlb.workers.counting import (
    Counting,
    copies_name,
    counted,
    listener_rows,
    load_rows,
    reason_rows,
)
from fiberlb.workers.pages import BEAT, Page, make_page
from tests.workers.test_slots import listening


class Listener:
    """What L{fiberlb.relay.runtime.Cell} says of itself."""

    def figures(self) -> dict[str, int]:
        """Half of what L{CountingTests.test_sums} expects of two workers."""
        answers = {"none": 4, "1xx": 5, "2xx": 6, "3xx": 7, "4xx": 8, "5xx": 10}
        return {
            "connections": 1,
            "accepted": 2,
            "requests": 3,
            **{f"answers_{kind}": count for kind, count in answers.items()},
            "sent": 11,
            "received": 12,
        }


class DatagramListener(Listener):
    """What that of a udp listener says beside."""

    def figures(self) -> dict[str, int]:
        """Any numbers."""
        counted = Datagrams()
        counted.received, counted.sent = 7, 6
        counted.drops["limit"] = 4
        return {**super().figures(), **counted.figures()}


class CountingTests(SynchronousTestCase):
    """Two workers' pages."""

    def setUp(self) -> None:
        """A listener with places in both."""
        self.pages = [Page(make_page()) for _ in range(2)]
        for page in self.pages:
            self.addCleanup(page.close)
        self.counting = Counting(lambda: self.pages)
        self.names = counted(listening(a=80))
        self.places = self.counting.assign(self.names, 1, 1)

    def write(self, page: Page) -> None:
        """What a worker writes."""
        for name, figures in (*listener_rows("a", Listener()), *reason_rows({"no_route": 2})):
            page.write(self.places[name], figures)
        page.write(BEAT, (1000, 0, 1500, 3))

    def test_load(self) -> None:
        """How many workers are too slow, and how slow the slowest one is."""
        for page, lag in zip(self.pages, (0.25, 1.5), strict=True):
            for name, figures in load_rows(Load(1, int(lag > 1), 2, lag)):
                page.write(self.places[name], figures)
        self.assertEqual(self.counting.load(), Load(2, 1, 4, 1.5))
        self.counting.keep(self.pages.pop())
        self.assertEqual(self.counting.load(), Load(1, 0, 4, 0.25))
        self.assertEqual(Counting(list).load(), Load(0, 0, 0, 0.0))

    def test_sums(self) -> None:
        """Every figure has its name back, the sums never go down when a worker ends."""
        for page in self.pages:
            self.write(page)
        expected = {
            "connections": 2,
            "accepted": 4,
            "requests": 6,
            "answers_none": 8,
            "answers_1xx": 10,
            "answers_2xx": 12,
            "answers_3xx": 14,
            "answers_4xx": 16,
            "answers_5xx": 20,
            "sent": 22,
            "received": 24,
        }
        self.assertEqual(self.counting.listener("a"), expected)
        self.counting.keep(self.pages.pop())
        self.assertEqual(self.counting.listener("a"), {**expected, "connections": 1})
        self.assertEqual(self.counting.reasons(), {"no_route": 4})
        self.assertEqual(self.counting.processes(), (3.0, 6))

    def test_datagrams(self) -> None:
        """Listeners of datagrams have places of their own for these."""
        made = listening(a=53)
        plan = made.listeners["a"]
        udp = attrs.evolve(plan.listener, protocol=ListenerProtocol.UDP)
        listeners = {"a": attrs.evolve(plan, listener=udp)}
        names = counted(attrs.evolve(made, listeners=listeners))
        places = self.counting.assign(names, 2, 2)
        told = DatagramListener()
        for name, figures in listener_rows("a", told):
            self.pages[0].write(places[name], figures)
        self.assertEqual(self.counting.listener("a"), told.figures())

    def test_reasons(self) -> None:
        """Each reason code has a place."""
        rows = dict(reason_rows(dict.fromkeys(REASONS, 1)))
        self.assertEqual(sum(map(sum, rows.values())), len(REASONS))
        self.assertTrue(set(rows) <= set(self.names))

    def test_gone(self) -> None:
        """What is no longer configured is forgotten."""
        self.write(self.pages[0])
        self.counting.keep(self.pages.pop(0))
        self.counting.assign(counted(listening(b=80)), 2, 2)
        self.assertEqual(self.counting.listener("a")["requests"], 0)

    def test_copies(self) -> None:
        """Copies for a pool have a place where somebody mirrors to it, and are totals."""
        objects = {"pools": {"a": Pool(id="a", mirror=MirrorSettings(pool_id="m"))}}
        snapshot = attrs.evolve(listening(a=80), configuration=Configuration(objects=objects))
        names = counted(snapshot)
        self.assertIn(copies_name("m"), names)
        places = self.counting.assign(names, 2, 1)
        for page in self.pages:
            page.write(places[copies_name("m")], (1, 2, 3, 0))
        self.counting.keep(self.pages.pop())
        found = self.counting.pool("m")
        self.assertEqual([found[f"copies_{w}"] for w in ("sent", "dropped", "failed")], [2, 4, 6])
