"""Tests of C{fiberlb.health.checks.tcp}."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.failure import CheckFailed
from fiberlb.health.checks.http import http_check
from fiberlb.health.checks.tcp import tcp_check
from fiberlb.model.health_monitor import HealthMonitor, IntroducedMonitor
from fiberlb.model.pool import Member


class TcpCheckTests(SynchronousTestCase):
    """A connection is all it takes."""

    def setUp(self) -> None:
        """Begin one check."""
        self.reactor = MemoryReactorClock()
        member = Member(address="192.0.2.1", port=80)
        self.result = Deferred.fromCoroutine(tcp_check(self.reactor)(member, HealthMonitor()))
        self.factory: Any = self.reactor.tcpClients[0][2]

    def test_accepted(self) -> None:
        """A member that accepts is up; nothing is sent and the connection is closed in order."""
        protocol = self.factory.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        self.assertIsNone(self.successResultOf(self.result))
        self.assertEqual(transport.value(), b"")
        self.assertTrue(transport.disconnecting)

    def test_introduced(self) -> None:
        """Members that expect a header hear of nobody before anything else, in every check."""
        monitor = IntroducedMonitor(preface=b"PROXY UNKNOWN\r\n")
        member = Member(address="192.0.2.1", port=80)
        for number, (make, given, sent) in enumerate(
            (
                (tcp_check, monitor, b"PROXY UNKNOWN\r\n"),
                (http_check, monitor, b"PROXY UNKNOWN\r\nGET / HTTP/1.1\r\n"),
                (tcp_check, attrs.evolve(monitor, port=81), b""),
            ),
            1,
        ):
            Deferred.fromCoroutine(make(self.reactor)(member, given)).addErrback(lambda _: None)
            protocol = self.reactor.tcpClients[number][2].buildProtocol(None)
            transport = StringTransport()
            assert protocol is not None
            protocol.makeConnection(transport)
            self.assertEqual(transport.value()[: len(sent) or None], sent)

    def test_refused(self) -> None:
        """A refusal is told as such."""
        connector = self.reactor.connectors[0]
        self.factory.clientConnectionFailed(connector, Failure(ConnectionRefusedError(111, "x")))
        why = self.failureResultOf(self.result, CheckFailed).value
        self.assertEqual(why.reason, "connection refused")

    def test_cancelled(self) -> None:
        """Giving up ends the attempt to connect."""
        self.result.cancel()
        self.failureResultOf(self.result)
        self.assertTrue(self.reactor.connectors[0].stoppedConnecting)
