"""Tests of which segments the records of fiberlb.relay.tls_connection and .tls_stream leave in."""

from __future__ import annotations

import socket
import ssl
from typing import Any

from OpenSSL import SSL

from fiberlb.tls.openssl import set_groups
from tests.relay.test_tls_connection import BOTH, HandshakeCase
from tests.relay.tls_client import RecordingSide, TlsPair

#: Written down by a socket whose output has been ended.
ENDED = -1


class Corked:
    """
    A socket that writes down when its segments are held back, and let go.

    @ivar said: the values, in order.
    """

    def __init__(self, sock: Any) -> None:
        self.said: list[int] = []
        self._sock = sock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """Note it."""
        assert (level, option) == (socket.IPPROTO_TCP, socket.TCP_CORK)
        self.said.append(value)

    def shutdown(self, how: int) -> None:
        """Note it, and do it."""
        self.said.append(ENDED)
        self._sock.shutdown(how)


class TicketTests(HandshakeCase):
    """The tickets of TLS 1.3, which OpenSSL writes one by one."""

    def corked(self, *arguments: Any) -> tuple[TlsPair, Corked]:
        """A connection before its handshake, and its socket."""
        one = self.pair(*arguments)
        one.conn.sock = sock = Corked(one.conn.sock)
        return one, sock

    def test_together(self) -> None:
        """They are held back and let go at once; in TLS 1.2 nothing is, the client waits for it."""
        for context, expected in zip(BOTH, ([], [1, 0]), strict=True):
            one, sock = self.corked("a.test", context)
            one.handshake().say(b"x")
            self.assertEqual(sock.said, expected)

    def test_flight(self) -> None:
        """What the client waits for is never held back, though its hello comes in pieces."""
        one, sock = self.corked("a.test", BOTH[1])
        self.assertRaises(ssl.SSLWantReadError, one.tls.do_handshake)
        hello = one.outgoing.read()
        for piece in (hello[:50], hello[50:100]):
            one.raw.send(piece)
            one.loop.settle()
            self.assertEqual(sock.said, [])
        one.raw.send(hello[100:])
        one.loop.settle()
        self.assertEqual(sock.said, [1])

    def test_asked_again(self) -> None:
        """Nor after a hello that guessed the wrong group, and has to be sent anew."""
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self.assertTrue(set_groups(context, b"P-521:X25519"))
        other = SSL.Connection(context, None)
        other.set_tlsext_host_name(b"a.test")
        other.set_connect_state()
        one, sock = self.corked("a.test", BOTH[1])
        for held in ([], [1], [1, 0]):
            try:
                other.do_handshake()
            except SSL.WantReadError:
                pass
            one.raw.send(other.bio_read(65536))
            one.loop.settle()
            self.assertEqual(sock.said, held)
            other.bio_write(one.raw.recv(65536))
        self.assertEqual(one.side.heard, ["connected"])

    def asked(self) -> tuple[TlsPair, Corked]:
        """A connection whose client has finished the handshake and asked in one go."""
        one, sock = self.corked("a.test", BOTH[1])
        self.assertRaises(ssl.SSLWantReadError, one.tls.do_handshake)
        one.turn(1)
        one.tls.do_handshake()
        one.tls.write(b"request")
        one.turn(1)
        self.assertEqual(one.side.data, b"request")
        return one, sock

    def test_with_the_answer(self) -> None:
        """A request that is there already has them wait for its answer, and for no more."""
        one, sock = self.asked()
        self.assertEqual(sock.said, [1])
        one.conn.write(b"answer")
        self.assertEqual(sock.said, [1, 0])
        one.conn.write(b"more")
        self.assertEqual(sock.said, [1, 0])
        self.assertEqual(one.hear(), b"answermore")

    def test_with_the_end(self) -> None:
        """Where the answer is the last thing said, the goodbye and the end come along."""
        one, sock = self.asked()
        one.conn.write(b"answer", True)
        one.conn.close()
        one.turn()
        self.assertEqual(sock.said, [1, ENDED])
        self.assertEqual(one.hear(), b"answer")

    def test_gone_at_once(self) -> None:
        """A client that has left as soon as it was let in, with and without a goodbye."""
        for goodbye in (True, False):
            one, sock = self.corked("a.test", BOTH[1])
            self.assertRaises(ssl.SSLWantReadError, one.tls.do_handshake)
            one.turn(1)
            one.tls.do_handshake()
            if goodbye:
                self.assertRaises(ssl.SSLWantReadError, one.tls.unwrap)
            one.push()
            one.raw.shutdown(socket.SHUT_WR)
            one.loop.settle()
            self.assertEqual(one.side.heard, ["connected", "ended"])
            self.assertEqual(sock.said, [1, 0])

    def test_refused(self) -> None:
        """A side that ends the connection when it is told of it is not asked to read."""
        one, _ = self.corked("a.test", BOTH[1])
        one.side.connected = one.conn.close  # type: ignore[method-assign]
        self.assertRaises(ssl.SSLWantReadError, one.tls.do_handshake)
        one.turn(1)
        one.tls.do_handshake()
        one.tls.write(b"request")
        one.turn(1)
        self.assertEqual((one.side.data, one.conn.closed), (b"", True))

    def test_much(self) -> None:
        """More than a record that is there already is read to its end."""
        one, _ = self.corked("a.test", BOTH[1])
        self.assertRaises(ssl.SSLWantReadError, one.tls.do_handshake)
        one.turn(1)
        one.tls.do_handshake()
        one.tls.write(b"x" * 20000)
        one.turn(2)
        self.assertEqual(one.side.data, b"x" * 20000)


class LastTests(HandshakeCase):
    """The last bytes of a connection that has been open for a while."""

    def test_last(self) -> None:
        """They are held back until the end, which is at once."""
        for context in BOTH:
            one = self.pair("a.test", context)
            one.handshake().say(b"x")
            one.conn.sock = sock = Corked(one.conn.sock)
            one.conn.write(b"first")
            self.assertEqual(sock.said, [])
            one.conn.write(b"last", True)
            one.conn.end_output()
            self.assertEqual(sock.said, [1, ENDED])
            self.assertEqual(one.hear(), b"firstlast")

    def test_pushed(self) -> None:
        """Closing pushes it out first: with input unread, the system would drop what it holds."""
        for context in BOTH:
            one = self.pair("a.test", context)
            one.handshake().say(b"x")
            one.conn.sock = sock = Corked(one.conn.sock)
            one.conn.write(b"last", True)
            one.conn.close()
            self.assertEqual(sock.said, [1, ENDED])
            self.assertEqual(one.hear(), b"last")


class AtOnceTests(HandshakeCase):
    """Connections that have just been accepted."""

    def test_begun(self) -> None:
        """A client that has begun is answered before the loop is asked, and watched then."""
        for context in BOTH:
            one = self.pair("a.test", context, began=True)
            one.pull()
            self.assertNotEqual(one.incoming.pending, 0)
            self.assertEqual(len(list(one.loop.wheel)), 1)
            one.handshake().say(b"x")
            self.assertEqual(one.side.data, b"x")

    def test_not_begun(self) -> None:
        """One that has not is waited for, so long and no longer."""
        one = self.pair("a.test")
        self.assertFalse(one.conn.closed)
        one.loop.advance(11.0)
        self.assertEqual(one.side.heard, ["refused"])

    def test_gone(self) -> None:
        """One that has gone already is refused at once."""
        one = self.pair(gone=True)
        self.assertEqual(one.side.heard, ["refused"])
        self.assertTrue(one.conn.closed)
        self.assertEqual(one.loop.faults, 0)

    def test_later(self) -> None:
        """When there is too much to do, nobody is looked at before the loop's turn."""
        one = self.pair("a.test", BOTH[1], began=True, at_once=False)
        one.pull()
        self.assertEqual(one.incoming.pending, 0)
        one.handshake().say(b"x")
        self.assertEqual(one.side.data, b"x")

    def test_our_fault(self) -> None:
        """An exception of ours ends that connection alone."""

        def broken(*ignored: Any) -> None:
            raise ValueError

        self.patch(RecordingSide, "refused", broken)
        one = self.pair(gone=True)
        self.assertEqual((one.loop.faults, one.conn.closed), (1, True))
