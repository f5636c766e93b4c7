"""Tests of fiberlb.health.checks.tls; tests.live.test_member_tls has real members."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseNeverReceived
from zope.interface.verify import verifyObject

from fiberlb.health.checks.failure import CheckFailed
from fiberlb.health.checks.http import https_check
from fiberlb.health.checks.table import TLS_CHECKS, open_checks
from fiberlb.health.checks.tls import Secure, tls_hello_check
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.pool import Member
from tests.tls.members import plan, pool_tls

_BY_TLS = {MonitorType.HTTPS, MonitorType.TLS_HELLO, MonitorType.GRPC}
MEMBER = Member(pool_id="p", address="192.0.2.1", port=8443)


class SecureTests(SynchronousTestCase):
    """TLS of a check."""

    def test_connection(self) -> None:
        """It asks for the pool's name; each check has a connection of its own."""
        secure = Secure(pool_tls(plan("a.test")), "192.0.2.1")
        verifyObject(IOpenSSLClientConnectionCreator, secure)
        made: Any = secure.clientConnectionForTLS(None)
        self.assertEqual((made.expected.name, secure.server_name), ("a.test", "a.test"))

    def test_explained(self) -> None:
        """What is wrong with the certificate is known best by who looked at it."""
        secure = Secure(pool_tls(plan("a.test")), "192.0.2.1")
        made: Any = secure.clientConnectionForTLS(None)
        alert = SSL.Error([("SSL routines", "", "tlsv1 alert internal error")])
        wrapped = ResponseNeverReceived([Failure(alert)])
        words = "member refused the TLS connection: alert internal error"
        self.assertEqual(str(secure.explain(wrapped)), words)
        self.assertEqual(str(secure.explain(ConnectionLost())), "connection reset")
        made.expected.failure = "certificate has expired"
        for why in (wrapped, ConnectionLost(), alert):
            self.assertEqual(str(secure.explain(why)), "certificate has expired")

    def test_without_settings(self) -> None:
        """A pool without settings fails its checks, whatever answers there."""
        for make in (https_check, tls_hello_check):
            check = make(MemoryReactorClock(), lambda pool_id: None)
            done = Deferred.fromCoroutine(check(MEMBER, HealthMonitor()))
            self.assertEqual(
                self.failureResultOf(done, CheckFailed).value.reason, "no settings of TLS"
            )

    def test_table(self) -> None:
        """They stand beside the others."""
        self.assertEqual(set(TLS_CHECKS), _BY_TLS)
        self.assertLessEqual(set(TLS_CHECKS), set(open_checks(MemoryReactorClock())))
