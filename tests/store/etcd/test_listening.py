"""Tests of L{fiberlb.store.etcd.listening}: streams that fall silent without an end."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.store.etcd.relay import Relay
from tests.store.etcd.stage import EtcdStage
from tests.store.stage import nothing


class SilentTests(SynchronousTestCase):
    """A watch over a way that swallows what it says, and another way."""

    def test_silent(self) -> None:
        """It is opened anew over the other way, and misses nothing."""
        stage = EtcdStage()
        self.addCleanup(stage.end)
        relay = Relay(stage.reactor, stage.etcd.url)
        self.addCleanup(relay.stop)
        writer = stage.store()
        stage.reach((relay.url, stage.etcd.url))
        store = stage.store()
        told: list[int] = []
        store.watch(0, lambda at, changes: told.append(at), nothing)
        written = [stage.wait(writer.commit({}, {b"a": b"1"}))]
        stage.idle()
        self.assertEqual(store._listening.watches[0].endpoint, 0)
        relay.deaf = True
        written += [stage.wait(writer.commit({}, {b"a": b"%d" % n})) for n in range(3)]
        stage.turn(lambda: store._listening.watches[0].endpoint == 1)
        stage.idle()
        self.assertEqual(told, written)
        relay.deaf = False
