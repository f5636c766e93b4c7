"""Tests of fiberlb.tls.openssl."""

from __future__ import annotations

import ssl
import sys
from typing import Any

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.tls import openssl
from fiberlb.tls.contexts import GROUPS
from tests.tls.handshake import Pair, alert, slot


class Bare:
    """A pyOpenSSL without its inner parts."""


class CallbackTests(SynchronousTestCase):
    """L{openssl.set_servername_callback}."""

    def setUp(self) -> None:
        """Record what would go to the standard error."""
        self.unhandled: list[Any] = []
        self.patch(sys, "excepthook", lambda *what: self.unhandled.append(what))

    def alert_of(self, answer: int, inner: Any) -> str:
        """The alert that a client gets; empty when it is served."""
        made = slot()
        table = made.table
        assert table is not None and table.default is not None
        leaf, base = table.default, SSL.Context(SSL.TLS_SERVER_METHOD)

        def choose(connection: SSL.Connection) -> int:
            connection.set_context(leaf)
            return answer

        openssl.set_servername_callback(base, choose, inner)
        pair = Pair(made)
        pair.server = SSL.Connection(base, None)
        pair.server.set_accept_state()
        try:
            pair.handshake()
        except ssl.SSLError as why:
            return alert(why)
        return ""

    def test_inner(self) -> None:
        """The client gets the alert asked for, and nothing is told elsewhere."""
        self.assertEqual(self.alert_of(0, SSL), "")
        self.assertEqual(self.alert_of(openssl.UNRECOGNIZED_NAME, SSL), "UNRECOGNIZED_NAME")
        self.assertEqual(self.alert_of(openssl.INTERNAL_ERROR, SSL), "INTERNAL_ERROR")
        self.assertEqual(self.unhandled, [])

    def test_public(self) -> None:
        """Without the inner parts handshakes are served and refused all the same."""
        self.assertEqual(self.alert_of(0, Bare), "")
        self.assertEqual(self.alert_of(openssl.INTERNAL_ERROR, Bare), "UNRECOGNIZED_NAME")
        self.assertEqual(len(self.unhandled), 1)


class ErrorQueueTests(SynchronousTestCase):
    """L{openssl.clear_errors}."""

    def test_nothing_left(self) -> None:
        """A failed handshake's errors are not taken for the next connection's."""
        made = slot()
        waiting = made.connection(None)
        failed = made.connection(None)
        failed.bio_write(b"GET / HTTP/1.1\r\n\r\n")
        self.assertRaises(SSL.Error, failed.do_handshake)
        openssl.clear_errors()
        self.assertRaises(SSL.WantReadError, waiting.do_handshake)


class GroupTests(SynchronousTestCase):
    """L{openssl.set_groups}."""

    def test_said(self) -> None:
        """What is known is taken, and what is not leaves the library's own and no error behind."""
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self.assertTrue(openssl.set_groups(context, b"?no-such-group:X25519:P-256"))
        self.assertFalse(openssl.set_groups(context, b"no-such-group"))
        SSL.Connection(context, None).set_accept_state()
        self.assertTrue(openssl.set_groups(context, GROUPS))


class FinishedTests(SynchronousTestCase):
    """L{openssl.finished_sent}."""

    def test_steps(self) -> None:
        """It is so once the first flight of TLS 1.3 is out, and not before."""
        pair = Pair(slot())
        self.assertFalse(openssl.finished_sent(pair.server))
        self.assertRaises(ssl.SSLWantReadError, pair.client.do_handshake)
        pair.move()
        self.assertRaises(SSL.WantReadError, pair.server.do_handshake)
        self.assertTrue(openssl.finished_sent(pair.server))
        self.assertEqual(pair.server.get_finished() is not None, True)
