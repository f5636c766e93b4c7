"""Tests of L{fiberlb.health.checks.udp_connect}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.failure import CheckFailed
from fiberlb.health.checks.udp_connect import udp_connect_check
from fiberlb.model.health_monitor import HealthMonitor, IntroducedMonitor
from fiberlb.model.pool import Member
from tests.support.datagrams import datagram_socket, free_udp_port


class UdpConnectTests(SynchronousTestCase):
    """A datagram, and what is said to it."""

    def setUp(self) -> None:
        """A member."""
        self.reactor = MemoryReactorClock()
        self.member = datagram_socket()
        self.addCleanup(self.member.close)

    def check(self, monitor: HealthMonitor | None = None, **fields: Any) -> Deferred[None]:
        """A check that has begun."""
        host, port = self.member.getsockname()[:2]
        member = Member(**{"address": host, "port": port, **fields})
        check = udp_connect_check(self.reactor)
        return Deferred.fromCoroutine(check(member, monitor or HealthMonitor()))

    def readable(self, done: Deferred[None]) -> list[Any]:
        """The reactor finds that something is there, sooner or later; what came of the check."""
        (probe,) = self.reactor.getReaders()
        told: list[Any] = []
        done.addBoth(told.append)
        while not told:
            probe.doRead()
        self.assertEqual(self.reactor.getReaders(), [])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        return told

    def test_silent(self) -> None:
        """Who says nothing for most of the time is there."""
        done = self.check()
        self.assertEqual(self.member.recv(10), b"")
        self.reactor.advance(0.7)
        self.assertNoResult(done)
        self.reactor.advance(0.1)
        self.assertIsNone(self.successResultOf(done))
        self.assertEqual(self.reactor.getReaders(), [])

    def test_answer(self) -> None:
        """Any answer will do."""
        done = self.check()
        _, peer = self.member.recvfrom(10)
        self.member.sendto(b"what?", peer)
        self.assertEqual(self.readable(done), [None])

    def test_refused(self) -> None:
        """Nobody is there."""
        done = self.check(port=free_udp_port())
        (why,) = self.readable(done)
        self.assertEqual(why.value.reason, "connection refused")

    def test_error(self) -> None:
        """The reactor may find the error first."""
        done = self.check(port=free_udp_port())
        (probe,) = self.reactor.getReaders()
        probe.connectionLost(None)
        self.assertEqual(self.failureResultOf(done, CheckFailed).value.reason, "connection refused")
        probe.connectionLost(None)

    def test_no_way(self) -> None:
        """There is no way to where the member is said to be."""
        done = self.check(address="255.255.255.255")
        self.failureResultOf(done, CheckFailed)

    def test_cancelled(self) -> None:
        """Giving up closes the socket."""
        done = self.check()
        done.cancel()
        self.failureResultOf(done)
        self.assertEqual((self.reactor.getReaders(), self.reactor.getDelayedCalls()), ([], []))

    def test_introduced(self) -> None:
        """A member that expects headers gets one about nobody; elsewhere nothing is said."""
        monitor = IntroducedMonitor(preface=b"LOCAL")
        self.check(monitor).addErrback(lambda _: None)
        self.assertEqual(self.member.recv(10), b"LOCAL")
        port = self.member.getsockname()[1]
        self.check(monitor, port=1, monitor_port=port).addErrback(lambda _: None)
        self.assertEqual(self.member.recv(10), b"")
        for reader in self.reactor.getReaders():
            reader.connectionLost(None)

    def test_six(self) -> None:
        """Over IPv6 too."""
        self.member = datagram_socket("::1")
        self.addCleanup(self.member.close)
        host, port, *_ = self.member.getsockname()
        done = self.check(address=host, port=port)
        self.assertEqual(self.member.recv(10), b"")
        self.reactor.advance(1)
        self.successResultOf(done)
