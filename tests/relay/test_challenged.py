"""Tests of L{fiberlb.relay.challenged}."""

from __future__ import annotations

import socket
import ssl
from functools import partial
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.challenge import challenge_certificate
from fiberlb.model.challenges import HTTP_PREFIX, Challenges
from fiberlb.relay.challenged import ChallengedConnection
from fiberlb.tls.challenge import ChallengeContexts
from tests.relay.tls_client import RecordingSide, StepLoop
from tests.support.certificates import leaf
from tests.support.relay_world import RelayTestCase, World, answer, ask
from tests.tls.handshake import client_context, slot

TOKEN = HTTP_PREFIX + "token-1"


def hello(name: str | None, *protocols: str) -> bytes:
    """What Python's C{ssl} sends first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    if protocols:
        context.set_alpn_protocols(list(protocols))
    sent = ssl.MemoryBIO()
    client = context.wrap_bio(ssl.MemoryBIO(), sent, server_hostname=name)
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return sent.read()


class HttpTests(RelayTestCase):
    """Challenges on a listener without TLS."""

    def up(self, world: World, challenges: Challenges) -> None:
        """Put challenges up."""
        world.wait(world.plane.challenge(challenges))

    def test_answered(self) -> None:
        """The token's path is answered with the proof; HEAD gets its head alone."""
        world = self.world()
        self.up(world, Challenges({TOKEN: b"token-1.proof"}))
        client = world.client(ask(target=TOKEN.encode()))
        self.assertTrue(client.received.startswith(b"HTTP/1.1 200 OK\r\n"), client.received)
        self.assertTrue(client.received.endswith(b"\r\n\r\ntoken-1.proof"))
        client = world.client(ask(target=TOKEN.encode(), method=b"HEAD"))
        self.assertTrue(client.received.endswith(b"Content-Length: 13\r\n\r\n"))
        self.assertEqual([m for m in world.members if m.links], [])

    def test_others(self) -> None:
        """All else goes its way: other tokens, other methods, other paths."""
        for request in (
            ask(target=HTTP_PREFIX.encode() + b"token-2"),
            ask(target=TOKEN.encode() + b"/x"),
            ask(target=TOKEN.encode(), method=b"DELETE"),
            ask(),
        ):
            world = self.world()
            self.up(world, Challenges({TOKEN: b"x"}))
            client, member = self.start(world, request)
            member.send(answer())
            self.assertTrue(client.received.endswith(b"hi"))

    def test_down(self) -> None:
        """Afterwards the plan is a plain one; a change meanwhile keeps challenges up."""
        world = self.world()
        cell = world.acceptors[0].cell
        plain = cell.plan.decide
        self.up(world, Challenges({TOKEN: b"x"}))
        world.apply(*world.objects())
        self.assertIsNone(cell.plan.only)
        self.assertTrue(world.client(ask(target=TOKEN.encode())).received.endswith(b"x"))
        self.up(world, Challenges())
        self.assertIsNotNone(cell.plan.only)
        self.assertEqual(cell.plan.decide, plain)


class TlsTests(SynchronousTestCase):
    """Challenges on a listener with TLS."""

    def setUp(self) -> None:
        """A connection before its handshake, its client's socket beside."""
        self.loop = StepLoop()
        contexts = ChallengeContexts({"a.test": challenge_certificate("a.test", "proof")})
        # Real ones: others have no mark below which nothing is reported.
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.far = socket.create_connection(server.getsockname())
            near, _ = server.accept()
        near.setblocking(False)
        side: Any = RecordingSide()
        self.side = side
        self.left = 0
        side.leave = self.leave
        secure = slot(leaf("a.test")).connection(near)
        make = partial(ChallengedConnection, contexts)
        loop: Any = self.loop
        self.conn = make(loop, near, secure, self.side, None)
        side.conn = self.conn
        self.conn.start()
        self.addCleanup(self.far.close)
        self.addCleanup(near.close)

    def leave(self) -> None:
        """The side is done."""
        self.left += 1

    def settle(self) -> None:
        """Let happen what can."""
        for _ in range(20):
            if not self.loop.step():
                break

    def handshake(self, *protocols: str) -> str | None:
        """A client's handshake; what ALPN agreed on."""
        context = client_context(alpn=protocols)
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = context.wrap_bio(into, out, server_hostname="a.test")
        self.far.settimeout(5)
        for _ in range(10):
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.far.sendall(out.read())
                self.settle()
                into.write(self.far.recv(65536))
        self.far.sendall(out.read())
        self.settle()
        return client.selected_alpn_protocol()

    def test_challenge(self) -> None:
        """It is answered, and the connection ends with that; the side never hears of it."""
        self.assertEqual(self.handshake("acme-tls/1"), "acme-tls/1")
        self.assertEqual((self.side.heard, self.left), ([], 1))
        self.assertTrue(self.conn.closed)

    def test_ordinary(self) -> None:
        """Other handshakes for the name go on as ever."""
        self.assertEqual(self.handshake("http/1.1"), "http/1.1")
        self.assertEqual(self.side.heard, ["connected"])
        self.conn.close()

    def test_pieces(self) -> None:
        """A hello in pieces is waited for without being looked at over and over."""
        data = hello("a.test", "acme-tls/1")
        self.far.send(data[:50])
        self.settle()
        self.assertFalse(self.loop.step(), "what was seen is reported again")
        self.far.send(data[50:])
        self.settle()
        self.assertGreater(len(self.far.recv(65536)), 200)
        self.far.close()
        self.settle()
        self.assertEqual(self.left, 1)

    def test_cut(self) -> None:
        """A client that goes in the middle of its hello is let go."""
        self.far.send(hello("a.test", "acme-tls/1")[:50])
        self.settle()
        self.far.close()
        self.settle()
        self.assertEqual(self.side.heard, ["refused"])
        self.assertTrue(self.conn.closed)

    def test_no_tls(self) -> None:
        """What is no TLS is told so, as ever."""
        self.far.send(b"GET / HTTP/1.1\r\n\r\n")
        self.settle()
        self.assertIn(b"HTTPS", self.far.recv(65536))
        self.assertEqual(self.side.heard, ["refused"])
