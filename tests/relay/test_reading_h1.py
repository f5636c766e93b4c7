"""Heads of requests: in pieces, one after the other, and many at once."""

from __future__ import annotations

from fiberlb.relay.reading_h1 import BURST
from tests.support.relay_world import RelayTestCase, World, answer, ask, asked, refusal

#: A listener without a pool: every answer is FiberLB's own, and given at once.
NOWHERE = {"default_pool_id": None}


class SplitTests(RelayTestCase):
    """Requests that come in pieces."""

    REQUESTS = (
        ask()
        + ask(b"Content-Length: 4", method=b"POST", body=b"\r\n\r\n")
        + b"\r\n"
        + ask(
            b"Transfer-Encoding: chunked", method=b"POST", body=b"3;x\r\nabc\r\n0\r\nT: u\r\n\r\n"
        )
        + b"\r\n\r\n"
        + ask(target=b"/last")
    )
    SEEN = (
        asked()
        + asked(b"Content-Length: 4", method=b"POST", body=b"\r\n\r\n")
        + asked(
            b"Transfer-Encoding: chunked", method=b"POST", body=b"3\r\nabc\r\n0\r\nT: u\r\n\r\n"
        )
        + asked(target=b"/last")
    )

    def served(self, *pieces: bytes) -> bytes:
        """What members get of a client's bytes, answering all requests."""
        world = self.world()
        client = world.client()
        for piece in pieces:
            client.send(piece)
            self.answer_all(world)
        self.assertEqual(client.received, answer() * 4)
        self.assertEqual(world.reasons, [None] * 4)
        return b"".join(link.received for link in world.members[0].links)

    def answer_all(self, world: World) -> None:
        """Answer whatever has come whole."""
        done = len(world.entries)
        seen = b"".join(link.received for link in world.members[0].links)
        while done < 4 and len(seen) >= self.ends()[done]:
            world.members[0].open[-1].send(answer())
            done = len(world.entries)
            seen = b"".join(link.received for link in world.members[0].links)

    def ends(self) -> list[int]:
        """Where each request ends in C{SEEN}."""
        starts = [
            at for at in range(len(self.SEEN)) if self.SEEN.startswith((b"GET ", b"POST "), at)
        ]
        return [*starts[1:], len(self.SEEN)]

    def test_two_pieces(self) -> None:
        """Cut anywhere, the requests are the same, and so is how many there are."""
        for cut in range(1, len(self.REQUESTS)):
            seen = self.served(self.REQUESTS[:cut], self.REQUESTS[cut:])
            self.assertEqual(seen, self.SEEN, cut)

    def test_each_byte(self) -> None:
        """Byte by byte."""
        pieces = [self.REQUESTS[at : at + 1] for at in range(len(self.REQUESTS))]
        self.assertEqual(self.served(*pieces), self.SEEN)

    def test_repeat_inside(self) -> None:
        """Bytes equal to the request before are no request where they stand inside of one."""
        world = self.world()
        client = world.client(ask())
        member = world.members[0].link
        member.send(answer())
        member.news()
        client.send(b"GET /b HTTP/1.1\r\nX: ")
        client.send(ask())
        expected = (
            b"GET /b HTTP/1.1\r\nX: GET / HTTP/1.1\r\nHost: a\r\n" + asked()[len(ask()) - 2 :]
        )
        self.assertEqual(member.news(), expected)
        member.send(answer())

    def test_work(self) -> None:
        """A head that comes byte by byte is looked at a few times, not with each byte."""
        world = self.world()
        limits = world.cell.plan.limits
        looks: list[int] = []

        class Counted:
            def __getattr__(self, name: str) -> int:
                if name == "header":
                    looks.append(1)
                return int(getattr(limits, name))

        world.cell.plan.limits = Counted()
        client = world.client()
        client.send_each(ask(b"X: " + b"x" * 10000, b"Y: " + b"y" * 15000))
        self.assertLess(len(looks), 10)
        world.members[0].link.send(answer())


class PipelineTests(RelayTestCase):
    """Requests that do not wait for the answer before."""

    def test_order(self) -> None:
        """Answers come in the order of the requests, one request in progress at a time."""
        world = self.world(2)
        client = world.client(b"".join(ask(target=b"/%d" % n) for n in range(4)))
        for n in range(4):
            member = world.members[n % 2].link
            self.assertTrue(member.news().startswith(b"GET /%d " % n))
            self.assertEqual(world.figures()[1 - n % 2][0], 0)
            member.send(answer(b"%d" % n))
        self.assertEqual(client.received, b"".join(answer(b"%d" % n) for n in range(4)))

    def test_own_answers(self) -> None:
        """2,000 requests in one go, answered at once: in order, and nothing recurses."""
        world = self.world(listener=NOWHERE)
        client = world.client(ask() * 2000)
        expected = b"".join(refusal("no_route", n + 1, closes=False) for n in range(2000))
        self.assertEqual(client.received, expected)
        self.assertEqual(len(world.entries), 2000)

    def test_fairness(self) -> None:
        """After a few requests it is another client's turn."""
        world = self.world(listener=NOWHERE)
        loud = world.client(ask() * 100, run=False)
        quiet = world.client(run=False)
        quiet.send(ask(), run=False)
        self.assertEqual(len(world.entries), BURST)
        world.loop.batch()
        self.assertEqual(len(world.entries), 2 * BURST + 1)
        self.assertIn(b" 503 ", quiet.received)
        world.loop.run()
        self.assertEqual(len(world.entries), 101)
        self.assertEqual(loud.received.count(b" 503 "), 100)

    def test_closed_meanwhile(self) -> None:
        """A client that goes away in the middle of its turn is served no further."""
        world = self.world(listener=NOWHERE)
        client = world.client(ask() * 100, run=False)
        client.reset()
        self.assertLess(len(world.entries), 100)
        self.assertTrue(client.closed)

    def test_long_stream(self) -> None:
        """Requests may follow each other for longer than one head may take, pieces at the end."""
        world = self.world(listener={**NOWHERE, "timeouts": {"client_header": 10.0}})
        whole, start = ask(), ask()[:5]
        client = world.client(start)
        for _ in range(50):
            client.send(whole[5:] + start)
            world.advance(1)
        self.assertEqual(client.received.count(b" 503 "), 50)
        self.assertFalse(client.closed)

    def test_bounded(self) -> None:
        """Requests that wait are read as far as one head may go, the rest stays with the client."""
        world = self.world()
        request = ask(b"X: " + b"x" * 1000)
        client = world.client(request * 1000)
        self.assertGreaterEqual(client.unread, len(request) * 1000 - 65536 * 3)
        for _ in range(1000):
            world.members[0].link.send(answer())
        self.assertEqual(client.received, answer() * 1000)

    def test_after_close(self) -> None:
        """What follows a request that closes is no request."""
        world = self.world()
        client = world.client(ask(b"Connection: close") + ask(target=b"/never"))
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer(b"hi", b"Connection: close"))
        client.send(ask(target=b"/never"))
        client.end()
        self.assertTrue(client.closed)
        self.assertEqual(world.members[0].links[0].received, asked())
        self.assertEqual(len(world.members[0].links), 1)

    def test_malformed_after_good(self) -> None:
        """Good requests before a bad one are answered first."""
        world = self.world()
        client = world.client(ask() + b"BAD\r\n\r\n" + ask())
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer() + refusal("bad_request"))
        self.assertEqual(world.reasons, [None, "bad_request"])
        client.end()
        self.assertTrue(client.closed)
