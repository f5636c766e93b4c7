"""Tests of L{fiberlb.store.etcd.watching}: an etcd that is killed, and compacted meanwhile."""

from __future__ import annotations

import base64

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.interface import Unavailable, UnknownOutcome
from tests.store.etcd.stage import EtcdStage
from tests.support.etcd import one


class RestartTests(SynchronousTestCase):
    """One etcd of its own, with a node at it."""

    def setUp(self) -> None:
        """A watch from the beginning."""
        self.etcd = one()
        self.addCleanup(self.etcd.stop)
        self.stage = EtcdStage(etcd=self.etcd)
        self.addCleanup(self.stage.end)
        self.store = self.stage.store()
        self.told: list[object] = []
        self.store.watch(0, lambda at, changes: self.told.append(at), self.reset)

    def reset(self) -> None:
        """The past is gone."""
        self.told.append("reset")

    def commit(self, value: bytes) -> int:
        """Write, and wait."""
        return self.stage.wait(self.store.commit({}, {b"a": value}))

    def test_kill(self) -> None:
        """Killed and started again: everything acknowledged is there, and told once."""
        written = [self.commit(b"%d" % number) for number in range(20)]
        self.stage.idle()
        self.etcd.kill()
        self.assertRaises((Unavailable, UnknownOutcome), self.commit, b"lost")
        self.assertRaises(Unavailable, lambda: self.stage.wait(self.store.load()))
        self.assertFalse(self.stage.wait(self.store.health()).usable)
        self.etcd.start().wait()
        written += [self.commit(b"%d" % number) for number in range(20, 40)]
        self.assertEqual(self.stage.wait(self.store.load())[1], {b"a": (b"39", written[-1])})
        self.stage.idle()
        self.assertEqual(self.told, written)

    def test_compacted(self) -> None:
        """What was compacted while a node heard nothing is a reset."""
        self.commit(b"1")
        self.stage.idle()
        watch = self.store._listening.watches[0]
        watch._leave()
        for number in range(5):
            self.commit(b"%d" % number)
        self.stage.kept = type(self.stage.kept)(revisions=2)
        self.stage.forget()
        watch._open()
        self.stage.idle()
        self.assertEqual(self.told[1:], ["reset"])

    def test_others(self) -> None:
        """What others keep in the same etcd is none of ours."""
        name = base64.b64encode(b"/elsewhere/entries/a").decode()
        self.etcd.ask("kv/put", {"key": name})
        at = self.commit(b"1")
        self.etcd.ask("kv/put", {"key": name})
        later = self.commit(b"2")
        self.stage.idle()
        self.assertEqual(self.told, [at, later])
        self.assertEqual(len(self.stage.wait(self.store.load())[1]), 1)
