"""Tests of fiberlb.tls.direct: the same as pyOpenSSL's own connection, call by call."""

from __future__ import annotations

import socket

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.tls.chain import install
from fiberlb.tls.direct import DIRECT, Connection
from fiberlb.tls.material import inspect
from tests.support.certificates import leaf

KINDS = (Connection, SSL.Connection)


def ends(kind: type[SSL.Connection]) -> tuple[SSL.Connection, SSL.Connection, socket.socket]:
    """A server of this kind and its client, and the client's socket; nothing was said yet."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    install(context, inspect(leaf("a.test").model()))
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.setblocking(False)
    server = kind(context, ours)
    server.set_accept_state()
    client = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD), theirs)
    client.set_connect_state()
    return server, client, theirs


def shaken(kind: type[SSL.Connection]) -> tuple[SSL.Connection, SSL.Connection, socket.socket]:
    """The same after the handshake."""
    server, client, sock = ends(kind)
    for _ in range(4):
        for end in (client, server):
            try:
                end.do_handshake()
            except SSL.WantReadError:
                pass
    return server, client, sock


class DirectTests(SynchronousTestCase):
    """What each call gives, and how it fails."""

    def test_there(self) -> None:
        """The pyOpenSSL that is installed has what is needed."""
        self.assertTrue(DIRECT)

    def test_octets(self) -> None:
        """Bytes arrive, of whatever type they are; none are sent where none are given."""
        for kind in KINDS:
            server, client, _ = shaken(kind)
            client.send(b"question")
            self.assertEqual(server.recv(4), b"ques")
            self.assertEqual(server.recv(100), b"tion")
            for data in (b"one", memoryview(b"two"), bytearray(b"six")):
                self.assertEqual(server.send(data), 3)
                self.assertEqual(client.recv(100), bytes(data))

    def test_nothing_there(self) -> None:
        """What is not there is waited for."""
        for kind in KINDS:
            server, _, _ = ends(kind)
            self.assertRaises(SSL.WantReadError, server.do_handshake)
            server, _, _ = shaken(kind)
            self.assertRaises(SSL.WantReadError, server.recv, 100)

    def test_no_room(self) -> None:
        """What finds no room is waited for, and sent again."""
        for kind in KINDS:
            server, client, _ = shaken(kind)
            data = b"x" * 16000
            sent = 0
            while sent < 1 << 24:
                try:
                    sent += server.send(data)
                except SSL.WantWriteError:
                    break
            while sent:
                sent -= len(client.recv(16384))
            self.assertEqual(server.send(data), len(data))

    def test_ended(self) -> None:
        """A goodbye, and an end without one."""
        for kind in KINDS:
            server, client, _ = shaken(kind)
            client.shutdown()
            self.assertRaises(SSL.ZeroReturnError, server.recv, 100)
            server, _, sock = shaken(kind)
            sock.shutdown(socket.SHUT_WR)
            why = self.assertRaises(SSL.SysCallError, server.recv, 100)
            self.assertEqual(why.args[0], -1)
            sock.close()
            self.assertRaises(SSL.Error, server.send, b"x")

    def test_refused(self) -> None:
        """Something that is no TLS, with OpenSSL's own words."""
        for kind in KINDS:
            server, _, sock = ends(kind)
            sock.send(b"GET / HTTP/1.1\r\n\r\n")
            why = self.assertRaises(SSL.Error, server.do_handshake)
            self.assertEqual(why.args[0][0][-1], "http request")
