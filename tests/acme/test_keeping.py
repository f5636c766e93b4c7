"""Tests of L{fiberlb.acme.keeping} and L{fiberlb.acme.orders}, the authority in memory."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme import keeping, orders
from fiberlb.acme.documents import CERTIFICATES, certificate_key, decode_record, encode_record
from fiberlb.acme.issued import Record
from fiberlb.acme.schedule import wanted
from fiberlb.model.acme import AcmeSettings
from fiberlb.model.resource import Owner
from fiberlb.store.memory import MemoryStore
from tests.acme.authority import Refusing, StageAuthority
from tests.acme.node import NOW, SETTINGS, StageNode, ordered
from tests.control.stage import keyring

A = ordered("a", "a.test")


class KeepingCase(SynchronousTestCase):
    """Nodes that share a store and an authority."""

    def setUp(self) -> None:
        """The store."""
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.authority = StageAuthority()

    def node(self, *certificates: Any, name: str = "n1", owner: Owner = Owner.FILE) -> StageNode:
        """A node that has begun."""
        node = StageNode(self.store, self.clock, name)

        async def client(settings: AcmeSettings) -> Any:
            return self.authority

        node.keeping.orders.client = client  # type: ignore[method-assign]
        node.control.configure(*certificates, owner=owner)
        self.done(node.keeping.load())
        node.keeping.begin(node.control)
        self.addCleanup(lambda: self.done(node.keeping.stop()))
        return node

    def done(self, work: Coroutine[Deferred[Any], Any, Any]) -> Any:
        """The result of what needs no time but turns."""
        waiting = Deferred.fromCoroutine(work)
        self.pass_time(0.01)
        return self.successResultOf(waiting)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, in small steps."""
        self.clock.pump([seconds / 40] * 40)

    def stored(self, ident: str) -> Record | None:
        """A record in the store."""
        _, entries = self.done(self.store.load(CERTIFICATES))
        key = certificate_key(ident)
        return decode_record(key, entries[key][0], keyring()) if key in entries else None

    def leaders(self) -> int:
        """How many lead."""
        return len(self.done(self.store.load(b"leader/"))[1])


class KeepingTests(KeepingCase):
    """When what is ordered."""

    def test_issued(self) -> None:
        """Ordered, in force, stored; the leadership is handed back; then nothing is asked."""
        node = self.node(A)
        self.pass_time(10)
        record = self.stored("a")
        assert record is not None and record.issue is not None
        self.assertEqual(node.issued.records["a"], record)
        self.assertEqual((record.failures, record.unfinished), (0, 0))
        self.assertGreater(node.control.refreshed, 0)
        self.assertEqual(self.leaders(), 0)
        count = len(self.authority.posts)
        self.pass_time(7200)
        self.assertEqual(len(self.authority.posts), count)

    def test_renewed(self) -> None:
        """A month before its end it is ordered again."""
        node = self.node(A)
        self.pass_time(10)
        issue = node.issued.records["a"].issue
        assert issue is not None
        # The authority signs by today's date; the node's clock is what counts here.
        first = attrs.evolve(issue, not_before=NOW, not_after=NOW + 90 * 86400)
        node.issued.records["a"] = attrs.evolve(node.issued.records["a"], issue=first)
        count = self.authority.posts.count("newOrder")
        self.clock.pump([3600.0] * 24 * 59)
        self.assertEqual(self.authority.posts.count("newOrder"), count)
        self.clock.pump([3600.0] * 48)
        self.assertGreater(self.authority.posts.count("newOrder"), count)

    def test_failed(self) -> None:
        """After a failure it waits as long as the authority wants, over restarts too."""
        self.authority = Refusing()
        node = self.node(A)
        self.pass_time(10)
        record = node.issued.records["a"]
        self.assertEqual(record.last_error, "rateLimited: too many")
        self.assertEqual(round(record.next_try), NOW + 600)
        self.assertEqual(node.issued.state("a", NOW), "failed")
        self.assertEqual(self.stored("a"), record)
        self.done(node.keeping.stop())
        self.authority = StageAuthority()
        self.node(A)
        self.pass_time(300)
        self.assertEqual(self.authority.posts, [])
        self.pass_time(400)
        self.assertIn("newOrder", self.authority.posts)

    def test_changed(self) -> None:
        """Other names do not wait for the end of a failure's pause."""
        self.authority = Refusing()
        node = self.node(A)
        self.pass_time(10)
        self.authority = StageAuthority()
        node.control.configure(ordered("a", "b.test"))
        self.pass_time(15)
        record = self.stored("a")
        assert record is not None and record.issue is not None
        self.assertEqual(record.issue.domains, ("b.test",))

    def test_given_up(self) -> None:
        """An order that is not wanted any more ends; nothing stays up, and no failure counts."""
        self.authority.verdict = "pending"
        node = self.node(A)
        self.pass_time(5)
        self.assertTrue(node.up)
        node.control.configure()
        self.pass_time(5)
        self.assertFalse(node.up)
        self.assertFalse(node.keeping.orders.running())
        self.assertEqual(self.leaders(), 0)

    def test_disabled(self) -> None:
        """What is switched off is not ordered."""
        self.node(ordered("a", "a.test", enabled=False))
        self.pass_time(5)
        self.assertEqual(self.authority.posts, [])

    def test_deleted(self) -> None:
        """With a certificate of the store its key goes; one of a file may come back."""
        node = self.node(A, owner=Owner.API)
        self.pass_time(10)
        node.control.configure()
        self.pass_time(5)
        self.assertIsNone(self.stored("a"))
        self.assertNotIn("a", node.issued.records)
        node.control.configure(A)
        self.pass_time(10)
        node.control.configure()
        self.pass_time(5)
        self.assertIsNotNone(self.stored("a"))

    def test_unfinished(self) -> None:
        """An order that a process was ended in is begun again, not at once."""
        record = Record(wanted=wanted(("a.test",), SETTINGS), unfinished=2)
        key = certificate_key("a")
        self.done(self.store.commit({}, {key: encode_record(key, record, keyring())}))
        self.node(A)
        self.pass_time(15)
        self.assertEqual(self.authority.posts, [])
        self.pass_time(20)
        self.assertIn("newOrder", self.authority.posts)

    def test_ended(self) -> None:
        """What nobody configures and nobody could use is thrown away at the start."""
        key = certificate_key("x")
        self.done(self.store.commit({}, {key: encode_record(key, Record(), keyring())}))
        self.node()
        self.pass_time(1)
        self.assertIsNone(self.stored("x"))

    def test_two_nodes(self) -> None:
        """One of two orders, both serve."""
        nodes = [self.node(A, name=name) for name in ("n1", "n2")]
        self.pass_time(60)
        self.assertEqual(self.authority.posts.count("newOrder"), 1)
        first, second = (node.issued.records["a"] for node in nodes)
        self.assertEqual(first, second)
        self.assertTrue(all(node.control.refreshed for node in nodes))

    def test_keep(self) -> None:
        """What a node makes has its own name among the leaders."""
        self.assertLess(keeping.LEASE, 60)
        self.assertGreater(orders.MOST_ORDERS, 1)
