"""Tests of L{fiberlb.acme.orders}: several at a time."""

from __future__ import annotations

import attrs

from fiberlb.acme.orders import MOST_ORDERS
from tests.acme.node import ordered
from tests.acme.test_keeping import KeepingCase


class OrdersTests(KeepingCase):
    """Several certificates."""

    def test_bounded(self) -> None:
        """At most so many at the same time."""
        self.authority.verdict = "pending"
        node = self.node(*(ordered(f"c{n}", f"c{n}.test") for n in range(MOST_ORDERS + 2)))
        self.pass_time(5)
        self.assertEqual(len(node.keeping.orders.running()), MOST_ORDERS)

    def test_one_proof_at_a_time(self) -> None:
        """Two certificates with a name in common are ordered one after the other."""
        self.authority.verdict = "pending"
        node = self.node(ordered("one", "a.test", "b.test"), ordered("two", "b.test"))
        self.pass_time(5)
        self.assertEqual(list(node.keeping.orders.running()), ["one"])

    def test_no_listener(self) -> None:
        """Where nothing can be answered, that is what is said."""
        node = self.node()
        node.keeping.settings = attrs.evolve(node.keeping.settings, challenge=None)
        node.control.configure(ordered("a", "a.test"))
        self.pass_time(5)
        self.assertIn("no listener can answer", node.issued.records["a"].last_error)
