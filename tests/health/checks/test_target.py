"""Tests of C{fiberlb.health.checks.target}."""

from __future__ import annotations

import attrs
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.target import addressee, authority, endpoint, target
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member, ResolvedMember


class TargetTests(SynchronousTestCase):
    """Where a check goes."""

    def test_precedence(self) -> None:
        """The member's monitor_port wins over the monitor's port, which wins over the port."""
        member = Member(address="192.0.2.1", port=80)
        checked = Member(
            address="192.0.2.1", port=80, monitor_address="192.0.2.9", monitor_port=8081
        )
        for one, monitor, expected in (
            (member, HealthMonitor(), ("192.0.2.1", 80)),
            (member, HealthMonitor(port=9000), ("192.0.2.1", 9000)),
            (checked, HealthMonitor(port=9000), ("192.0.2.9", 8081)),
            (checked, HealthMonitor(), ("192.0.2.9", 8081)),
        ):
            self.assertEqual(target(one, monitor), expected)

    def test_name(self) -> None:
        """A member by name is asked at its address, and by its name."""
        named = ResolvedMember(address="192.0.2.1", port=80, host="db.test", of="a")
        self.assertEqual(target(named, HealthMonitor(port=81)), ("192.0.2.1", 81))
        self.assertEqual(addressee(named, HealthMonitor(port=81)), ("db.test", 81))
        elsewhere = attrs.evolve(named, monitor_address="192.0.2.9")
        self.assertEqual(addressee(elsewhere, HealthMonitor()), ("192.0.2.9", 80))
        plain = Member(address="192.0.2.1", port=80)
        self.assertEqual(addressee(plain, HealthMonitor()), ("192.0.2.1", 80))

    def test_authority(self) -> None:
        """The port always stands there; IPv6 has brackets and no zone."""
        self.assertEqual(authority("192.0.2.1", 80), "192.0.2.1:80")
        self.assertEqual(authority("2001:db8::1", 8080), "[2001:db8::1]:8080")
        self.assertEqual(authority("fe80::1%eth0", 80), "[fe80::1]:80")

    def test_endpoint(self) -> None:
        """Both families connect directly, without asking a resolver, longer than the check."""
        for address in ("192.0.2.1", "2001:db8::1"):
            reactor = MemoryReactorClock()
            monitor = HealthMonitor(timeout=1.5)
            place = endpoint(reactor, Member(address=address, port=80), monitor)
            place.connect(Factory.forProtocol(Protocol)).addErrback(lambda _: None)
            host, port, _, timeout, _ = reactor.tcpClients[0]
            self.assertEqual((host, port), (address, 80))
            self.assertGreater(timeout, 1.5)
