"""Tests of L{fiberlb.store.etcd.leases}: what the contract cannot make happen."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.store.etcd.stage import EtcdStage


class DeadTests(SynchronousTestCase):
    """A leader whose process is gone."""

    def test_runs_out(self) -> None:
        """Its key goes away with its lease, by the time of the etcd."""
        stage = EtcdStage()
        self.addCleanup(stage.end)
        dead, store = stage.store(), stage.store()
        first = dead.lead("acme", "dead", 2.0)
        stage.turn(lambda: first.leading)
        stage.stores.remove(dead)
        told: list[object] = []
        store.watch(0, lambda at, changes: told.extend(changes), lambda: None)

        def gone() -> bool:
            stage.clock.advance(0)
            return (b"leader/acme", None) in told

        stage.turn(gone)
        self.assertEqual(told, [(b"leader/acme", b"dead"), (b"leader/acme", None)])
