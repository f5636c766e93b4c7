"""The contract over L{fiberlb.store.etcd.store}, and a real etcd."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.engine import Kept
from tests.store.contract import SUBJECTS, cases
from tests.store.etcd.stage import EtcdStage


def _stage(test: SynchronousTestCase, kept: Kept) -> EtcdStage:
    return EtcdStage(kept)


globals().update(cases(__name__, _stage, SUBJECTS))
