"""Connections that a proxy brings: whose they are, and what is refused."""

from __future__ import annotations

from typing import Any

from fiberlb.model.l7 import RuleType
from fiberlb.model.listener import ListenerProtocol
from fiberlb.model.pool import ProxyVersion
from fiberlb.wire.proxy_protocol import LOCAL, UNKNOWN, binary, text
from tests.relay.test_passing import hello, policy
from tests.support.relay_world import TAIL, RelayTestCase, World, answer, ask

CLIENT = ("203.0.113.9", 1234)
ENDS = (CLIENT, ("198.51.100.1", 443))
PEER = ["192.0.2.0/24"]


class PreambleTests(RelayTestCase):
    """Headers that come in."""

    def behind(self, *, trusted: Any = PEER, tcp: bool = False, **given: Any) -> World:
        """A world behind a proxy."""
        listener = {"accept_proxy_protocol": True, **given.pop("listener", {})}
        return self.world(listener=listener, trusted=trusted, tcp=tcp, **given)

    def test_http(self) -> None:
        """The client that is named is the one that members and the log hear of."""
        for header in (text(ENDS), binary(ENDS, [(2, b"x")])):
            world = self.behind()
            client = world.client(header + ask())
            member = world.members[0].link
            tail = TAIL.replace(b"192.0.2.7", b"203.0.113.9")
            self.assertTrue(member.received.endswith(tail), member.received)
            self.assertTrue(member.received.startswith(b"GET / HTTP/1.1\r\nHost: a"))
            member.send(answer())
            self.assertIn(b"200 OK", client.received)
            (entry,) = world.entries
            self.assertEqual((entry.client, entry.client_port), CLIENT)

    def test_cut(self) -> None:
        """Octet by octet, the first of the client's own right behind."""
        for header in (text(ENDS), binary(ENDS)):
            world = self.behind(tcp=True)
            client = world.client()
            client.send_each(header + b"hi")
            self.assertEqual(world.members[0].link.received, b"hi")
            client.reset()
            self.assertEqual(world.entries[0].client, "203.0.113.9")

    def test_passing(self) -> None:
        """TLS is passed through by the client's address."""
        rules = policy("one", RuleType.SOURCE_IP, "203.0.113.0/24")
        listener = {"protocol": ListenerProtocol.HTTPS, "default_pool_id": None}
        world = self.behind(tcp=True, listener=listener, policies=rules)
        client = world.client(text(ENDS) + hello())
        self.assertEqual(world.members[0].link.received, hello())
        client.reset()

    def test_unknown(self) -> None:
        """A header that names nobody leaves the peer what it is."""
        for header in (UNKNOWN, LOCAL):
            world = self.behind(tcp=True)
            client = world.client(header + b"x")
            self.assertEqual(world.members[0].link.received, b"x")
            client.reset()
            self.assertEqual(world.entries[0].client, "192.0.2.7")

    def test_allowed(self) -> None:
        """Networks that may connect are those of clients, not of proxies."""
        for networks, reason in ((("203.0.113.0/24",), None), (("192.0.2.0/24",), "denied")):
            world = self.behind(tcp=True, listener={"allowed_cidrs": networks})
            client = world.client(text(ENDS))
            self.assertEqual(client.was_reset, reason is not None)
            if reason is None:
                client.end()
                world.members[0].link.end()
            self.assertEqual(world.reasons, [None if reason is None else "denied_address"])

    def test_not_trusted(self) -> None:
        """Whoever is no trusted proxy is refused before anything is read."""
        for trusted in ((), ["198.51.100.0/24"]):
            for tcp in (False, True):
                world = self.behind(trusted=trusted, tcp=tcp)
                self.assertTrue(world.client(text(ENDS) + ask()).was_reset)
                self.assertEqual(world.reasons, ["denied_address"])

    def test_missing(self) -> None:
        """A connection without a header, or with a broken one, is refused."""
        for data in (ask(), b"PROXY TCP4 1.2.3.4\r\n", binary(ENDS)[:12] + b"\x33" * 20):
            for tcp in (False, True):
                world = self.behind(tcp=tcp)
                self.assertTrue(world.client(data).was_reset)
                self.assertEqual(world.reasons, ["bad_request"])
                self.assertEqual(world.members[0].links, [])

    def test_slow(self) -> None:
        """A header has its time."""
        world = self.behind(tcp=True, listener={"timeouts": {"client_header": 1.0}})
        client = world.client(text(ENDS)[:9])
        world.advance(1.5)
        self.assertTrue(client.was_reset)
        self.assertEqual(world.reasons, ["header_timeout"])

    def test_leaving(self) -> None:
        """One that says nothing is not logged, one that says half is."""
        world = self.behind(tcp=True)
        world.client().end()
        world.client().reset()
        self.assertEqual(world.entries, [])
        world.client(b"PROXY").end()
        world.client(b"PROXY").reset()
        self.assertEqual(world.reasons, ["client_abort"] * 2)

    def test_room(self) -> None:
        """One that goes makes room for who waits to be accepted, whatever it has said."""
        for said in (b"", b"PROXY", b"no header\r\n"):
            world = self.behind(tcp=True, listener={"connection_limit": 5})
            waiting: list[bool] = []
            client = world.client()
            world.cell.bound.wait(lambda told=waiting: told.append(True))
            if said:
                client.send(said)
            client.end()
            self.assertEqual(waiting, [True], said)


class IntroducingTests(RelayTestCase):
    """Headers that go out."""

    def test_tcp(self) -> None:
        """The member hears first of the client and of where it has connected to."""
        for version, header in (
            (ProxyVersion.V1, b"PROXY TCP4 192.0.2.7 192.0.2.100 40000 80\r\n"),
            (ProxyVersion.V2, binary((("192.0.2.7", 40000), ("192.0.2.100", 80)))),
        ):
            world = self.world(tcp=True, pool={"proxy_protocol": version})
            client = world.client(b"abc")
            self.assertEqual(world.members[0].link.received, header + b"abc")
            client.reset()

    def test_handed_on(self) -> None:
        """What one proxy has said is said to the next."""
        world = self.world(
            tcp=True,
            pool={"proxy_protocol": ProxyVersion.V1},
            listener={"accept_proxy_protocol": True},
            trusted=PEER,
        )
        client = world.client(binary(ENDS) + b"abc")
        self.assertEqual(world.members[0].link.received, text(ENDS) + b"abc")
        client.reset()

    def test_passing(self) -> None:
        """The server name goes along."""
        world = self.world(
            tcp=True,
            pool={"proxy_protocol": ProxyVersion.V2},
            listener={"protocol": ListenerProtocol.HTTPS},
        )
        client = world.client(hello(b"a.example", b"h2"))
        ends = (("192.0.2.7", 40000), ("192.0.2.100", 80))
        header = binary(ends, [(2, b"a.example")])
        self.assertEqual(world.members[0].link.received, header + hello(b"a.example", b"h2"))
        client.reset()

    def test_http(self) -> None:
        """Each request goes over a connection of its own: another client may ask next."""
        world = self.world(pool={"proxy_protocol": ProxyVersion.V1})
        client = world.client()
        for number in range(3):
            client.send(ask())
            member = world.members[0].link
            self.assertEqual(len(world.members[0].links), number + 1)
            start = b"PROXY TCP4 192.0.2.7 192.0.2.100 40000 80\r\nGET / HTTP/1.1\r\n"
            self.assertTrue(member.received.startswith(start))
            member.send(answer())
            self.assertTrue(member.closed)
        self.assertEqual(world.figures(), [(0, 0)])

    def test_changed(self) -> None:
        """A connection from before the change is not used after it, in either direction."""
        world = self.world()
        client = world.client(ask())
        first = world.members[0].link
        first.send(answer())
        self.assertFalse(first.closed)
        world.apply(*world.objects(pool={"proxy_protocol": ProxyVersion.V2}))
        self.assertTrue(first.closed)
        client.send(ask())
        second = world.members[0].link
        world.apply(*world.objects())
        second.send(answer())
        self.assertTrue(second.closed)

    def test_forwarded(self) -> None:
        """A client that a trusted proxy tells of in a field; its port is not known."""
        world = self.world(pool={"proxy_protocol": ProxyVersion.V1}, trusted=PEER)
        world.client(ask(b"X-Forwarded-For: 2001:db8::1"))
        member = world.members[0].link
        self.assertTrue(
            member.received.startswith(b"PROXY TCP6 2001:db8::1 ::ffff:"), member.received
        )
        member.send(answer())
