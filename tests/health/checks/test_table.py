"""Tests of C{fiberlb.health.checks.table}."""

from __future__ import annotations

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.table import CHECKS, TLS_CHECKS, open_checks
from fiberlb.model.health_monitor import MonitorType


class TableTests(SynchronousTestCase):
    """Every kind that a configuration may ask for is there."""

    def test_complete(self) -> None:
        """The table has each kind of the model."""
        self.assertEqual({*CHECKS, *TLS_CHECKS}, set(MonitorType))

    def test_open(self) -> None:
        """Opening makes one check of each kind and starts nothing."""
        reactor = MemoryReactorClock()
        self.assertEqual(set(open_checks(reactor)), set(MonitorType))
        self.assertEqual((reactor.tcpClients, reactor.getDelayedCalls()), ([], []))
