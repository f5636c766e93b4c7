"""Tests of L{fiberlb.store.etcd.writer}: transactions whose answers get lost."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.interface import Unavailable, UnknownOutcome
from tests.store.etcd.relay import Relay
from tests.store.etcd.stage import EtcdStage


class LostTests(SynchronousTestCase):
    """A store whose way to the etcd breaks at the worst moments."""

    def setUp(self) -> None:
        """A store behind a relay, and one that sees what is there."""
        self.stage = EtcdStage()
        self.addCleanup(self.stage.end)
        self.relay = Relay(self.stage.reactor, self.stage.etcd.url)
        self.addCleanup(self.relay.stop)
        self.other = self.stage.store()
        self.stage.reach((self.relay.url,))
        self.store = self.stage.store()
        self.told: list[int] = []
        self.store.watch(0, lambda at, changes: self.told.append(at), lambda: None)

    def test_done(self) -> None:
        """A commit that was done and not answered is found done, and done once."""
        first = self.stage.wait(self.store.commit({b"a": 0}, {b"a": b"1"}))
        lost: list[bytes] = []

        def cut(data: bytes) -> bool:
            if b"kv/txn" in data and not lost:
                lost.append(data)
                return True
            return False

        self.relay.cut = cut
        second = self.stage.wait(self.store.commit({b"a": first}, {b"a": b"2"}))
        self.assertEqual(len(lost), 1)
        self.assertEqual(self.stage.wait(self.other.load())[1], {b"a": (b"2", second)})
        self.stage.idle()
        self.assertEqual(self.told, [first, second])

    def test_not_done(self) -> None:
        """One that never arrived is done at the next attempt."""
        first = self.stage.wait(self.store.commit({b"a": 0}, {b"a": b"1"}))
        self.relay.target, target = 1, self.relay.target
        for connection in self.relay.connections:
            connection.transport.abortConnection()  # type: ignore[union-attr]
        self.stage.reactor.callLater(0.1, setattr, self.relay, "target", target)
        at = self.stage.wait(self.store.commit({b"a": first}, {b"a": b"2"}))
        self.assertEqual(self.stage.wait(self.other.load())[1], {b"a": (b"2", at)})

    def test_unknown(self) -> None:
        """When nothing is heard any more, that is what is said; later all is well."""
        first = self.stage.wait(self.store.commit({}, {b"a": b"1"}))
        self.relay.deaf = True
        with self.assertRaises(UnknownOutcome):
            self.stage.wait(self.store.commit({}, {b"a": b"2"}))
        self.relay.deaf = False
        third = self.stage.wait(self.store.commit({}, {b"b": b"3"}))
        _, entries = self.stage.wait(self.other.load())
        self.assertEqual(entries[b"b"], (b"3", third))
        self.assertIn(entries[b"a"][0], (b"1", b"2"))
        self.assertLess(first, third)

    def test_refused(self) -> None:
        """Where nobody listens nothing was done."""
        self.relay.target = 1
        with self.assertRaises(Unavailable):
            self.stage.wait(self.stage.nowhere().commit({}, {b"a": b"1"}))
