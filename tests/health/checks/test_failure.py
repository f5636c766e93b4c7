"""Tests of C{fiberlb.health.checks.failure}."""

from __future__ import annotations

import errno
import os

from twisted.internet.error import (
    ConnectBindError,
    ConnectionAborted,
    ConnectionDone,
    ConnectionLost,
    ConnectionRefusedError,
    getConnectError,
)
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web._newclient import ParseError
from twisted.web.client import RequestTransmissionFailed, ResponseFailed, ResponseNeverReceived

from fiberlb.health.checks.failure import CheckFailed, CheckImpossible, explain


class ExplainTests(SynchronousTestCase):
    """Errors become the few sentences that people and programs read."""

    def check(self, why: Exception, reason: str) -> None:
        """Compare the reason of a failed check."""
        found = explain(why)
        self.assertIsInstance(found, CheckFailed, why)
        self.assertEqual(found.reason, reason)

    def test_connecting(self) -> None:
        """What the kernel says of a connection that could not be made."""
        for number, reason in (
            (errno.ECONNREFUSED, "connection refused"),
            (errno.EHOSTUNREACH, "no route to host"),
            (errno.ENETUNREACH, "no route to host"),
            (errno.ETIMEDOUT, "connection timed out"),
            (errno.EADDRNOTAVAIL, "no local address to connect from"),
            (errno.EINVAL, "cannot connect: invalid argument"),
        ):
            self.check(getConnectError((number, os.strerror(number))), reason)

    def test_own_shortage(self) -> None:
        """What this process lacks is not held against the member."""
        found = explain(ConnectBindError(errno.EMFILE, "Too many open files"))
        self.assertIsInstance(found, CheckImpossible)
        self.assertEqual(found.reason, "too many open files")

    def test_no_such_family(self) -> None:
        """A machine without IPv6 cannot reach such a member, and says on which side it is."""
        why = ConnectBindError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        self.check(why, "cannot connect from here: address family not supported by protocol")

    def test_receiving(self) -> None:
        """How a connection ended tells a crash, an early close and nonsense apart."""
        lost, done = Failure(ConnectionLost()), Failure(ConnectionDone())
        nonsense = Failure(ParseError("x", b"y"))
        for why, reason in (
            (ResponseNeverReceived([lost]), "connection reset"),
            (ResponseNeverReceived([done]), "connection closed without an answer"),
            (ResponseFailed([done]), "connection closed before the end of the answer"),
            (ResponseFailed([Failure(ConnectionAborted())]), "connection reset"),
            (ResponseFailed([nonsense]), "invalid response"),
            (RequestTransmissionFailed([lost]), "connection reset"),
            (ConnectionLost(), "connection reset"),
        ):
            self.check(why, reason)

    def test_own_reasons_stay(self) -> None:
        """A reason once found is not explained again."""
        for why in (CheckFailed("status 503, expected 200"), CheckImpossible("no memory")):
            self.assertIs(explain(why), why)

    def test_unforeseen(self) -> None:
        """Anything else is a failure that names its kind."""
        self.check(ValueError("secret detail"), "check failed (ValueError)")
        self.check(ConnectionRefusedError(), "cannot connect")
