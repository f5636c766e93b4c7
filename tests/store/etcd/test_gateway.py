"""Tests of L{fiberlb.store.etcd.gateway}: members that are gone, slow or frozen."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.etcd.gateway import PATIENCE, Refusal
from fiberlb.store.interface import Unavailable
from tests.store.etcd.relay import Relay
from tests.store.etcd.stage import EtcdStage
from tests.support.ports import free_port


class MemberTests(SynchronousTestCase):
    """One etcd, over ways of which some are bad."""

    def setUp(self) -> None:
        """A relay before it."""
        self.stage = EtcdStage()
        self.addCleanup(self.stage.end)
        self.relay = Relay(self.stage.reactor, self.stage.etcd.url)
        self.addCleanup(self.relay.stop)

    def test_gone(self) -> None:
        """Where nobody listens the next one is asked, and stays the first."""
        nobody = f"http://127.0.0.1:{free_port()}"
        self.stage.reach((nobody, self.stage.etcd.url))
        store = self.stage.store()
        self.assertEqual(self.stage.wait(store.load())[1], {})
        self.assertEqual(store._gateway.current, 1)

    def test_hangs(self) -> None:
        """One that says nothing is given up after its time."""
        self.stage.reach((self.relay.url, self.stage.etcd.url))
        store = self.stage.store()
        self.relay.deaf = True
        before = self.stage.reactor.seconds()
        self.stage.wait(store.commit({}, {b"a": b"1"}))
        self.assertGreaterEqual(self.stage.reactor.seconds() - before, PATIENCE)
        self.assertEqual(store._gateway.current, 1)

    def test_slow(self) -> None:
        """A slow one is waited for."""
        self.stage.reach((self.relay.url,))
        store = self.stage.store()
        self.relay.delay = 0.3
        at = self.stage.wait(store.commit({}, {b"a": b"1"}))
        self.assertEqual(self.stage.wait(store.load())[1], {b"a": (b"1", at)})

    def test_none(self) -> None:
        """When nobody answers the error says where, and why."""
        nobody = f"http://127.0.0.1:{free_port()}"
        self.stage.reach((nobody,))
        with self.assertRaises(Unavailable) as caught:
            self.stage.wait(self.stage.store().load())
        self.assertIn(f"{nobody}: ", str(caught.exception))
        self.assertIn("refused", str(caught.exception))

    def test_refusal(self) -> None:
        """What an etcd refuses is told as it says it."""
        gateway = self.stage.store()._gateway
        with self.assertRaises(Refusal) as caught:
            self.stage.wait(gateway.ask("kv/range", {}))
        self.assertIn("key is not provided", str(caught.exception))
