"""Tests of L{fiberlb.store.etcd.commits}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.interface import Conflict
from tests.store.etcd.stage import EtcdStage


class MovedTests(SynchronousTestCase):
    """Values that a large commit put in their place afterwards."""

    def test_expected(self) -> None:
        """They are expected at the revision of their commit, and changed as any other."""
        stage = EtcdStage()
        self.addCleanup(stage.end)
        store = stage.store()
        at = stage.wait(store.commit({}, {b"%03d" % n: b"x" for n in range(250)}))
        _, entries = stage.wait(store.load())
        self.assertEqual({entry[1] for entry in entries.values()}, {at})
        with self.assertRaises(Conflict) as caught:
            stage.wait(store.commit({b"007": at - 1}, {b"007": b"y"}))
        self.assertEqual(caught.exception.current, {b"007": (b"x", at)})
        later = stage.wait(store.commit({b"007": at, b"008": at}, {b"007": b"y"}))
        with self.assertRaises(Conflict):
            stage.wait(store.commit({b"007": at}, {b"007": b"z"}))
        self.assertEqual(stage.wait(store.load(b"007"))[1], {b"007": (b"y", later)})
