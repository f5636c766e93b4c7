"""Tests of fiberlb.relay.tls_connection: real handshakes over a socket pair."""

from __future__ import annotations

import errno
import socket
import ssl
import sys
from functools import partial
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.listener import TlsVersion
from fiberlb.relay.connection import NEVER
from fiberlb.relay.lingering import PATIENCE
from fiberlb.relay.loop import READ
from tests.relay.tls_client import RecordingSide, TlsPair
from tests.support.certificates import leaf
from tests.tls.asking import asking, client, person
from tests.tls.handshake import V12, V13, alert, change, client_context, slot

A, B = leaf("a.test"), leaf("b.test")
BOTH = tuple(client_context(version, version, ("http/1.1",)) for version in (V12, V13))


class HandshakeCase(SynchronousTestCase):
    """Nothing is told to the standard error, whatever clients do."""

    def setUp(self) -> None:
        """Record what would go there."""
        self.slot = slot(A, others=(B,))
        self.unhandled: list[Any] = []
        self.patch(sys, "excepthook", lambda *what: self.unhandled.append(what))

    def tearDown(self) -> None:
        """Nothing came."""
        self.assertEqual(self.unhandled, [])

    def pair(self, *arguments: Any, **settings: Any) -> TlsPair:
        """A connection before its handshake."""
        made = TlsPair(self.slot, *arguments, **settings)
        self.addCleanup(made.close)
        return made

    def refused(self, one: TlsPair, code: int) -> None:
        """The side heard of the failure, once, and the socket is closed."""
        self.assertEqual(one.side.heard, ["refused"])
        self.assertEqual(one.side.errno, code)
        self.assertTrue(one.conn.closed)
        self.assertNotEqual(one.conn.failure, "")
        self.assertEqual(one.conn.sock.fileno(), -1)
        # Others are served as before.
        self.pair("a.test").handshake().say(b"x")


class ConnectedTests(HandshakeCase):
    """Handshakes that succeed."""

    def test_changed_before_it_began(self) -> None:
        """A client that goes along with the versions of before and after a change is let in."""
        change(self.slot, A, min_version=TlsVersion.TLS13)
        one = self.pair("a.test")
        change(self.slot, A, max_version=TlsVersion.TLS12)
        self.assertEqual(one.handshake().conn.version, "TLSv1.2")

    def test_connected(self) -> None:
        """The side is told once, and can ask for name, version, suite and protocol."""
        for context, version in zip(BOTH, ("TLSv1.2", "TLSv1.3"), strict=True):
            one = self.pair("B.Test.", context).handshake()
            self.assertEqual(one.side.heard, ["connected"])
            self.assertEqual(one.conn.sni, b"b.test")
            self.assertEqual(one.conn.version, version)
            self.assertEqual(one.conn.protocol, b"http/1.1")
            self.assertIn("AES", one.conn.cipher)
            self.assertEqual((one.conn.connecting, one.conn.deadline), (False, NEVER))
            self.assertEqual(one.conn.events, READ)

    def test_no_name(self) -> None:
        """No name and no protocol are none."""
        one = self.pair().handshake()
        self.assertIsNone(one.conn.sni)
        self.assertEqual(one.conn.protocol, b"")

    def test_side_replaced(self) -> None:
        """The side that is told may put another one in its place."""
        one = self.pair()
        other = RecordingSide()

        def connected() -> None:
            one.conn.side = other

        one.side.connected = connected  # type: ignore[method-assign]
        one.handshake().say(b"hello")
        self.assertEqual((other.data, one.side.heard), (b"hello", []))

    def test_single_bytes(self) -> None:
        """A client that sends byte by byte is served like any other."""
        for context in BOTH:
            one = self.pair("a.test", context)
            for _ in range(4):
                try:
                    one.tls.do_handshake()
                except ssl.SSLWantReadError:
                    pass
                for byte in one.outgoing.read():
                    one.raw.send(bytes([byte]))
                    one.loop.settle()
                one.pull()
            self.assertEqual(one.side.heard, ["connected"])
            one.say(b"x")
            self.assertEqual(one.side.data, b"x")

    def test_request_with_the_last_flight(self) -> None:
        """What comes in the same segment as the end of the handshake is not forgotten."""
        one = self.pair("a.test", BOTH[1])
        self.assertRaises(ssl.SSLWantReadError, one.tls.do_handshake)
        one.turn(1)
        one.tls.do_handshake()
        one.tls.write(b"request")
        one.turn(1)
        self.assertEqual(one.side.heard, ["connected", "received"])

    def test_full_socket(self) -> None:
        """A handshake whose flight finds no room goes on when there is some."""
        chain = leaf("a.test", kind="rsa")
        made = slot(chain)
        one = TlsPair(made)
        self.addCleanup(one.close)
        # Fill the way to the client.
        fill = 0
        try:
            while True:
                fill += one.conn.sock.send(b"\0" * 4096)
        except BlockingIOError:
            pass
        self.assertRaises(ssl.SSLWantReadError, one.tls.do_handshake)
        one.push()
        self.assertLess(one.loop.settle(), 3)
        self.assertEqual(one.side.heard, [])
        while fill:
            fill -= len(one.raw.recv(fill))
        one.handshake()
        self.assertEqual(one.side.heard, ["connected"])

    def test_swap_meanwhile(self) -> None:
        """Certificates change while connections are anywhere; all of them go on."""
        fresh, half, done = self.pair(), self.pair(), self.pair().handshake()
        self.assertRaises(ssl.SSLWantReadError, half.tls.do_handshake)
        half.turn(1)
        change(self.slot, B)
        done.say(b"still")
        self.assertEqual(done.side.data, b"still")
        for one, expected in ((fresh, B), (half, A)):
            der = one.handshake().tls.getpeercert(binary_form=True)
            self.assertEqual(der, ssl.PEM_cert_to_DER_cert(expected.pem))


class RefusedTests(HandshakeCase):
    """Handshakes that fail."""

    def test_too_slow(self) -> None:
        """The limit counts from the start, whatever trickles in."""
        one = self.pair()
        self.assertRaises(ssl.SSLWantReadError, one.tls.do_handshake)
        hello = one.outgoing.read()
        for second in range(9):
            one.raw.send(hello[second : second + 1])
            one.loop.settle()
            one.loop.advance(1)
        self.assertEqual(one.side.heard, [])
        one.loop.advance(2)
        one.loop.settle()
        self.refused(one, errno.ETIMEDOUT)

    def test_silent(self) -> None:
        """A client that says nothing is closed in time too; without a limit it is not."""
        one, patient = self.pair(), self.pair(limit=None)
        for each in (one, patient):
            each.loop.advance(11)
            each.loop.settle()
        self.refused(one, errno.ETIMEDOUT)
        self.assertEqual(patient.side.heard, [])

    def test_in_time(self) -> None:
        """The limit is gone with the handshake."""
        one = self.pair().handshake()
        one.loop.advance(1000)
        self.assertEqual(one.side.heard, ["connected"])

    def test_plain_http(self) -> None:
        """Plain HTTP gets an answer in plain HTTP, and the end."""
        for request in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"POST / HTTP/1.0\r\n", b"GET /"):
            one = self.pair()
            one.raw.send(request)
            one.loop.settle()
            one.raw.setblocking(True)
            answer = b"".join(iter(partial(one.raw.recv, 4096), b""))
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 Bad Request\r\n"), answer)
            self.assertTrue(answer.endswith(b"HTTPS.\n"))
            self.refused(one, errno.EPROTO)

    def test_garbage(self) -> None:
        """Anything else that is not TLS is closed."""
        for junk in (b"\0" * 100, b"SSH-2.0-x\r\n", b"\x80\x2e\x01\x00\x02" + b"\0" * 50):
            one = self.pair()
            one.raw.send(junk)
            one.loop.settle()
            self.refused(one, errno.EPROTO)

    def test_gone(self) -> None:
        """A client that leaves, before or within its hello, is no more than that."""
        for begun in (b"", b"\x16\x03\x01\x02\x00\x01"):
            one = self.pair()
            one.raw.send(begun)
            one.raw.shutdown(socket.SHUT_WR)
            one.loop.settle()
            self.refused(one, errno.ECONNRESET)
            one = self.pair()
            one.raw.send(begun)
            one.loop.settle()
            one.raw.close()
            one.loop.settle()
            self.assertEqual(one.side.heard, ["refused"])

    def test_alert(self) -> None:
        """The client is told why, by an alert."""
        change(self.slot, A, min_version=TlsVersion.TLS13, strict=True)
        for name, context, expected in (
            ("a.test", BOTH[0], "PROTOCOL_VERSION"),
            ("x.test", BOTH[1], "UNRECOGNIZED_NAME"),
        ):
            one = self.pair(name, context)
            why = self.assertRaises(ssl.SSLError, one.handshake)
            self.assertEqual(alert(why), expected)
            self.assertEqual(one.side.heard, ["refused"])
            self.assertEqual(one.side.errno, errno.EPROTO)

    def test_distrust(self) -> None:
        """A client that does not trust the certificate is a failed handshake."""
        context = ssl.create_default_context()
        context.maximum_version = V12
        one = self.pair("a.test", context)
        self.assertRaises(ssl.SSLCertVerificationError, one.handshake)
        one.turn()
        self.refused(one, errno.EPROTO)
        self.assertIn("alert", one.conn.failure)

    def test_our_fault(self) -> None:
        """An exception of ours within the handshake is told as a refusal."""
        one = self.pair()
        one.conn.broken()
        one.loop.settle()
        self.refused(one, errno.ECONNRESET)

    def test_closed_meanwhile(self) -> None:
        """Closing during the handshake is silent."""
        for way in ("close", "abort", "reset"):
            one = self.pair()
            getattr(one.conn, way)()
            one.loop.settle()
            self.assertEqual((one.side.heard, one.conn.closed), ([], True))


class ClientTests(HandshakeCase):
    """Clients that are asked for certificates."""

    def setUp(self) -> None:
        """Everyone is asked."""
        super().setUp()
        change(self.slot, A, client=asking())

    def test_shown(self) -> None:
        """The certificate is there to be asked for; of who is not asked there is none."""
        for version in (V12, V13):
            one = self.pair("a.test", client(version, person("alice"))).handshake()
            self.assertEqual(one.side.heard, ["connected"])
            shown = one.conn.shown
            assert shown is not None
            self.assertEqual(shown.fields, {b"cn": [b"alice"]})
        change(self.slot, A)
        self.assertIsNone(self.pair("a.test", client(V13, person())).handshake().conn.shown)

    def begun(self) -> TlsPair:
        """A client without a certificate that has sent its request along."""
        one = self.pair("a.test", client(V13))
        self.assertRaises(ssl.SSLWantReadError, one.tls.do_handshake)
        one.turn(1)
        one.tls.do_handshake()
        one.tls.write(b"request")
        one.push()
        one.loop.settle()
        self.assertEqual(one.side.heard, ["refused"])
        return one

    def test_alert_arrives(self) -> None:
        """The client reads why, though it went on sending; then the connection ends."""
        one = self.begun()
        self.assertFalse(one.conn.closed)
        one.tls.write(b"more")
        one.turn()
        why = self.assertRaises(ssl.SSLError, one.tls.read, 1)
        self.assertEqual(alert(why), "CERTIFICATE_REQUIRED")
        one.raw.close()
        one.loop.settle()
        self.assertTrue(one.conn.closed)
        self.assertEqual((one.conn.sock.fileno(), one.side.heard), (-1, ["refused"]))

    def test_no_patience(self) -> None:
        """A client that never ends is not waited for, nor one that the process breaks off."""
        one, other = self.begun(), self.begun()
        one.loop.advance(PATIENCE + 1)
        one.loop.settle()
        other.conn.break_off()
        other.loop.settle()
        for each in (one, other):
            self.assertTrue(each.conn.closed)
            self.assertEqual(each.conn.sock.fileno(), -1)
            self.assertEqual(each.side.heard, ["refused"])

    def test_refused_afterwards(self) -> None:
        """A session that brings no certificate is a failed handshake."""
        change(self.slot, A, others=(B,), client=asking(names=("b.test",)))
        first = self.pair("a.test", client(V13)).handshake()
        first.say(b"x")
        first.conn.write(b"y")
        first.turn()
        first.hear()
        again = self.pair("b.test", client(V13), session=first.tls.session)
        again.handshake()
        self.assertTrue(again.tls.session_reused)
        self.assertEqual(again.side.heard, ["refused"])
        self.assertIn("no certificate", again.conn.failure)
