"""The client's side of HTTP/1.1: requests one after the other on one connection."""

from __future__ import annotations

from fiberlb.relay.downstream_h1 import BURST
from tests.support.relay_world import BEGINNING, RelayTestCase, World, answer, ask, asked, refusal

#: A listener without a pool: every answer is FiberLB's own, and given at once.
NOWHERE = {"default_pool_id": None}


class KeepAliveTests(RelayTestCase):
    """Requests on connections that stay."""

    def test_request(self) -> None:
        """A request reaches a member with what is said about the client, the answer the client."""
        world = self.world()
        client = world.client(ask())
        member = world.members[0].link
        self.assertEqual(member.news(), asked())
        self.assertEqual(world.figures(), [(1, 1)])
        member.send(answer())
        self.assertEqual(client.news(), answer())
        self.assertEqual(world.figures(), [(0, 1)])
        self.assertFalse(client.closed or member.closed)

    def test_again(self) -> None:
        """The same request again costs two reads, two writes and no change of what is watched."""
        world = self.world()
        client = world.client(ask())
        member = world.members[0].link
        member.send(answer())
        before = dict(client.near.calls), dict(member.near.calls), world.loop.changes
        member.news()
        for _ in range(3):
            client.send(ask())
            self.assertEqual(member.news(), asked())
            member.send(answer())
        self.assertEqual(client.received, answer() * 4)
        self.assertEqual(world.loop.changes, before[2])
        for then, now in ((before[0], client.near.calls), (before[1], member.near.calls)):
            self.assertEqual((now["recv"] - then["recv"], now["send"] - then["send"]), (3, 3))
        self.assertEqual(len(world.members[0].links), 1)
        self.assertEqual(world.reasons, [None] * 4)

    def test_log(self) -> None:
        """Each request is one entry, with its own times and sizes."""
        world = self.world()
        client = world.client(ask(target=b"/a", method=b"PUT", body=b""))
        world.advance(1)
        world.members[0].link.send(answer(b"12345"))
        world.advance(1)
        client.send(ask(b"Content-Length: 3", target=b"/b", method=b"POST", body=b"abc"))
        world.members[0].link.send(answer(b"1"))
        first, second = world.entries
        self.assertEqual((first.method, first.target, first.status), (b"PUT", b"/a", 200))
        self.assertEqual((first.started, first.total, first.response), (BEGINNING, 1.0, 1.0))
        self.assertEqual((first.sent, first.received, first.tries), (5, 0, 1))
        self.assertEqual((first.client, first.pool, first.member), ("192.0.2.7", "pool", "m0"))
        self.assertEqual((second.method, second.target), (b"POST", b"/b"))
        self.assertEqual((second.started, second.total), (BEGINNING + 2, 0.0))
        self.assertEqual((second.sent, second.received), (1, 3))

    def test_nothing_left_over(self) -> None:
        """Nothing of one request shows in the next, whichever kinds follow each other."""
        kinds = {
            b"plain": (ask(), asked()),
            b"head": (ask(method=b"HEAD"), asked(method=b"HEAD")),
            b"sized": (
                ask(b"Content-Length: 2", method=b"POST", body=b"ab"),
                asked(b"Content-Length: 2", method=b"POST", body=b"ab"),
            ),
            b"chunked": (
                ask(b"Transfer-Encoding: chunked", method=b"PUT", body=b"1\r\na\r\n0\r\n\r\n"),
                asked(b"Transfer-Encoding: chunked", method=b"PUT", body=b"1\r\na\r\n0\r\n\r\n"),
            ),
            b"upgrade": (
                ask(b"Connection: Upgrade", b"Upgrade: x"),
                ask()[:-2] + b"Connection: Upgrade\r\nUpgrade: x\r\n" + asked()[len(ask()) - 2 :],
            ),
            b"other": (ask(b"X: y", target=b"/other"), asked(b"X: y", target=b"/other")),
        }
        for first in kinds:
            for second in kinds:
                world = self.world()
                client = world.client()
                for kind in (first, second, first, first):
                    client.send(kinds[kind][0])
                    link = world.members[0].link
                    self.assertEqual(link.news(), kinds[kind][1], (first, second, kind))
                    link.send(answer(b"" if kind == b"head" else b"hi"))
                    self.assertEqual(client.news(), answer(b"" if kind == b"head" else b"hi"))
                self.assertEqual(world.reasons, [None] * 4)

    def test_change_of_plan(self) -> None:
        """A repeated request sees the listener as it is now."""
        world = self.world()
        client = world.client(ask())
        world.members[0].link.send(answer())
        world.apply(*world.objects({"insert_headers": {"X-Forwarded-Port": False}}))
        client.send(ask())
        sent = world.members[0].link.received
        self.assertNotIn(b"X-Forwarded-Port", sent[len(asked()) :])
        world.members[0].link.send(answer())
        world.apply(*world.objects(NOWHERE))
        client.news()
        client.send(ask())
        self.assertEqual(client.news(), refusal("no_route", closes=False))


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


class HalfCloseTests(RelayTestCase):
    """Clients that end their output, and clients that go."""

    def test_answered(self) -> None:
        """A client that has asked and then ended its output gets the answer, then the end."""
        world = self.world()
        client = world.client(ask(), run=False)
        client.end()
        self.assertFalse(client.closed)
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer())
        self.assertTrue(client.ended)

    def test_pipelined(self) -> None:
        """All requests that were whole are answered."""
        world = self.world()
        client = world.client(ask() * 3 + b"GET / HT", run=False)
        client.end()
        for _ in range(3):
            world.members[0].link.send(answer())
        self.assertEqual(client.received, answer() * 3)
        self.assertTrue(client.ended)
        self.assertEqual(world.reasons, [None] * 3)

    def test_own_pipelined(self) -> None:
        """Also those that FiberLB answers, more than it takes in one go."""
        world = self.world(listener=NOWHERE)
        client = world.client(ask() * 50, run=False)
        client.end()
        self.assertEqual(client.received.count(b" 503 "), 50)
        self.assertTrue(client.closed)

    def test_body_cut(self) -> None:
        """A body that ends early is no request any more: the member sees it was cut."""
        world = self.world()
        for request in (
            ask(b"Content-Length: 5", method=b"POST", body=b"abc"),
            ask(b"Transfer-Encoding: chunked", method=b"POST", body=b"3\r\nabc\r\n"),
        ):
            client = world.client(request)
            client.end()
            self.assertTrue(world.members[0].link.closed)
            self.assertTrue(client.closed)
            self.assertNotIn(b"\r\n0\r\n", world.members[0].link.received)
        self.assertEqual(world.reasons, ["client_abort"] * 2)

    def test_silent(self) -> None:
        """A client that only connects and goes leaves no line in the log."""
        world = self.world()
        world.client().end()
        world.client(b"GET").end()
        world.client(b"GET").reset()
        self.assertEqual(world.reasons, [])

    def test_abort_waiting(self) -> None:
        """A reset while the member thinks cancels the request."""
        world = self.world()
        client = world.client(ask())
        client.reset()
        self.assertTrue(world.members[0].link.closed)
        self.assertEqual(world.reasons, ["client_abort"])
        self.assertEqual(world.entries[0].member, "m0")

    def test_abort_connecting(self) -> None:
        """A reset while the member is being connected cancels that."""
        world = self.world()
        world.members[0].does = "hang"
        client = world.client(ask())
        client.reset()
        self.assertTrue(world.members[0].link.closed)
        self.assertEqual(world.reasons, ["client_abort"])

    def test_abort_streaming(self) -> None:
        """A client that closes while it is being sent a body cancels it at the next piece."""
        world = self.world()
        client = world.client(ask())
        member = world.members[0].link
        member.send(answer(b"x" * 100)[:-50])
        client.close()
        self.assertFalse(member.closed)
        member.send(b"x")
        self.assertTrue(member.closed)
        self.assertEqual(world.reasons, ["client_abort"])

    def test_abort_uploading(self) -> None:
        """A client that goes in the middle of its body."""
        world = self.world()
        client = world.client(ask(b"Content-Length: 9", method=b"PUT", body=b"abc"))
        client.reset()
        self.assertTrue(world.members[0].link.closed)
        self.assertEqual(world.reasons, ["client_abort"])
        self.assertEqual(world.entries[0].received, 3)


class OldTests(RelayTestCase):
    """HTTP/1.0."""

    def test_forwarded(self) -> None:
        """It goes on as HTTP/1.1, with the host it meant, and Via says where it came from."""
        world = self.world()
        client = world.client(b"GET /x HTTP/1.0\r\nA: b\r\n\r\n")
        expected = asked(target=b"/x").replace(b"Host: a", b"Host: 192.0.2.100:80\r\nA: b")
        member = world.members[0].link
        self.assertEqual(member.received, expected.replace(b"Via: 1.1", b"Via: 1.0"))
        member.send(answer())
        self.assertEqual(client.received, answer(b"hi", b"Connection: close"))
        self.assertTrue(client.ended)
        self.assertEqual(world.entries[0].minor, 0)

    def test_keep_alive(self) -> None:
        """The connection stays where the client asks for it, and is told so."""
        world = self.world()
        client = world.client()
        for _ in range(2):
            client.send(ask(b"Connection: keep-alive", version=b"1.0"))
            world.members[0].link.send(answer())
            self.assertEqual(client.news(), answer(b"hi", b"Connection: keep-alive"))
        self.assertFalse(client.closed)
