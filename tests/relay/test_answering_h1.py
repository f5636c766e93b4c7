"""What clients are sent: members' answers, reframed where need be, and FiberLB's own."""

from __future__ import annotations

from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.operational import Operations
from fiberlb.relay.connection import LAST_BYTES
from tests.support.relay_links import Link
from tests.support.relay_world import RelayTestCase, World, answer, ask, head, refusal

CLOSE = b"Connection: close"
CODED = b"Transfer-Encoding: chunked"


class FramingTests(RelayTestCase):
    """Bodies, as the client can read them."""

    def exchange(self, request: bytes, *pieces: bytes, end: bool = False) -> tuple[World, Link]:
        """One request, and what the member answers."""
        world = self.world()
        client, member = self.start(world, request)
        for piece in pieces:
            member.send(piece)
        if end:
            member.end()
        return world, client

    def test_passed(self) -> None:
        """Known lengths and chunks pass as they are, in as many pieces as they come."""
        chunks = head(CODED) + b"3\r\nabc\r\n", b"4;x\r\ndefg", b"\r\n0\r\nT: u\r\n\r\n"
        for pieces in (
            (answer(b"x" * 10),),
            (answer(b"abc")[:-1], b"c"),
            (head(CODED), *chunks[1:]),
        ):
            _, client = self.exchange(ask(), *pieces)
            expected = b"".join(pieces).replace(b";x", b"")
            self.assertEqual(client.received, expected)
            self.assertFalse(client.closed)
        _, client = self.exchange(ask(), *chunks)
        self.assertEqual(client.received, b"".join(chunks).replace(b";x", b""))

    def test_until_close(self) -> None:
        """An answer that ends with its connection is chunked, and the client's stays."""
        world, client = self.exchange(ask(), head(b"A: b"), b"one", b"two", end=True)
        self.assertEqual(
            client.received, head(b"A: b", CODED) + b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
        )
        client.send(ask())
        world.members[0].link.send(answer())
        self.assertTrue(client.received.endswith(answer()))

    def test_until_close_at_once(self) -> None:
        """The same where head, body and end come together, or there is no body."""
        for body, chunk in ((b"all", b"3\r\nall\r\n"), (b"", b"")):
            _, client = self.exchange(ask(), head(b"A: b") + body, end=True)
            self.assertEqual(client.received, head(b"A: b", CODED) + chunk + b"0\r\n\r\n")

    def test_until_close_and_close(self) -> None:
        """And where the client wants its connection closed."""
        _, client = self.exchange(ask(CLOSE), head(), b"one", end=True)
        self.assertEqual(client.received, head(CLOSE, CODED) + b"3\r\none\r\n0\r\n\r\n")
        self.assertTrue(client.ended)

    def test_last(self) -> None:
        """Over TLS an answer that is there in full, and is the last one, travels with the end."""
        ours = b"GET / HTTP/2.0\r\n\r\n"
        cases = ((True, CLOSE, True), (True, b"A: b", False), (False, CLOSE, False))
        for secure, field, more in cases:
            world = self.world()
            world.cell.plan.secure = secure
            client, member = self.start(world, ask(field))
            member.send(answer())
            self.assertEqual(client.more, more)
            self.assertEqual(world.client(ours).more, secure)

    def test_old_client(self) -> None:
        """HTTP/1.0 gets the content alone; its end is the end of the connection."""
        old = ask(b"Connection: keep-alive", version=b"1.0")
        chunked = head(b"A: b", CODED), b"3\r\nabc\r\n", b"0\r\nT: u\r\n\r\n"
        for pieces, end in ((chunked, False), ((head(b"A: b"), b"abc"), True)):
            _, client = self.exchange(old, *pieces, end=end)
            self.assertEqual(client.received, head(b"A: b", CLOSE) + b"abc")
            self.assertTrue(client.ended)

    def test_old_member(self) -> None:
        """A member of HTTP/1.0 is answered for in HTTP/1.1."""
        world, client = self.exchange(ask(), answer(version=b"1.0"))
        self.assertEqual(client.received, answer())
        self.assertTrue(world.members[0].link.closed)

    def test_bodiless(self) -> None:
        """HEAD, 204 and 304 end with their head; the connections go on."""
        for method, status, lines, seen in (
            (b"HEAD", b"200 OK", (b"Content-Length: 5",), (b"Content-Length: 5",)),
            (b"HEAD", b"200 OK", (CODED,), (CODED,)),
            (b"HEAD", b"200 OK", (), ()),
            (b"GET", b"204 No Content", (), ()),
            (b"GET", b"204 No Content", (b"Content-Length: 0",), ()),
            (b"GET", b"304 Not Modified", (b"Content-Length: 5",), (b"Content-Length: 5",)),
            (b"GET", b"304 Not Modified", (), ()),
        ):
            world, client = self.exchange(ask(method=method), head(*lines, status=status))
            self.assertEqual(client.news(), head(*seen, status=status))
            client.send(ask())
            world.members[0].link.send(answer())
            self.assertEqual(client.news(), answer())
            self.assertEqual(len(world.members[0].links), 1)

    def test_old_head(self) -> None:
        """To HTTP/1.0 not even the head speaks of chunks."""
        _, client = self.exchange(ask(method=b"HEAD", version=b"1.0"), head(b"A: b", CODED))
        self.assertEqual(client.received, head(b"A: b", CLOSE))

    def test_reason(self) -> None:
        """Any reason, or none, and the fields byte for byte."""
        lines = (b"Set-Cookie: a", b"set-cookie: b", b"X:\t\xe9 ", b"Content-Encoding: gzip")
        for status in (b"200 Fine", b"299 ", b"404"):
            _, client = self.exchange(ask(), answer(b"x", *lines, status=status))
            self.assertEqual(
                client.received, answer(b"x", *lines, status=status[:4].ljust(4) + status[4:])
            )

    def test_truncated(self) -> None:
        """A client can always tell that an answer is not whole."""
        for request, pieces, sent in (
            (ask(), (answer(b"x" * 10)[:-5],), answer(b"x" * 10)[:-5]),
            (ask(), (head(CODED), b"3\r\nab"), head(CODED) + b"3\r\nab"),
            (ask(), (head(CODED), b"3\r\nabc\r\n"), head(CODED) + b"3\r\nabc\r\n"),
        ):
            for end in (Link.end, Link.reset):
                world = self.world()
                client, member = self.start(world, request)
                for piece in pieces:
                    member.send(piece)
                end(member)
                self.assertEqual(client.received, sent)
                self.assertTrue(client.closed)
                self.assertEqual(world.reasons, ["truncated"])
                self.assertEqual(world.entries[0].status, 200)

    def test_truncated_until_close(self) -> None:
        """A reset instead of an end: no last chunk, and to HTTP/1.0 a reset."""
        for version in (b"1.1", b"1.0"):
            world = self.world()
            client, member = self.start(world, ask(version=version))
            member.send(head() + b"abc")
            member.reset()
            self.assertFalse(client.received.endswith(b"0\r\n\r\n"))
            self.assertTrue(client.closed)
            self.assertEqual(client.was_reset, version == b"1.0")
            self.assertEqual(world.reasons, ["truncated"])

    def test_truncated_while_full(self) -> None:
        """Also when the client has not yet taken what came before."""
        world = self.world()
        client, member = self.start(world)
        client.room = 10
        member.send(answer(b"x" * 100)[:-5])
        member.reset()
        self.assertTrue(client.was_reset)
        self.assertEqual(world.reasons, ["truncated"])


class InformationalTests(RelayTestCase):
    """Answers before the answer."""

    HINTS = head(b"Link: </a>", status=b"103 Early Hints")
    CONTINUE = head(status=b"100 Continue")

    def test_passed(self) -> None:
        """In their order, as they come, or all at once."""
        for pieces in (
            (self.CONTINUE, self.HINTS, answer()),
            (self.CONTINUE + self.HINTS + answer(),),
            (self.CONTINUE + self.HINTS[:20], self.HINTS[20:] + answer()[:9], answer()[9:]),
        ):
            world = self.world()
            client, member = self.start(world)
            for piece in pieces:
                member.send(piece)
            self.assertEqual(client.received, self.CONTINUE + self.HINTS + answer())
            self.assertEqual([entry.status for entry in world.entries], [200])

    def test_not_to_old(self) -> None:
        """HTTP/1.0 knows none."""
        client, member = self.start(self.world(), ask(version=b"1.0"))
        member.send(self.CONTINUE + answer())
        self.assertEqual(client.received, answer(b"hi", CLOSE))

    def test_continue(self) -> None:
        """100 comes before the body does, which is not sent again or lost."""
        world = self.world()
        client, member = self.start(
            world, ask(b"Content-Length: 3", b"Expect: 100-continue", method=b"PUT")
        )
        self.assertIn(b"Expect: 100-continue\r\n", member.news())
        member.send(self.CONTINUE)
        self.assertEqual(client.news(), self.CONTINUE)
        client.send(b"abc")
        self.assertEqual(member.news(), b"abc")
        member.send(answer())
        self.assertEqual(client.news(), answer())
        self.assertFalse(client.closed)

    def test_refused_body(self) -> None:
        """A refusal in place of 100 is delivered; the connection closes, the body never came."""
        world = self.world()
        client, member = self.start(
            world, ask(b"Content-Length: 3", b"Expect: 100-continue", method=b"PUT")
        )
        member.send(answer(b"no", status=b"417 No"))
        self.assertEqual(client.received, answer(b"no", CLOSE, status=b"417 No"))
        self.assertTrue(client.ended)
        self.assertTrue(member.closed)
        client.end()
        self.assertTrue(client.closed)
        self.assertEqual(world.reasons, [None])


class DrainingTests(RelayTestCase):
    """A listener that is going."""

    def test_draining(self) -> None:
        """What runs is finished, and closes; so does what a kept connection asks next."""
        world = self.world()
        running, member = self.start(world)
        idle = world.client(ask())
        second = world.members[0].link
        second.send(answer())
        cell = world.cell
        world.apply()
        member.send(answer())
        self.assertEqual(running.received, answer(b"hi", CLOSE))
        self.assertTrue(running.ended)
        self.assertFalse(idle.closed)
        idle.news()
        idle.send(ask())
        world.members[0].link.send(answer())
        self.assertEqual(idle.news(), answer(b"hi", CLOSE))
        self.assertEqual(world.members[0].open, [])
        self.assertEqual(cell.connections, 0)


class OwnTests(RelayTestCase):
    """Answers that FiberLB makes."""

    def redirecting(self, url: str, status: int | None = None) -> World:
        """A world whose listener redirects /old."""
        policy = L7Policy(
            id="p",
            name="moved",
            listener_id="web",
            action=PolicyAction.REDIRECT_TO_URL,
            redirect_url=url,
            redirect_http_status_code=status,
        )
        rule = L7Rule(id="r", policy_id="p", rule_type=RuleType.PATH, value="/old")
        return self.world(policies=[policy, rule])

    def test_redirect(self) -> None:
        """A redirect is an answer like any other: the connection goes on."""
        world = self.redirecting("https://{host}/new?{query}", 308)
        client = world.client(ask(target=b"/old?x=1"))
        expected = head(
            b"Location: https://a/new?x=1",
            b"Content-Length: 0",
            status=b"308 Permanent Redirect",
        )
        self.assertEqual(client.news(), expected)
        for _ in range(3):
            client.send(ask(target=b"/old?x=1"))
            self.assertEqual(client.news(), expected)
        client.send(ask(target=b"/other"))
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())
        self.assertEqual([e.policy for e in world.entries], ["moved"] * 4 + [""])
        self.assertEqual([e.status for e in world.entries], [308] * 4 + [200])
        self.assertEqual({e.block for e in world.entries}, {b"\r\nHost: a\r\n"})

    def test_redirect_without_host(self) -> None:
        """Where nobody knows to which host, it is a bad request."""
        client = self.redirecting("https://{host}/new").client(b"GET /old HTTP/1.0\r\n\r\n")
        self.assertTrue(client.received.startswith(b"HTTP/1.1 400 "))

    def test_redirect_with_body(self) -> None:
        """A body that is there already is no hindrance; one that is still to come closes."""
        world = self.redirecting("/new")
        request = ask(b"Content-Length: 3", method=b"POST", target=b"/old")
        client = world.client(request + b"abc" + request + b"abc")
        self.assertEqual(client.received.count(b"302 Found"), 2)
        self.assertNotIn(b"close", client.received)
        client.send(request)
        self.assertTrue(client.received.endswith(CLOSE + b"\r\n\r\n"))
        client.send(b"abc")
        client.end()
        self.assertTrue(client.closed)
        self.assertEqual([e.received for e in world.entries], [3, 3, 0])

    def test_refusal(self) -> None:
        """An error has its reason and an id; the connection goes on where nothing is unread."""
        world = self.world(0)
        client = world.client(ask())
        self.assertEqual(client.news(), refusal("no_members", closes=False))
        client.send(ask(method=b"HEAD"))
        self.assertEqual(
            client.news(), refusal("no_members", 2, closes=False)[: -len(b"no_members id-2\n")]
        )
        client.send(ask(version=b"1.0"))
        self.assertEqual(client.news(), refusal("no_members", 3))
        self.assertTrue(client.ended)
        self.assertEqual([e.request_id for e in world.entries], ["id-1", "id-2", "id-3"])
        self.assertEqual([e.sent for e in world.entries], [16, 0, 16])

    def test_off(self) -> None:
        """With the access log off, only FiberLB's own errors are told."""
        world = self.world()
        world.log.on = False
        client, member = self.start(world)
        member.send(answer())
        client.send(b"BAD\r\n\r\n")
        self.assertEqual((len(world.log.entries), len(world.log.own_entries)), (0, 1))


class SlowReaderTests(RelayTestCase):
    """Clients that do not take their answers."""

    def test_back_pressure(self) -> None:
        """A member is read no further than the client takes; nothing is lost."""
        world = self.world()
        client, member = self.start(world)
        client.room = 1000
        body = bytes(range(256)) * 4000
        member.send(answer(body))
        self.assertGreater(member.unread, len(body) - 3 * 65536)
        self.assertLess(len(client.received), 1001)
        while len(client.received) < len(answer(body)):
            client.take(50000)
        self.assertEqual(client.received, answer(body))
        self.assertEqual(world.reasons, [None])
        self.assertEqual(world.entries[0].sent, len(body))

    def test_chunked_back_pressure(self) -> None:
        """The same for what is chunked here."""
        world = self.world()
        client, member = self.start(world)
        client.room = 0
        member.send(head() + b"x" * 500000)
        member.end()
        self.assertGreater(member.unread, 500000 - 3 * 65536)
        client.take()
        self.assertEqual(client.received.count(b"x"), 500000)
        self.assertTrue(client.received.endswith(b"\r\n0\r\n\r\n"))

    def test_next_request_waits(self) -> None:
        """Who does not take an answer gets no further ones, and is not read meanwhile."""
        world = self.world()
        client, member = self.start(world)
        client.room = 10
        member.send(answer())
        client.send(ask() * 2000)
        self.assertEqual(client.unread, len(ask()) * 2000)
        self.assertEqual(len(world.entries), 1)
        client.take()
        self.assertEqual(member.received.count(b"GET "), 2)

    def test_own_answers(self) -> None:
        """Answers of our own are not heaped up either."""
        world = self.world(listener={"default_pool_id": None})
        client = world.client(run=False)
        client.room = 300
        client.send(ask() * 500)
        self.assertLess(len(world.entries), 4)
        for _ in range(2000):
            client.take(100)
        self.assertEqual(client.received.count(b" 503 "), 500)

    def test_timeout(self) -> None:
        """Somebody who takes no byte for a while is cut off."""
        world = self.world(listener={"timeouts": {"client_write_idle": 20.0}})
        client, member = self.start(world)
        client.room = 10
        member.send(answer(b"x" * 100000))
        for _ in range(5):
            world.advance(19)
            client.take(10)
        self.assertFalse(client.closed)
        world.advance(21)
        self.assertTrue(client.was_reset)
        self.assertTrue(member.closed)
        self.assertEqual(world.reasons, ["client_write_timeout"])

    def test_timeout_after_the_answer(self) -> None:
        """Also when the member is long done: one entry in the log, not two."""
        world = self.world(listener={"timeouts": {"client_write_idle": 20.0}})
        client, member = self.start(world)
        client.room = 10
        member.send(answer())
        self.assertEqual(world.figures(), [(0, 1)])
        world.advance(21)
        self.assertTrue(client.was_reset)
        self.assertEqual(world.reasons, [None])

    def test_no_timeout(self) -> None:
        """Without a limit the client may take as long as it likes."""
        world = self.world(listener={"timeouts": {"client_write_idle": None}})
        client, member = self.start(world)
        client.room = 10
        member.send(answer(b"x" * 100000))
        world.advance(1000)
        client.take()
        self.assertEqual(client.received, answer(b"x" * 100000))

    def test_timeout_ends(self) -> None:
        """Once everything is taken, the keep-alive time counts."""
        world = self.world(listener={"timeouts": {"client_write_idle": 20.0, "keep_alive": 50.0}})
        client, member = self.start(world)
        client.room = 10
        member.send(answer())
        client.take()
        world.advance(49)
        self.assertFalse(client.closed)
        world.advance(2)
        self.assertTrue(client.ended)

    def test_closing(self) -> None:
        """The last bytes before a close are waited for, as long as some are taken."""
        world = self.world()
        client, member = self.start(world, ask(CLOSE))
        client.room = 10
        member.send(answer(b"x" * 1000))
        for _ in range(3):
            world.advance(LAST_BYTES - 1)
            client.take(10)
        self.assertFalse(client.closed)
        world.advance(LAST_BYTES + 1)
        self.assertTrue(client.closed)
        self.assertEqual(world.reasons, [None])


class ReadinessTests(RelayTestCase):
    """C{readiness_path}."""

    def test_asked(self) -> None:
        """It is answered without a member while the process goes on, and refused afterwards."""
        world = self.world(listener={"readiness_path": "/ready"})
        client = world.client(ask(target=b"/ready"))
        self.assertTrue(client.received.startswith(b"HTTP/1.1 200 OK"), client.received)
        self.assertTrue(client.received.endswith(b"\r\n\r\nready\n"))
        client = world.client(ask(method=b"HEAD", target=b"//re%61dy?x"))
        self.assertTrue(client.received.endswith(b"\r\n\r\n"), client.received)
        world.wait(world.plane.operate(Operations(leaving=True)))
        client = world.client(ask(target=b"/ready"))
        self.assertEqual(client.received, refusal("shutting_down"))

    def test_others(self) -> None:
        """Other paths and other methods go where they went."""
        world = self.world(listener={"readiness_path": "/ready"})
        for request in (ask(target=b"/ready/x"), ask(method=b"DELETE", target=b"/ready")):
            client, member = self.start(world, request)
            member.send(answer())
            self.assertEqual(client.received, answer())
