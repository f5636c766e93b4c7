"""Tests of fiberlb.pool_plans; tests.test_snapshot has those of whole snapshots."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Problem
from fiberlb.model.configuration import Configuration
from fiberlb.model.health_monitor import HealthMonitor, IntroducedMonitor, MonitorType
from fiberlb.model.listener import TlsVersion
from fiberlb.model.pool import Pool, PoolProtocol, ProxyVersion
from fiberlb.model.pool_tls import PoolTlsConfig
from fiberlb.pool_plans import MemberTlsPlan, pool_plan
from tests.support.certificates import authority, judge, leaf

JUDGE = attrs.evolve(judge(authority("Pools")), name="ca")
OWN = leaf("own", purpose="client").model()


class TlsTests(SynchronousTestCase):
    """TLS of a pool."""

    def plan(self, *objects: Any, **fields: Any) -> tuple[Any, list[str]]:
        """The plan of a pool with these fields, and the problems."""
        configuration = Configuration(objects={"certificates": {o.id: o for o in objects}})
        problems: list[Problem] = []
        made = pool_plan(configuration, Pool(id="p", name="p", **fields), problems)
        return made, list(map(str, problems))

    def test_defaults(self) -> None:
        """An https pool is verified by the machine's authorities, and checked by https."""
        made, _ = self.plan(protocol=PoolProtocol.HTTPS, health_monitor=HealthMonitor())
        self.assertEqual(made.tls, MemberTlsPlan(None, None, None, TlsVersion.TLS12, False))
        self.assertIs(made.monitor.type, MonitorType.HTTPS)
        self.assertIsNone(self.plan(health_monitor=HealthMonitor())[0].tls)

    def test_datagrams(self) -> None:
        """A udp pool is checked by UDP; a check by TCP has no header."""
        udp: dict[str, Any] = {"protocol": PoolProtocol.UDP, "proxy_protocol": ProxyVersion.V2}
        made, _ = self.plan(**udp, health_monitor=HealthMonitor())
        self.assertIs(made.monitor.type, MonitorType.UDP_CONNECT)
        self.assertEqual(made.monitor.preface[12:14], b"\x20\0")
        made, _ = self.plan(**udp, health_monitor=HealthMonitor(type=MonitorType.TCP))
        self.assertNotIsInstance(made.monitor, IntroducedMonitor)

    def test_certificates(self) -> None:
        """What is referred to is there whole; while it is disabled the pool is refused."""
        tls = PoolTlsConfig(
            server_name="a.test", ca_certificate_id=JUDGE.id, client_certificate_id=OWN.id
        )
        fields = {"protocol": PoolProtocol.HTTPS, "tls_config": tls}
        made, problems = self.plan(JUDGE, OWN, **fields)
        self.assertEqual((made.tls.authorities, made.tls.client, problems), (JUDGE, OWN, []))
        _, problems = self.plan(attrs.evolve(JUDGE, enabled=False), OWN, **fields)
        self.assertEqual(
            problems, ["pools.p.tls_config.ca_certificate_id: certificate 'ca' is disabled"]
        )

    def test_checks_alone(self) -> None:
        """Checks may speak TLS where requests do not."""
        for kind in (MonitorType.HTTPS, MonitorType.TLS_HELLO):
            made, _ = self.plan(protocol=PoolProtocol.TCP, health_monitor=HealthMonitor(type=kind))
            self.assertIsNotNone(made.tls)
