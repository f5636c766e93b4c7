"""Bytes relayed both ways: upgraded connections and TCP sessions."""

from __future__ import annotations

from typing import Any

from tests.support.relay_links import Link
from tests.support.relay_world import RelayTestCase, World, answer, ask, asked, head, refusal

UPGRADE = ask(b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Key: abc")
SWITCHED = (b"Connection: Upgrade", b"Upgrade: websocket")
SWITCH = head(b"Sec-WebSocket-Accept: xyz", *SWITCHED, status=b"101 Switching Protocols")
IDLE = {"timeouts": {"tunnel": 100.0}}


class UpgradeTests(RelayTestCase):
    """How an HTTP connection becomes a tunnel."""

    def test_asked(self) -> None:
        """The member sees both fields, in this hop's own words."""
        _, member = self.start(self.world(), UPGRADE)
        self.assertTrue(member.received.startswith(ask(b"Sec-WebSocket-Key: abc")[:-2]))
        self.assertIn(b"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", member.received)
        self.assertEqual(member.received.count(b"Connection:"), 1)

    def test_any_protocol(self) -> None:
        """Any token is a protocol."""
        client, member = self.start(self.world(), ask(b"Connection: upgrade", b"Upgrade: foo/2"))
        self.assertIn(b"\r\nUpgrade: foo/2\r\n", member.received)
        member.send(head(b"Upgrade: foo/2", b"connection: UPGRADE", status=b"101 X"))
        self.assertIn(b"\r\nUpgrade: foo/2\r\n", client.received)
        member.send(b"bytes")
        self.assertTrue(client.received.endswith(b"bytes"))

    def test_both_ways(self) -> None:
        """After 101 every byte passes, both ways."""
        world = self.world()
        client, member = self.start(world, UPGRADE)
        member.send(SWITCH)
        self.assertEqual(client.news(), SWITCH)
        member.news()
        for data in (b"\x81\x05hello", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 70000):
            client.send(data)
            self.assertEqual(member.news(), data)
            member.send(data)
            self.assertEqual(client.news(), data)
        self.assertEqual(world.reasons, [])
        self.assertEqual(world.figures(), [(1, 1)])

    def test_bytes_with_101(self) -> None:
        """Bytes that come with, or right after, the 101 are kept."""
        client, member = self.start(self.world(), UPGRADE)
        member.send(SWITCH + b"first", run=False)
        member.send(b"second")
        self.assertEqual(client.received, SWITCH + b"firstsecond")

    def test_early_bytes(self) -> None:
        """Bytes that the client has sent before it knew reach the member after the 101."""
        client, member = self.start(self.world(), UPGRADE + b"early")
        client.send(b"earlier")
        member.news()
        member.send(SWITCH)
        self.assertEqual(member.news(), b"earlyearlier")

    def test_many_early_bytes(self) -> None:
        """Also more of them than are held meanwhile."""
        client, member = self.start(self.world(), UPGRADE)
        client.send(b"x" * 300000)
        self.assertGreater(client.unread, 0)
        member.send(SWITCH)
        self.assertEqual(member.received.count(b"x"), 300000 + UPGRADE.count(b"x"))

    def test_refused(self) -> None:
        """A refusal leaves the connection what it was: the next bytes are a request."""
        client, member = self.start(self.world(), UPGRADE + ask(target=b"/next"))
        member.send(
            answer(
                status=b"426 No",
            )
        )
        self.assertTrue(member.received.endswith(asked(target=b"/next")))
        member.send(answer())
        self.assertEqual(client.received, answer(status=b"426 No") + answer())

    def test_after_informational(self) -> None:
        """101 may come after other informational answers."""
        client, member = self.start(self.world(), UPGRADE)
        member.send(head(status=b"103 Early Hints") + SWITCH + b"x")
        self.assertTrue(client.received.endswith(SWITCH + b"x"))

    def test_log(self) -> None:
        """It is one entry, written at the end, with what went through."""
        world = self.world()
        client, member = self.start(world, UPGRADE)
        member.send(SWITCH + b"abc")
        client.send(b"defgh")
        world.advance(7)
        client.end()
        member.end()
        (entry,) = world.entries
        self.assertEqual((entry.status, entry.reason, entry.total), (101, None, 7.0))
        self.assertEqual((entry.sent - len(SWITCH), entry.received), (3, 5))
        self.assertEqual((entry.member, entry.pool), ("m0", "pool"))


class TunnelTests(RelayTestCase):
    """A tunnel's life."""

    def tunnel(self, **given: Any) -> tuple[World, Link, Link]:
        """A tunnel that stands."""
        given.setdefault("listener", IDLE)
        world = self.world(**given)
        client, member = self.start(world, UPGRADE)
        member.send(SWITCH)
        client.news()
        member.news()
        return world, client, member

    def test_half_close(self) -> None:
        """Each direction ends on its own; the tunnel with the second one."""
        for first, second in ((0, 1), (1, 0)):
            world, *links = self.tunnel()
            one, other = links[first], links[second]
            one.send(b"last")
            one.end()
            self.assertTrue(other.near_ended)
            self.assertFalse(other.closed)
            other.send(b"answer")
            self.assertEqual(one.news(), b"answer")
            other.end()
            self.assertTrue(one.ended and one.closed and other.closed)
            self.assertFalse(one.was_reset or other.was_reset)
            self.assertEqual(world.reasons, [None])

    def test_half_close_while_full(self) -> None:
        """The end is passed on after the bytes before it."""
        _, client, member = self.tunnel()
        member.room = 3
        client.send(b"abcdef")
        client.end()
        self.assertFalse(member.near_ended)
        member.take()
        self.assertEqual(member.news(), b"abcdef")
        self.assertTrue(member.near_ended)

    def test_ends_while_full(self) -> None:
        """Both may have ended while bytes are still on their way."""
        _, client, member = self.tunnel()
        client.room = 3
        member.send(b"abcdef")
        member.end()
        client.end()
        self.assertFalse(client.closed)
        client.take()
        self.assertEqual(client.news(), b"abcdef")
        self.assertTrue(client.closed)

    def test_back_pressure(self) -> None:
        """Neither side is read further than the other takes."""
        for first, second in ((0, 1), (1, 0)):
            _, *links = self.tunnel()
            source, sink = links[first], links[second]
            sink.room = 1000
            source.send(b"x" * 1000000)
            self.assertGreater(source.unread, 1000000 - 3 * 65536)
            while source.unread:
                sink.take(100000)
            sink.take()
            self.assertEqual(sink.news(), b"x" * 1000000)

    def test_broken(self) -> None:
        """When one breaks the other is reset, and the log says which."""
        for broken, reason in ((1, "client_abort"), (2, "member_reset")):
            world, *links = self.tunnel()
            links[broken - 1].reset()
            self.assertTrue(links[2 - broken].was_reset)
            self.assertEqual(world.reasons, [reason])

    def test_idle(self) -> None:
        """It ends when no byte has passed in either direction for long enough."""
        world, client, member = self.tunnel()
        for link in (client, member, client, member):
            world.advance(99)
            link.send(b"x")
        world.advance(99)
        self.assertFalse(client.closed)
        world.advance(1.5)
        self.assertTrue(client.was_reset and member.was_reset)
        self.assertEqual(world.reasons, ["tunnel_timeout"])

    def test_never_idle(self) -> None:
        """Without a limit it may be silent for ever."""
        world, client, member = self.tunnel(listener={"timeouts": {"tunnel": None}})
        world.advance(1000)
        member.send(b"x")
        self.assertEqual(client.news(), b"x")

    def test_half_closed_client_asks(self) -> None:
        """A client that has ended its output before the 101 still hears the member."""
        world = self.world(listener=IDLE)
        client, member = self.start(world, UPGRADE)
        client.end()
        member.send(SWITCH + b"x")
        self.assertEqual(client.received, SWITCH + b"x")
        self.assertTrue(member.near_ended)
        member.end()
        self.assertTrue(client.closed)

    def test_snapshot_not_held(self) -> None:
        """A change of the listener does not touch it, nor does its member's removal."""
        world, client, member = self.tunnel()
        world.apply(*world.objects({"default_pool_id": None}, members=[]))
        client.send(b"x")
        self.assertEqual(member.news(), b"x")
        client.end()
        member.end()
        self.assertEqual(world.reasons, [None])

    def test_fault(self) -> None:
        """An exception ends both sides."""
        world, client, member = self.tunnel()
        for watched in world.loop.open:
            if getattr(watched, "side", None) is not None and watched.fd == client.near.fileno():
                watched.side.other = None
        client.send(b"x")
        self.assertTrue(client.closed and member.closed)
        self.assertEqual(world.reasons, ["internal"])
        self.faults = 1

    def test_refused_timeouts(self) -> None:
        """The policy's and the pool's limit wins over the listener's."""
        world, client, _ = self.tunnel(pool={"timeouts": {"tunnel": 10.0}})
        world.advance(10.5)
        self.assertTrue(client.closed)

    def test_own_refusal(self) -> None:
        """Who cannot be connected is answered as any request is."""
        client = self.world(0).client(UPGRADE)
        self.assertEqual(client.received, refusal("no_members", closes=False))
