"""Tests of L{fiberlb.acme.orders}: several at a time."""

from __future__ import annotations

import attrs
from twisted.internet.defer import Deferred

from fiberlb.acme.orders import MOST_ORDERS
from fiberlb.model.resource import Owner
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

    def test_changed_at_the_end(self) -> None:
        """Other names, while what was issued is being put in force: they are ordered after it."""
        node = self.node()
        slow: list[Deferred[None]] = []

        def refresh_material() -> Deferred[None]:
            slow.append(Deferred())
            return slow[-1]

        node.control.refresh_material = refresh_material  # type: ignore[method-assign]
        node.control.configure(ordered("a", "a.test"))
        self.pass_time(10)
        self.assertEqual(len(slow), 1)
        node.control.configure(ordered("a", "a.test", "b.test"))
        self.pass_time(10)
        slow[0].callback(None)
        self.pass_time(10)
        self.assertEqual(len(slow), 2)
        slow[1].callback(None)
        self.pass_time(10)
        issue = node.issued.records["a"].issue
        assert issue is not None
        self.assertEqual(node.keeping.orders.running(), {})

    def test_gone_at_the_end(self) -> None:
        """The same of a certificate that is not wanted any more: it is forgotten."""
        node = self.node()
        slow: Deferred[None] = Deferred()
        node.control.refresh_material = lambda: slow  # type: ignore[method-assign]
        node.control.configure(ordered("a", "a.test"), owner=Owner.API)
        self.pass_time(10)
        node.control.configure()
        self.pass_time(10)
        slow.callback(None)
        self.pass_time(10)
        self.assertEqual(node.keeping.orders.running(), {})
        self.assertEqual(node.issued.records, {})
