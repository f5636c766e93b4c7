"""The member's side of HTTP/1.1: answers, good and bad."""

from __future__ import annotations

from fiberlb.model.pool import Retries
from tests.support.relay_links import Link
from tests.support.relay_world import RelayTestCase, World, answer, ask, asked, head, refusal

CODED = b"Transfer-Encoding: chunked"
CLOSE = b"Connection: close"
ONCE = Retries(attempts=0)


class ReuseTests(RelayTestCase):
    """Whether a connection is used for the next request."""

    def kept(self, *pieces: bytes, request: bytes = b"", end: bool = False) -> bool:
        """Whether the member's connection is kept after this answer."""
        world = self.world()
        client, member = self.start(world, request)
        for piece in pieces:
            member.send(piece)
        if end:
            member.end()
        self.assertEqual(world.reasons, [None])
        self.assertFalse(client.closed)
        if member.closed:
            self.assertEqual(world.figures(), [(0, 0)])
            return False
        self.assertEqual(world.figures(), [(0, 1)])
        client.send(ask())
        self.assertTrue(member.received.endswith(asked()))
        member.send(answer())
        self.assertTrue(client.received.endswith(answer()))
        return True

    def test_kept(self) -> None:
        """After an answer whose end is known, in HTTP/1.1 or with keep-alive."""
        self.assertTrue(self.kept(answer()))
        self.assertTrue(self.kept(answer(b"hi", b"Connection: keep-alive", version=b"1.0")))
        self.assertTrue(self.kept(head(CODED), b"0\r\n\r\n"))
        self.assertTrue(self.kept(answer(b"x" * 10)[:-3], b"x" * 3))
        self.assertTrue(self.kept(answer(b"hi", b"Keep-Alive: timeout=5")))
        self.assertTrue(self.kept(head(CODED), request=ask(method=b"HEAD")))

    def test_closed(self) -> None:
        """Not where the member says so, or where the end was the connection's end."""
        self.assertFalse(self.kept(answer(b"hi", CLOSE)))
        self.assertFalse(self.kept(answer(version=b"1.0")))
        self.assertFalse(self.kept(answer(b"hi", b"Keep-Alive: timeout=1")))
        self.assertFalse(self.kept(head(), b"abc", end=True))

    def test_two_framings(self) -> None:
        """Not where another reader might have seen the end elsewhere."""
        self.assertFalse(self.kept(head(CODED, b"Content-Length: 5"), b"0\r\n\r\n"))

    def test_more_than_the_answer(self) -> None:
        """Bytes after an answer are dropped, and the connection with them."""
        for pieces, request in (
            ((answer() + b"x",), ask()),
            ((answer(b"abc")[:-1], b"cx"), ask()),
            ((head(CODED), b"0\r\n\r\nx"), ask()),
            ((head(CODED) + b"1\r\na\r\n0\r\n\r\n" + answer(),), ask()),
            ((answer() + answer(),), ask()),
            ((answer(b"body"),), ask(method=b"HEAD")),
            ((head(status=b"204 No Content") + b"body",), ask()),
            ((head(b"Content-Length: 4", status=b"304 Not Modified") + b"body",), ask()),
        ):
            self.assertFalse(self.kept(*pieces, request=request), pieces)

    def test_bytes_while_idle(self) -> None:
        """An idle connection that says something is closed; the next request gets a fresh one."""
        world = self.world()
        client, member = self.start(world)
        member.send(answer())
        member.send(head(b"X: late"))
        self.assertTrue(member.closed)
        client.news()
        client.send(ask())
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())

    def test_end_while_idle(self) -> None:
        """One that ends or breaks is forgotten at once; no request meets it."""
        for end in (Link.end, Link.reset):
            world = self.world()
            client, member = self.start(world)
            member.send(answer())
            end(member)
            self.assertTrue(member.closed)
            client.send(ask(method=b"POST"))
            world.members[0].link.send(answer())
            self.assertEqual(world.reasons, [None, None])


class MemoTests(RelayTestCase):
    """Answers whose head is that of the one before."""

    def test_same_heads(self) -> None:
        """Equal heads mean the same, whatever the requests between them were."""
        world = self.world()
        client, member = self.start(world)
        member.send(answer(b"abc"))
        client.news()
        for body in (b"abc", b"def", b"ghi"):
            client.send(ask())
            member.send(answer(body))
            self.assertEqual(client.news(), answer(body))
        client.send(ask(method=b"HEAD"))
        member.send(answer(b"abc")[:-3])
        self.assertEqual(client.news(), answer(b"abc")[:-3])
        client.send(ask())
        for at in range(len(answer(b"abc"))):
            member.send(answer(b"abc")[at : at + 1])
        self.assertEqual(client.news(), answer(b"abc"))

    def test_same_beginning(self) -> None:
        """A head that only begins like the last one is another one."""
        world = self.world()
        client, member = self.start(world)
        member.send(answer(b"a"))
        client.news()
        for other in (answer(b"x" * 10), answer(b"a", b"X: y"), answer(b"a", CLOSE)):
            client.send(ask())
            world.members[0].link.send(other)
            self.assertEqual(client.news(), other.replace(CLOSE + b"\r\n", b""))

    def test_chunked(self) -> None:
        """The same with chunked answers."""
        world = self.world()
        client, member = self.start(world)
        for body in (b"1\r\na\r\n0\r\n\r\n", b"2\r\nbc\r\n0\r\n\r\n"):
            member.send(head(CODED) + body)
            self.assertEqual(client.news(), head(CODED) + body)
            client.send(ask())
        member.send(answer())


class MalformedTests(RelayTestCase):
    """Answers that are none."""

    def refused(self, *pieces: bytes, request: bytes = b"") -> World:
        """They come to 502, and the connection is not used again."""
        world = self.world()
        client, member = self.start(world, request)
        for piece in pieces:
            if not member.closed:
                member.send(piece)
        self.assertEqual(client.received, refusal("member_bad_response", closes=False), pieces)
        self.assertTrue(member.closed)
        self.assertEqual(world.reasons, ["member_bad_response"])
        self.assertEqual(world.entries[0].member, "m0")
        return world

    def test_heads(self) -> None:
        """Each way in which a head can be wrong."""
        for data in (
            b"\x00\x01\x02",
            b"<html>hello</html>",
            b"HTTP/0.9 200 OK\r\n\r\n",
            b"HTTP/2.0 200 OK\r\n\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1 99 X\r\n\r\n",
            b"HTTP/1.1 600 X\r\n\r\n",
            head(b"Content-Length: -1"),
            head(b"Content-Length: +1"),
            head(b"Content-Length: 1, 2"),
            head(b"Content-Length: 1", b"Content-Length: 2"),
            head(b"Content-Length: 99999999999999999999"),
            head(b"Content-Length: " + b"0" * 5000 + b"x"),
            head(CODED, CODED),
            head(b"Transfer-Encoding: gzip"),
            head(CODED, version=b"1.0"),
            head(b"X: a\x00b"),
            head(b"X: a\rb"),
            head(b"X : y"),
            head(b"X: y", b" z"),
            head(b"no colon"),
            head(b"X: y").replace(b"\r\n", b"\n"),
        ):
            self.refused(data)
            self.refused(data[:5], data[5:])

    def test_first_chunk(self) -> None:
        """A bad chunk that comes with the head."""
        self.refused(head(CODED) + b"x\r\n")
        self.refused(head(CODED) + b"1\nab")

    def test_too_long(self) -> None:
        """A head above the limit, with and without an end."""
        self.refused(head(*[b"X: " + b"y" * 1000] * 70))
        self.refused(*[head(b"X: y")[:-2]], *[b"X: " + b"y" * 1000 + b"\r\n"] * 70)
        self.refused(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100000)
        self.refused(head(*[b"X: y"] * 300))

    def test_informational_flood(self) -> None:
        """Informational answers are bounded."""
        world = self.world()
        client, member = self.start(world)
        member.send(head(status=b"103 Early Hints") * 17)
        self.assertTrue(client.received.startswith(head(status=b"103 Early Hints") * 16))
        self.assertTrue(client.received.endswith(refusal("member_bad_response", closes=False)))

    def test_unasked_switch(self) -> None:
        """101 that nobody asked for, or that names no protocol."""
        switch = head(b"Connection: Upgrade", b"Upgrade: x", status=b"101 Switching")
        self.refused(switch)
        self.refused(
            head(status=b"101 Switching"), request=ask(b"Connection: Upgrade", b"Upgrade: x")
        )

    def test_later_chunk(self) -> None:
        """A bad chunk within an answer: what the client got is visibly not whole."""
        world = self.world()
        client, member = self.start(world)
        member.send(head(CODED) + b"1\r\na\r\n")
        member.send(b"xyz\r\n0\r\n\r\n")
        self.assertEqual(client.received, head(CODED) + b"1\r\na\r\n")
        self.assertTrue(client.closed)
        self.assertTrue(member.closed)
        self.assertEqual(world.reasons, ["truncated"])

    def test_head_in_pieces(self) -> None:
        """A long head that comes byte by byte is parsed at its end, not with each byte."""
        world = self.world()
        limits = world.cell.plan.limits
        looks: list[int] = []

        class Counted:
            def __getattr__(self, name: str) -> int:
                looks.append(1)
                return int(getattr(limits, name))

        client, member = self.start(world)
        world.cell.plan.limits = Counted()
        data = answer(b"abc", b"X: " + b"x" * 5000)
        for at in range(len(data)):
            member.send(data[at : at + 1])
        self.assertEqual(client.received, data)
        # Once a piece for its length, once more for each attempt to parse.
        self.assertLess(len(looks), len(data) + 20)


class GoneTests(RelayTestCase):
    """Members that close without an answer."""

    def test_without_answer(self) -> None:
        """The reason says how it went."""
        for data in (b"", b"HTTP/1.1 2"):
            for end, reason in ((Link.end, "member_closed"), (Link.reset, "member_reset")):
                world = self.world(pool={"retries": ONCE})
                client, member = self.start(world)
                member.send(data)
                end(member)
                self.assertEqual(client.received, refusal(reason, closes=False))
                self.assertEqual(world.reasons, [reason])
                self.assertEqual(world.plane.member_figures("m0")["failures"], 1)

    def test_after_informational(self) -> None:
        """An answer of 1xx is an answer: nothing is tried again."""
        world = self.world(2)
        client, member = self.start(world)
        member.send(answer())
        client.send(ask())
        world.members[1].link.send(answer())
        client.send(ask())
        member.send(head(status=b"103 Early Hints"))
        member.end()
        self.assertTrue(client.received.endswith(refusal("member_closed", closes=False)))


class TimeTests(RelayTestCase):
    """Members that take their time."""

    def timed(self, **timeouts: float | None) -> World:
        """A world with these timeouts."""
        return self.world(listener={"timeouts": timeouts})

    def test_response(self) -> None:
        """The head of the answer has its time, from the request on, pieces or not."""
        world = self.timed(member_response=20.0)
        client, member = self.start(world)
        world.advance(15)
        member.send(b"HTTP/1.1 200 ")
        world.advance(4.5)
        self.assertEqual(client.received, b"")
        world.advance(1)
        self.assertEqual(client.received, refusal("member_timeout", closes=False))
        self.assertTrue(member.closed)
        self.assertEqual(world.reasons, ["member_timeout"])
        self.assertEqual(world.plane.member_figures("m0")["failures"], 1)

    def test_response_informational(self) -> None:
        """Informational answers do not make it longer."""
        world = self.timed(member_response=20.0)
        client, member = self.start(world)
        for _ in range(5):
            world.advance(3)
            member.send(head(status=b"103 Early Hints"))
        world.advance(6)
        self.assertTrue(client.received.endswith(refusal("member_timeout", closes=False)))

    def test_response_reused(self) -> None:
        """The same on a connection that has been idle."""
        world = self.timed(member_response=20.0, member_keep_alive=300.0)
        client, member = self.start(world)
        member.send(answer())
        world.advance(60)
        client.news()
        client.send(ask())
        world.advance(19.5)
        self.assertEqual(client.news(), b"")
        world.advance(1)
        self.assertEqual(client.news(), refusal("member_timeout", closes=False))

    def test_response_after_upload(self) -> None:
        """It begins when the body has ended."""
        world = self.timed(member_response=20.0)
        client, _ = self.start(world, ask(b"Content-Length: 30000", method=b"POST"))
        for _ in range(30):
            world.advance(1)
            client.send(b"x" * 1000)
        world.advance(19.5)
        self.assertEqual(client.received, b"")
        world.advance(1)
        self.assertEqual(client.received, refusal("member_timeout", closes=False))

    def test_member_does_not_read(self) -> None:
        """A member that takes no byte of an upload for that long is given up."""
        world = self.timed(member_response=20.0)
        client, member = self.start(world, ask(b"Content-Length: 200000", method=b"POST"))
        member.room = 1000
        client.send(b"x" * 150000)
        world.advance(15)
        member.take(1000)
        world.advance(19)
        self.assertEqual(client.received, b"")
        world.advance(21)
        self.assertEqual(client.received, refusal("member_timeout"))

    def test_body(self) -> None:
        """Between the pieces of a body there is a limit, whatever their framing."""
        for start in (answer(b"x" * 99)[:-99], head(CODED), head()):
            world = self.timed(member_body_idle=20.0)
            client, member = self.start(world)
            member.send(start)
            for _ in range(5):
                world.advance(19)
                member.send(b"1\r\nx\r\n")
            self.assertFalse(client.closed)
            world.advance(21)
            self.assertTrue(client.closed)
            self.assertTrue(member.closed)
            self.assertEqual(world.reasons, ["truncated"])

    def test_body_of_slow_client(self) -> None:
        """It does not count while it is the client who does not read."""
        world = self.timed(member_body_idle=20.0, client_write_idle=None)
        client, member = self.start(world)
        client.room = 10
        member.send(answer(b"x" * 200000))
        world.advance(100)
        self.assertFalse(client.closed)
        client.take()
        self.assertEqual(client.received, answer(b"x" * 200000))

    def test_no_limits(self) -> None:
        """Without limits a member may take for ever."""
        world = self.timed(member_response=None, member_body_idle=None)
        client, member = self.start(world)
        world.advance(500)
        member.send(answer()[:-1])
        world.advance(500)
        member.send(answer()[-1:])
        self.assertEqual(client.received, answer())

    def test_idle(self) -> None:
        """An idle connection is closed after its time, or after the member's own hint."""
        for line, seconds in ((b"X: y", 60), (b"Keep-Alive: timeout=11", 10)):
            world = self.timed(member_keep_alive=60.0)
            _, member = self.start(world)
            member.send(answer(b"hi", line))
            world.advance(seconds - 0.5)
            self.assertFalse(member.closed)
            world.advance(1)
            self.assertTrue(member.closed)
            self.assertEqual(world.figures(), [(0, 0)])
