"""Who guesses."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.access.attempts import ADDRESSES, MOST, SPAN, Attempts, network
from fiberlb.model.access import digest


class AttemptsTests(SynchronousTestCase):
    """Failures of an address."""

    def setUp(self) -> None:
        """Nobody has tried yet."""
        self.clock = Clock()
        self.attempts = Attempts(self.clock.seconds)

    def test_guesser(self) -> None:
        """Many different tokens: nothing is looked at until its time is over."""
        for number in range(MOST):
            self.assertEqual(self.attempts.wait("192.0.2.1"), 0.0)
            self.attempts.failed("192.0.2.1", digest(str(number)))
        self.assertEqual(self.attempts.wait("192.0.2.1"), SPAN)
        self.assertEqual(self.attempts.wait("192.0.2.2"), 0.0)
        self.clock.advance(SPAN)
        self.assertEqual(self.attempts.wait("192.0.2.1"), 0.0)

    def test_stale_client(self) -> None:
        """One wrong token again and again locks nobody else out, and is told to wait."""
        waits = [self.attempts.failed("192.0.2.1", digest("x")) for _ in range(MOST + 1)]
        self.assertEqual(waits[:MOST], [0.0] * MOST)
        self.assertEqual(waits[-1], SPAN)
        self.assertEqual(self.attempts.wait("192.0.2.1"), 0.0)

    def test_bounded(self) -> None:
        """The memory of addresses has an end."""
        for number in range(ADDRESSES + 10):
            self.attempts.failed(f"client {number}", digest("x"))
        self.assertEqual(len(self.attempts._failures), ADDRESSES)

    def test_networks(self) -> None:
        """Whoever has an IPv6 address has many."""
        self.assertEqual(network("2001:db8::1"), network("2001:db8::ffff"))
        self.assertNotEqual(network("2001:db8::1"), network("2001:db8:0:1::1"))
        self.assertEqual(network("::ffff:192.0.2.1"), "192.0.2.1")
        self.assertEqual(network("a local client"), "a local client")
