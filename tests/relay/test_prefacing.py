"""Tests of fiberlb.relay.prefacing."""

from __future__ import annotations

import errno
import socket

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.prefacing import say_first


class SayFirstTests(SynchronousTestCase):
    """What a connection begins with."""

    def test_said(self) -> None:
        """It is sent whole, or the reason why not is told."""
        near, far = socket.socketpair()
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        near.setblocking(False)
        self.assertEqual(say_first(near, b"PROXY"), 0)
        self.assertEqual(far.recv(10), b"PROXY")
        self.assertEqual(say_first(near, b"x" * (1 << 24)), errno.ENOBUFS)
        far.close()
        self.assertEqual(say_first(near, b"PROXY"), errno.EPIPE)
