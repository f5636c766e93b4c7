"""What clients may not do: too slowly, too much, or not as HTTP says."""

from __future__ import annotations

from tests.support.relay_world import RelayTestCase, World, answer, ask, refusal

#: Each way in which a request can be wrong, by the class of mistakes that it belongs to.
MALFORMED: dict[str, bytes] = {
    "length and coding": ask(b"Content-Length: 3", b"Transfer-Encoding: chunked"),
    "coding and length": ask(b"Transfer-Encoding: chunked", b"Content-Length: 3"),
    "coding in 1.0": ask(b"Transfer-Encoding: chunked", version=b"1.0"),
    "two codings": ask(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
    "coding twice in a list": ask(b"Transfer-Encoding: chunked, chunked"),
    "unknown coding": ask(b"Transfer-Encoding: xchunked"),
    "coding with a byte above 127": ask(b"Transfer-Encoding: chunked\xff"),
    "coding after a vertical tab": ask(b"Transfer-Encoding: \x0bchunked"),
    "coding in quotes": ask(b'Transfer-Encoding: "chunked"'),
    "coding of an empty list": ask(b"Transfer-Encoding: ,"),
    "coding with an underscore": ask(b"Transfer_Encoding: chunked"),
    "coding behind a space": ask(b"Transfer-Encoding : chunked"),
    "coding behind a folded line": ask(b"X: y", b" Transfer-Encoding: chunked"),
    "coding behind a carriage return": ask(b"X: y\rTransfer-Encoding: chunked"),
    "coding behind a line feed": ask(b"X: y\n Transfer-Encoding: chunked"),
    "length with a sign": ask(b"Content-Length: +3"),
    "negative length": ask(b"Content-Length: -3"),
    "hexadecimal length": ask(b"Content-Length: 0x3"),
    "length with an underscore": ask(b"Content-Length: 1_0"),
    "length with spaces": ask(b"Content-Length: 1 0"),
    "empty length": ask(b"Content-Length:"),
    "two lengths": ask(b"Content-Length: 3", b"Content-Length: 4"),
    "list of lengths": ask(b"Content-Length: 3, 4"),
    "length of 64 bits": ask(b"Content-Length: 18446744073709551616"),
    "length name with an underscore": ask(b"Content_Length: 3"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": ask(b"Host: b"),
    "host with a space": ask().replace(b"Host: a", b"Host: a b"),
    "host with a comma": ask().replace(b"Host: a", b"Host: a,b"),
    "host with a slash": ask().replace(b"Host: a", b"Host: a/b"),
    "host with a user": ask().replace(b"Host: a", b"Host: u@a"),
    "host with two ports": ask().replace(b"Host: a", b"Host: a:1:2"),
    "other host in the target": ask(target=b"http://b/"),
    "carriage returns alone": ask().replace(b"\r\n", b"\r"),
    "bare line feeds": ask().replace(b"\r\n", b"\n"),
    "folded field": ask(b"X: y", b" z"),
    "space before the first field": ask().replace(b"Host", b" Host"),
    "space before a colon": ask(b"X : y"),
    "space in a name": ask(b"X Y: z"),
    "empty name": ask(b": y"),
    "no colon": ask(b"X"),
    "zero byte in a value": ask(b"X: \x00"),
    "zero byte in a name": ask(b"X\x00: y"),
    "control character": ask(b"X: \x08"),
    "two spaces in the line": ask().replace(b"GET /", b"GET  /"),
    "space in the target": ask(target=b"/a b"),
    "control character in the target": ask(target=b"/\x01"),
    "fragment": ask(target=b"/a#b"),
    "asterisk for GET": ask(target=b"*"),
    "authority for GET": ask(target=b"a:80"),
    "relative target": ask(target=b"a"),
    "HTTP/0.9": b"GET /\r\n",
    "other protocol": ask().replace(b"HTTP/", b"HTTPS/"),
    "version of one digit": ask().replace(b"HTTP/1.1", b"HTTP/1"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "bad method": ask(method=b"G(T"),
}


class MalformedTests(RelayTestCase):
    """Requests that are none."""

    def refused(self, data: bytes, reason: str) -> None:
        """It is answered with the reason, the connection ends, and no member hears of it."""
        world = self.world()
        client = world.client(data + ask(target=b"/smuggled"))
        self.assertEqual(client.received, refusal(reason))
        self.assertTrue(client.near_ended)
        client.send(ask(target=b"/smuggled"))
        client.end()
        self.assertTrue(client.closed)
        self.assertEqual(world.members[0].links, [])
        self.assertEqual(world.reasons, [reason])

    def test_malformed(self) -> None:
        """Each class of mistakes: 400, closed, and nothing reaches a member."""
        for name, data in MALFORMED.items():
            try:
                self.refused(data, "bad_request")
            except AssertionError as why:
                raise AssertionError(f"{name}: {why}") from why

    def test_byte_by_byte(self) -> None:
        """The same, when they come byte by byte."""
        for name, data in MALFORMED.items():
            world = self.world()
            client = world.client()
            client.send_each(data)
            self.assertEqual(client.received, refusal("bad_request"), name)
            self.assertEqual(world.members[0].links, [], name)

    def test_not_implemented(self) -> None:
        """Neither tunnels nor echoes, nor codings beside chunked."""
        self.refused(ask(method=b"CONNECT", target=b"a:80"), "not_implemented")
        self.refused(ask(method=b"TRACE"), "not_implemented")
        self.refused(ask(b"Transfer-Encoding: gzip, chunked"), "not_implemented")

    def test_versions(self) -> None:
        """Another version of HTTP, HTTP/2's preface among them."""
        self.refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "version")
        self.refused(ask(version=b"1.2"), "version")

    def test_chunks(self) -> None:
        """A bad chunk ends the request at the member without a last chunk, and is told."""
        for body in (
            b"g\r\n",
            b"3\nabc\r\n",
            b"3\r\nabcd\r\n",
            b"0\r\nX\r\n\r\n",
            b"3;\x00\r\nabc\r\n",
        ):
            world = self.world()
            head = ask(b"Transfer-Encoding: chunked", method=b"POST")
            client = world.client(head + b"2\r\nab\r\n")
            member = world.members[0].link
            client.send(body + b"\r\n0\r\n\r\n" + ask(target=b"/smuggled"))
            self.assertEqual(client.received, refusal("bad_request"), body)
            self.assertTrue(member.closed)
            self.assertTrue(member.received.endswith(b"\r\n\r\n2\r\nab\r\n"), body)
            self.assertEqual(world.reasons, ["bad_request"])

    def test_others_unharmed(self) -> None:
        """A client beside it is served."""
        world = self.world()
        good = world.client(ask())
        world.client(b"BAD\r\n\r\n")
        world.members[0].link.send(answer())
        self.assertEqual(good.received, answer())


class LimitTests(RelayTestCase):
    """Requests that are too much."""

    def check(self, data: bytes, reason: str, **limits: int) -> World:
        """The request is refused, and no member hears more of it than its beginning."""
        world = self.world(listener={"limits": limits})
        client = world.client(data)
        self.assertEqual(client.received, refusal(reason))
        self.assertTrue(client.near_ended)
        self.assertEqual(world.reasons, [reason])
        return world

    def test_head(self) -> None:
        """Target, one field, number of fields, the head as a whole."""
        self.check(ask(target=b"/" + b"x" * 100), "uri_too_long", uri=100)
        self.check(b"GET /" + b"x" * 1000, "uri_too_long", uri=100)
        self.check(ask(b"X: " + b"y" * 100), "head_too_large", header=100)
        self.check(ask(*[b"X: y"] * 10), "head_too_large", header_count=10)
        self.check(ask(*[b"X: " + b"y" * 50] * 8), "head_too_large", head=400)
        self.check(ask(*[b"X: " + b"y" * 50] * 8)[:-2], "head_too_large", head=400)

    def test_endless_head(self) -> None:
        """A head that never ends is cut at the limit, however it comes."""
        world = self.world()
        client = world.client(b"GET / HTTP/1.1\r\n")
        for _ in range(20):
            client.send(b"X: %b\r\n" % (b"y" * 8000))
        self.assertEqual(client.received, refusal("head_too_large"))
        self.assertLess(client.unread, 200000)

    def test_body_length(self) -> None:
        """A length above the limit is refused before a byte of it."""
        world = self.check(ask(b"Content-Length: 11", method=b"POST"), "body_too_large", body=10)
        self.assertEqual(world.members[0].links, [])
        self.assertEqual(world.entries[0].pool, "")

    def test_body_chunks(self) -> None:
        """Chunks above the limit end the request."""
        head = ask(b"Transfer-Encoding: chunked", method=b"POST")
        world = self.check(head + b"6\r\nabcdef\r\n5\r\nghijk\r\n", "body_too_large", body=10)
        self.assertTrue(world.members[0].link.closed)
        world = self.check(head + b"b\r\nabcdefghijk\r\n0\r\n\r\n", "body_too_large", body=10)
        self.assertTrue(world.members[0].link.closed)

    def test_body_at_the_limit(self) -> None:
        """As much as is allowed passes."""
        for request in (
            ask(b"Content-Length: 10", method=b"POST", body=b"x" * 10),
            ask(
                b"Transfer-Encoding: chunked", method=b"POST", body=b"a\r\n0123456789\r\n0\r\n\r\n"
            ),
        ):
            world = self.world(listener={"limits": {"body": 10}})
            client = world.client(request)
            world.members[0].link.send(answer())
            self.assertEqual(client.received, answer())

    def test_trailers(self) -> None:
        """Trailers above their limit."""
        head = ask(b"Transfer-Encoding: chunked", method=b"POST")
        self.check(head + b"0\r\n" + b"X: y\r\n" * 9, "bad_request", trailers=50)


class TimeTests(RelayTestCase):
    """Clients that take their time."""

    def timed(self, **timeouts: float | None) -> World:
        """A world with these timeouts."""
        return self.world(listener={"timeouts": timeouts})

    def test_nothing(self) -> None:
        """A client that says nothing is closed silently."""
        world = self.timed(client_header=10.0)
        client = world.client()
        world.advance(9.7)
        self.assertFalse(client.closed)
        world.advance(0.6)
        self.assertTrue(client.ended)
        self.assertEqual((client.received, world.reasons), (b"", []))

    def test_slow_head(self) -> None:
        """The whole head has its time, from the accept on, however it drips."""
        world = self.timed(client_header=10.0)
        client = world.client()
        for byte in ask()[:11]:
            self.assertFalse(client.received)
            client.send(bytes([byte]))
            world.advance(0.96)
        self.assertEqual(client.received, refusal("header_timeout"))
        self.assertEqual(world.reasons, ["header_timeout"])

    def test_empty_lines(self) -> None:
        """Empty lines do not make it longer."""
        world = self.timed(client_header=10.0, keep_alive=75.0)
        client = world.client()
        for _ in range(11):
            if not client.closed:
                client.send(b"\r\n")
            world.advance(1)
        self.assertTrue(client.closed)

    def test_slow_head_later(self) -> None:
        """On a kept connection a head has its time from its first byte on."""
        world = self.timed(client_header=10.0, keep_alive=75.0)
        client = world.client(ask())
        world.members[0].link.send(answer())
        world.advance(70)
        client.news()
        client.send(b"GET /")
        world.advance(9.5)
        self.assertEqual(client.news(), b"")
        world.advance(1)
        self.assertEqual(client.news(), refusal("header_timeout"))

    def test_no_header_limit(self) -> None:
        """Without a limit a head may take for ever, also after the keep-alive time."""
        world = self.timed(client_header=None, keep_alive=5.0)
        client = world.client(b"GET ")
        world.advance(100)
        client.send(ask()[4:])
        world.members[0].link.send(answer())
        client.send(b"GET ")
        world.advance(100)
        client.send(ask()[4:])
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer() * 2)

    def test_keep_alive(self) -> None:
        """Between requests there is the keep-alive time, counted from the answer on."""
        world = self.timed(keep_alive=20.0)
        client = world.client(ask())
        world.advance(30)
        world.members[0].link.send(answer())
        world.advance(19.5)
        self.assertFalse(client.closed)
        client.send(ask())
        world.members[0].link.send(answer())
        world.advance(20.5)
        self.assertTrue(client.ended)
        self.assertEqual(world.reasons, [None, None])

    def test_keep_alive_after_empty_line(self) -> None:
        """An empty line after a body is not waited with for ever."""
        world = self.timed(keep_alive=20.0)
        client = world.client(ask(b"Content-Length: 1", method=b"POST", body=b"x\r\n"))
        world.members[0].link.send(answer())
        world.advance(20.5)
        self.assertTrue(client.ended)

    def test_body_idle(self) -> None:
        """A body has to go on."""
        world = self.timed(client_body_idle=8.0)
        client = world.client(ask(b"Content-Length: 100000", method=b"POST", body=b"x" * 9000))
        world.advance(7)
        client.send(b"x" * 9000)
        world.advance(7.5)
        self.assertFalse(client.received)
        world.advance(1)
        self.assertEqual(client.received, refusal("body_timeout"))
        self.assertTrue(world.members[0].link.closed)
        self.assertEqual(world.reasons, ["body_timeout"])

    def test_body_rate(self) -> None:
        """A body that drips counts as one that stopped."""
        for rate, seconds in ((400, 11), (600, 40)):
            world = self.timed(client_body_idle=30.0)
            client = world.client(ask(b"Content-Length: 24001", method=b"POST"))
            for _ in range(40):
                if not client.near_ended:
                    client.send(b"x" * rate)
                    world.advance(1)
            slow = rate < 500
            self.assertEqual(client.received, refusal("body_timeout") if slow else b"")
            self.assertLess(abs(world.loop.now - 1000 - seconds), 1)
            client.reset()

    def test_large_chunk(self) -> None:
        """One chunk may take as long as its bytes come fast enough."""
        world = self.timed(client_body_idle=30.0)
        client = world.client(
            ask(b"Transfer-Encoding: chunked", method=b"POST", body=b"100000\r\n")
        )
        for _ in range(60):
            client.send(b"x" * 1000)
            world.advance(1)
        self.assertEqual(client.received, b"")
        client.reset()
        self.assertEqual(world.entries[0].received, 60000)

    def test_waiting_for_100(self) -> None:
        """A client that waits for 100 is not slow; from then on it has its time."""
        world = self.timed(client_body_idle=20.0, member_response=60.0)
        client = world.client(ask(b"Content-Length: 5", b"Expect: 100-continue", method=b"POST"))
        world.advance(50)
        self.assertEqual(client.received, b"")
        world.members[0].link.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        self.assertEqual(client.news(), b"HTTP/1.1 100 Continue\r\n\r\n")
        world.advance(9)
        self.assertEqual(client.news(), b"")
        world.advance(2)
        self.assertEqual(client.news(), refusal("body_timeout"))

    def test_waiting_for_100_in_vain(self) -> None:
        """The member has its time to answer at all."""
        world = self.timed(client_body_idle=20.0, member_response=60.0)
        client = world.client(ask(b"Content-Length: 5", b"Expect: 100-continue", method=b"POST"))
        world.advance(61)
        self.assertEqual(client.received, refusal("member_timeout"))

    def test_no_idle_limit(self) -> None:
        """Without a limit a body may take for ever."""
        world = self.timed(client_body_idle=None)
        client = world.client(ask(b"Content-Length: 5", method=b"POST", body=b"a"))
        world.advance(1000)
        client.send(b"bcde")
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer())

    def test_our_pause(self) -> None:
        """While it is the member who does not take the body, the client is not slow."""
        world = self.timed(client_body_idle=5.0, member_response=600.0)
        client = world.client(ask(b"Content-Length: 200000", method=b"POST"))
        member = world.members[0].link
        member.room = 0
        client.send(b"x" * 200000)
        world.advance(60)
        self.assertEqual(client.received, b"")
        member.take()
        member.send(answer())
        self.assertEqual(client.received, answer())
