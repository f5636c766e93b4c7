"""Bodies of requests."""

from __future__ import annotations

from fiberlb.relay.lingering import MOST_DROPPED, PATIENCE
from tests.support.relay_world import REFUSED, RelayTestCase, answer, ask, asked, head, refusal

SIZED = ask(b"Content-Length: 10", method=b"POST")
CODED = ask(b"Transfer-Encoding: chunked", method=b"POST")
CLOSE = b"Connection: close"


class StreamTests(RelayTestCase):
    """Bodies on their way."""

    def test_pieces(self) -> None:
        """Each piece is passed on when it comes."""
        client, member = self.start(self.world(), SIZED)
        self.assertEqual(member.news(), asked(b"Content-Length: 10", method=b"POST"))
        for piece in (b"a", b"bcd", b"efghij"):
            client.send(piece)
            self.assertEqual(member.news(), piece)
        member.send(answer())
        self.assertEqual(client.received, answer())

    def test_chunks(self) -> None:
        """Also chunks, and pieces of chunks."""
        client, member = self.start(self.world(), CODED)
        member.news()
        for piece, passed in ((b"3;x\r\na", b"3\r\na"), (b"bc", b"bc"), (b"\r\n0\r", b"\r\n")):
            client.send(piece)
            self.assertEqual(member.news(), passed)
        client.send(b"\nT: u\r\n\r\n")
        self.assertEqual(member.news(), b"0\r\nT: u\r\n\r\n")
        member.send(answer())
        self.assertEqual(client.received, answer())

    def test_with_get(self) -> None:
        """A body goes with its length, whatever the method."""
        for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"ANY"):
            request = ask(b"Content-Length: 3", method=method, body=b"abc")
            client, member = self.start(self.world(), request)
            self.assertEqual(
                member.received, asked(b"Content-Length: 3", method=method, body=b"abc")
            )
            member.send(head(b"Content-Length: 0"))
            self.assertEqual(client.received, head(b"Content-Length: 0"))

    def test_empty(self) -> None:
        """A length of nothing, and chunks of nothing."""
        for request in (ask(b"Content-Length: 0", method=b"POST"), CODED + b"0\r\n\r\n"):
            client, member = self.start(self.world(), request)
            member.send(answer())
            client.send(request)
            member.send(answer())
            self.assertEqual(client.received, answer() * 2)

    def test_back_pressure(self) -> None:
        """The client is read no further than the member takes; nothing is lost."""
        world = self.world()
        body = bytes(range(256)) * 4000
        client, member = self.start(world, ask(b"Content-Length: %d" % len(body), method=b"POST"))
        member.room = 1000
        client.send(body)
        self.assertGreater(client.unread, len(body) - 3 * 65536)
        while client.unread:
            member.take(30000)
        member.take()
        self.assertTrue(member.received.endswith(body))
        member.send(answer())
        self.assertEqual(world.entries[0].received, len(body))

    def test_back_pressure_connecting(self) -> None:
        """While the member is being connected, a bounded part of the body is held."""
        world = self.world()
        world.members[0].does = "hang"
        client = world.client(ask(b"Content-Length: 1000000", method=b"POST"))
        client.send(b"x" * 1000000)
        self.assertGreater(client.unread, 1000000 - 3 * 65536)
        member = world.members[0].link
        member.answer()
        self.assertEqual(member.received.count(b"x"), 1000000)
        member.send(answer())
        self.assertEqual(client.received, answer())

    def test_both_ways(self) -> None:
        """An answer may begin before the request has ended: it is told to close, and is whole."""
        world = self.world()
        client, member = self.start(world, CODED)
        member.send(head(b"Transfer-Encoding: chunked"))
        for piece in (b"1\r\na\r\n", b"1\r\nb\r\n", b"0\r\n\r\n"):
            client.send(piece)
            self.assertTrue(member.received.endswith(piece))
            member.send(piece)
        expected = head(b"Transfer-Encoding: chunked", CLOSE) + b"1\r\na\r\n1\r\nb\r\n0\r\n\r\n"
        self.assertEqual(client.received, expected)
        self.assertTrue(client.ended)
        self.assertEqual(world.reasons, [None])


class EarlyTests(RelayTestCase):
    """Answers that do not wait for the body."""

    def test_delivered(self) -> None:
        """The answer says that the connection closes, and the client can read it to its end."""
        world = self.world()
        client, member = self.start(world, SIZED + b"abc")
        member.send(answer(b"no", status=b"403 No"))
        self.assertEqual(client.received, answer(b"no", CLOSE, status=b"403 No"))
        self.assertTrue(member.closed)
        self.assertTrue(client.near_ended)
        self.assertFalse(client.closed)
        client.send(b"defghij" + ask(target=b"/not-served"))
        self.assertEqual(client.unread, 0)
        client.end()
        self.assertTrue(client.ended)
        self.assertEqual(len(world.members[0].links), 1)

    def test_member_gone_with_it(self) -> None:
        """Also when the member has closed, and refuses to take more, before it is read."""
        world = self.world()
        client, member = self.start(world, SIZED + b"abc")
        member.send(answer(b"no", status=b"413 No"), run=False)
        member.reset(run=False)
        client.send(b"defg")
        self.assertEqual(client.received, answer(b"no", CLOSE, status=b"413 No"))
        self.assertEqual(world.reasons, [None])

    def test_member_gone_between(self) -> None:
        """Even when the client's next piece is what finds out, before the answer is seen."""
        world = self.world()
        client, member = self.start(world, SIZED + b"abc")
        client.send(b"d", run=False)
        found = world.loop.ready()
        member.send(answer(b"no", status=b"413 No"), run=False)
        member.reset(run=False)
        self.assertEqual(len(found), 1)
        world.loop.batch(found)
        world.loop.run()
        self.assertEqual(client.received, answer(b"no", CLOSE, status=b"413 No"))
        self.assertEqual(world.reasons, [None])

    def test_member_gone_while_full(self) -> None:
        """Or when it is bytes that had to wait for the member that find out."""
        world = self.world()
        client, member = self.start(world, ask(b"Content-Length: 9000", method=b"POST"))
        member.room = 10
        client.send(b"x" * 5000)
        member.take(10, run=False)
        found = world.loop.ready()
        self.assertEqual(len(found), 1)
        member.send(answer(b"no", status=b"413 No"), run=False)
        member.reset(run=False)
        world.loop.batch(found)
        world.loop.run()
        self.assertEqual(client.received, answer(b"no", CLOSE, status=b"413 No"))
        self.assertEqual(world.reasons, [None])

    def test_lingering_is_bounded(self) -> None:
        """A client that goes on sending is listened to for a while, and for a megabyte."""
        for size in (1000, MOST_DROPPED + 1):
            world = self.world()
            client, member = self.start(world, ask(b"Content-Length: 9000000", method=b"POST"))
            member.send(answer(b"no", status=b"403 No"))
            client.send(b"x" * size)
            self.assertEqual(client.closed, size > MOST_DROPPED)
            world.advance(PATIENCE + 0.5)
            self.assertTrue(client.closed)

    def test_our_own(self) -> None:
        """An error of ours in the middle of a body."""
        world = self.world()
        world.members[0].does = REFUSED
        client = world.client(SIZED + b"abc")
        self.assertEqual(client.received, refusal("connect_refused"))
        self.assertTrue(client.near_ended)
        client.end()
        self.assertTrue(client.closed)
