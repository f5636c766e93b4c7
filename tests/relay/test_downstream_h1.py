"""The client's side of HTTP/1.1: requests one after the other on one connection."""

from __future__ import annotations

from tests.support.relay_world import BEGINNING, RelayTestCase, answer, ask, asked, refusal

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
