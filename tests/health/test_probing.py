"""Tests of fiberlb.health.probing."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.failure import CheckFailed, CheckImpossible
from fiberlb.health.monitor import HealthService
from fiberlb.health.probing import Probe, monitor_for, probe, steps
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.pool import Member, Pool, PoolProtocol
from tests.health.scripted import MONITOR, LogLines, ScriptedChecks, member, plan, snapshot


class StepTests(SynchronousTestCase):
    """What leads to a check."""

    def test_steps(self) -> None:
        """A connection, then TLS, then what the monitor asks."""
        tcp, tls, http = MonitorType.TCP, MonitorType.TLS_HELLO, MonitorType.HTTP
        for kind, encrypted, expected in (
            (http, False, [tcp, http]),
            (MonitorType.HTTPS, True, [tcp, tls, MonitorType.HTTPS]),
            (tls, True, [tcp, tls]),
            (tcp, False, [tcp]),
            (MonitorType.PING, False, [MonitorType.PING]),
            (MonitorType.UDP_CONNECT, False, [MonitorType.UDP_CONNECT]),
        ):
            self.assertEqual(steps(kind, encrypted), expected)

    def test_no_monitor(self) -> None:
        """Where nothing is checked, a connection is tried."""
        self.assertEqual(monitor_for(Pool(), None).type, MonitorType.TCP)
        udp = Pool(protocol=PoolProtocol.UDP)
        self.assertEqual(monitor_for(udp, None).type, MonitorType.UDP_CONNECT)
        self.assertIs(monitor_for(Pool(), MONITOR), MONITOR)


class ProbeTests(SynchronousTestCase):
    """Phases, one after the other."""

    def setUp(self) -> None:
        """A member that takes half a second for everything."""
        self.clock = Clock()
        self.asked: list[str] = []
        self.fails: dict[str, Exception] = {}

    def check(self, name: str) -> Any:
        """A check that takes a while."""

        async def asked(member: Member, monitor: HealthMonitor) -> None:
            self.asked.append(name)
            waited: Deferred[None] = Deferred()
            self.clock.callLater(0.5, waited.callback, None)
            await waited
            if name in self.fails:
                raise self.fails[name]

        return asked

    def probe(self, seconds: float = 3.0) -> Probe:
        """What comes of it."""
        checks = {kind: self.check(kind.value) for kind in MonitorType}
        monitor = attrs.evolve(MONITOR, type=MonitorType.HTTPS, timeout=seconds)
        done = Deferred.fromCoroutine(probe(checks, self.clock, member("a"), monitor, True))
        self.clock.pump([0.25] * 12)
        return self.successResultOf(done)

    def test_passed(self) -> None:
        """Each phase has its time."""
        found = self.probe()
        self.assertTrue(found.passed)
        self.assertEqual((found.address, found.port, found.type), ("192.0.2.1", 80, "https"))
        self.assertEqual([one.name for one in found.phases], ["connect", "tls", "https"])
        self.assertEqual([one.seconds for one in found.phases], [0.5] * 3)

    def test_failed(self) -> None:
        """The first phase that fails is the last one, with its reason."""
        for why, said in (
            (CheckFailed("its certificate is odd"), "its certificate is odd"),
            (CheckImpossible("too many open files"), "too many open files"),
            (KeyError("x"), "check failed (KeyError)"),
        ):
            self.asked.clear()
            self.fails["tls_hello"] = why
            found = self.probe()
            self.assertFalse(found.passed)
            self.assertEqual([one.reason for one in found.phases], ["", said])
            self.assertEqual(self.asked, ["tcp", "tls_hello"])

    def test_timeout(self) -> None:
        """A phase may take as long as the monitor's timeout."""
        found = self.probe(0.25)
        self.assertEqual([one.reason for one in found.phases], ["timeout after 250ms"])


class ServiceTests(SynchronousTestCase):
    """Members of the snapshot in force."""

    def test_member(self) -> None:
        """A member is asked whatever its state; nothing that it does counts."""
        clock, reports = Clock(), []
        checks = ScriptedChecks(clock)
        service = HealthService(
            clock,
            checks.table,
            lambda: 0.5,
            lambda ident, usable: reports.append((ident, usable)),
            LogLines().log,
        )
        self.addCleanup(service.stop)
        service.apply(snapshot(plan(member("a"), monitor=None)))
        reports.clear()
        checks.results["a"] = "it is odd"
        found = self.successResultOf(Deferred.fromCoroutine(service.probe("a")))
        assert found is not None
        self.assertEqual([one.reason for one in found.phases], ["it is odd"])
        self.assertEqual(reports, [])
        self.assertIsNone(self.successResultOf(Deferred.fromCoroutine(service.probe("b"))))
