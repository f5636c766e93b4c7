"""The contract over L{fiberlb.store.memory}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.engine import Kept
from tests.store.contract import cases
from tests.store.stage import MemoryStage


def _stage(test: SynchronousTestCase, kept: Kept) -> MemoryStage:
    return MemoryStage(kept)


globals().update(cases(__name__, _stage))
