"""Tests of L{fiberlb.acme.schedule}."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.issued import Record
from fiberlb.acme.schedule import due, kinds, pause, renewal, unfinished_pause, wanted
from fiberlb.model.acme import AcmeSettings, ChallengeKind
from fiberlb.model.configuration import DEFAULT_LOAD_BALANCER, Configuration
from fiberlb.model.listener import Listener, ListenerProtocol, TlsConfig
from tests.acme.test_issued import issue

DAY = 86400.0
SETTINGS = AcmeSettings(directory="https://ca.test/dir")
DOMAINS = ("a.test",)
HTTP, TLS = ChallengeKind.HTTP_01, ChallengeKind.TLS_ALPN_01


class DueTests(SynchronousTestCase):
    """When the next order begins."""

    def test_renewal(self) -> None:
        """Thirty days before the end; of a short one with a third of its life left."""
        self.assertEqual(renewal(issue(end=90 * DAY), 30 * DAY), 60 * DAY)
        self.assertEqual(renewal(issue(end=6 * DAY), 30 * DAY), 4 * DAY)
        self.assertEqual(renewal(issue(end=90 * DAY), 10 * DAY), 80 * DAY)

    def test_due(self) -> None:
        """At once without a fitting one; when it is to be renewed; not before the next attempt."""
        mine = wanted(DOMAINS, SETTINGS)
        self.assertEqual(due(Record(), DOMAINS, SETTINGS), 0.0)
        good = Record(issue=issue("a.test"), wanted=mine)
        self.assertEqual(due(good, DOMAINS, SETTINGS), 60 * DAY)
        self.assertEqual(due(good, ("a.test", "b.test"), SETTINGS), 0.0)
        other = attrs.evolve(SETTINGS, directory="https://other.test/dir")
        self.assertEqual(due(good, DOMAINS, other), 0.0)
        failed = Record(wanted=mine, failures=1, next_try=7.0)
        self.assertEqual(due(failed, DOMAINS, SETTINGS), 7.0)
        self.assertEqual(due(failed, ("b.test",), SETTINGS), 0.0)

    def test_pause(self) -> None:
        """Twice as long each time, up to six hours, spread; never below what was asked for."""
        self.assertEqual([pause(n, 0, lambda: 0.5) for n in (1, 2, 3)], [60.0, 120.0, 240.0])
        self.assertEqual(pause(40, 0, lambda: 0.5), 6 * 3600.0)
        self.assertEqual(pause(1, 0, lambda: 0.0), 45.0)
        self.assertEqual(pause(1, 0, lambda: 1.0), 75.0)
        self.assertEqual(pause(1, 3600.0, lambda: 1.0), 3600.0)

    def test_unfinished(self) -> None:
        """A crash in an order is not held against it; many are."""
        self.assertEqual([unfinished_pause(n) for n in (1, 2, 3)], [5.0, 20.0, 80.0])
        self.assertEqual(unfinished_pause(99), 6 * 3600.0)


def listening(**ports: tuple[int, bool]) -> Configuration:
    """Listeners: name -> port, and whether TLS ends there."""
    balancer = DEFAULT_LOAD_BALANCER
    made = {}
    for name, (port, secure) in ports.items():
        more: dict[str, Any] = {"protocol": ListenerProtocol.HTTP}
        if secure:
            tls = TlsConfig(certificate_id=("x",))
            more = {"protocol": ListenerProtocol.HTTPS, "tls_config": tls}
        made[name] = Listener(id=name, port=port, loadbalancer_id=balancer.id, **more)
    return Configuration(objects={"load_balancers": {balancer.id: balancer}, "listeners": made})


class KindTests(SynchronousTestCase):
    """By which challenge."""

    def test_kinds(self) -> None:
        """HTTP where there is port 80, else TLS, else what there is; nothing without listeners."""
        for ports, expected in (
            ({"a": (80, False)}, [HTTP]),
            ({"a": (80, False), "b": (443, True)}, [HTTP, TLS]),
            ({"a": (8080, False), "b": (443, True)}, [TLS, HTTP]),
            ({"a": (8080, False)}, [HTTP]),
            ({"b": (8443, True)}, [TLS]),
            ({}, []),
        ):
            self.assertEqual(kinds(listening(**ports), SETTINGS, 0), expected, ports)

    def test_turns(self) -> None:
        """After a failure the other one, where the authority can come to both ports."""
        both = listening(a=(80, False), b=(443, True))
        self.assertEqual([kinds(both, SETTINGS, n)[0] for n in range(3)], [HTTP, TLS, HTTP])
        odd = listening(a=(80, False), b=(8443, True))
        self.assertEqual(kinds(odd, SETTINGS, 1)[0], HTTP)

    def test_said(self) -> None:
        """What the configuration says is what is done."""
        settings = attrs.evolve(SETTINGS, challenge=TLS)
        self.assertEqual(kinds(listening(a=(80, False)), settings, 0), [TLS])
