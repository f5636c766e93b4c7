"""Tests of C{fiberlb.health.checks.ping}; tests.live.test_health_checks pings."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.failure import CheckFailed
from fiberlb.health.checks.ping import _sum, ping_check
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member


class PingTests(SynchronousTestCase):
    """Without a network."""

    def test_sum(self) -> None:
        """The example of RFC 1071, 3, and what a receiver finds."""
        data = bytes.fromhex("0001f203f4f5f6f7")
        self.assertEqual(_sum(data), 0x220D)
        self.assertEqual(_sum(data + (0x220D).to_bytes(2, "big")), 0)

    def test_socket(self) -> None:
        """There is no machine behind a socket in a file."""
        check = ping_check(MemoryReactorClock())
        done = Deferred.fromCoroutine(check(Member(address="unix:/a"), HealthMonitor()))
        self.assertIn("cannot be pinged", self.failureResultOf(done, CheckFailed).value.reason)
