"""C{compression}, from what is configured to bytes on the wire."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.pool import Pool
from fiberlb.treatment import encodings
from fiberlb.treatment.treatment import faults
from tests.relay.test_amending import CHUNKED, content
from tests.support.relay_world import RelayTestCase, World, answer, ask, head
from tests.support.treated import loaded
from tests.treatment.test_encodings import unpacking

HTML = b"Content-Type: text/html"
TEXT = b"<p>again and again</p>" * 100
ALL = b"Accept-Encoding: gzip, br, zstd"

#: What is configured, lines of the request, the member's answer, and its coding at the client.
CASES: tuple[tuple[dict[str, Any], tuple[bytes, ...], bytes, bytes | None], ...] = (
    ({}, (ALL,), answer(TEXT, HTML), b"zstd"),
    ({}, (b"accept-encoding: gzip", b"Accept-Encoding: br;q=0.5"), answer(TEXT, HTML), b"gzip"),
    ({"encodings": ["gzip", "br"]}, (ALL,), answer(TEXT, HTML), b"gzip"),
    ({"encodings": []}, (ALL,), answer(TEXT, HTML), None),
    ({}, (), answer(TEXT, HTML), None),
    ({}, (b"Accept-Encoding: deflate",), answer(TEXT, HTML), None),
    ({}, (ALL,), answer(TEXT, b"content-type: Text/HTML ; charset=utf-8"), b"zstd"),
    ({}, (ALL,), answer(TEXT, b"Content-Type: application/ld+json"), b"zstd"),
    ({}, (ALL,), answer(TEXT, b"Content-Type: image/png"), None),
    ({}, (ALL,), answer(TEXT), None),
    ({"types": ["image/*"]}, (ALL,), answer(TEXT, b"Content-Type: image/png"), b"zstd"),
    ({"types": ["image/*"]}, (ALL,), answer(TEXT, HTML), None),
    ({"types": ["a.b/c"]}, (ALL,), answer(TEXT, b"Content-Type: axb/c"), None),
    ({}, (ALL,), answer(TEXT[:1023], HTML), None),
    ({}, (ALL,), answer(TEXT[:1024], HTML), b"zstd"),
    ({"minimum": "1B"}, (ALL,), answer(b"x", HTML), b"zstd"),
    ({"minimum": "0B"}, (ALL,), answer(b"", HTML), None),
    ({}, (ALL,), head(HTML, CHUNKED) + b"3\r\nabc\r\n0\r\n\r\n", b"zstd"),
    ({}, (ALL,), answer(TEXT, HTML, b"Content-Encoding: br"), None),
    ({}, (ALL,), answer(TEXT, HTML, b"Content-Digest: sha-256=:x:"), None),
    ({}, (ALL,), answer(TEXT, HTML, b"Cache-Control: public, no-transform"), None),
    ({}, (ALL, b"Cache-Control: no-transform"), answer(TEXT, HTML), None),
    ({}, (ALL,), answer(TEXT, HTML, status=b"206 Partial Content"), None),
    ({}, (ALL,), answer(TEXT, HTML, status=b"404 Not Found"), b"zstd"),
)


class WireTests(RelayTestCase):
    """What clients get."""

    def compressing(self, value: Any = None, **given: Any) -> World:
        """A world that compresses."""
        return self.world(listener=loaded(compression=value or {}, **given))

    def lines(self, received: bytes) -> list[bytes]:
        """The lines of a head."""
        return received.partition(b"\r\n\r\n")[0].split(b"\r\n")

    def test_cases(self) -> None:
        """The table, on listeners and pools alike; whatever is coded decodes to what it was."""
        for value, sent, made, coding in CASES:
            for where in ("listener", "pool"):
                given: Any = {where: loaded(compression=value)}
                world = self.world(**given)
                client = world.client(ask(*sent))
                world.members[0].link.send(made)
                seen, case = client.news(), (value, sent, made[:300])
                if coding is None:
                    self.assertNotIn(b"\r\nContent-Encoding: zstd", seen, case)
                    self.assertEqual(seen.partition(b"\r\n\r\n")[2], made.partition(b"\r\n\r\n")[2])
                    continue
                lines = self.lines(seen)
                self.assertIn(b"Content-Encoding: " + coding, lines, case)
                self.assertIn(b"Vary: Accept-Encoding", lines, case)
                self.assertEqual(lines.count(CHUNKED), 1)
                self.assertNotIn(b"\ncontent-length", seen.lower())
                plain = content(made) if CHUNKED in made else made.partition(b"\r\n\r\n")[2]
                self.assertEqual(unpacking(coding)(content(seen)), plain, case)

    def test_head(self) -> None:
        """What the head says of the content is true of what is sent."""
        for sent, wanted in (
            ((b'ETag: "a"',), (b'ETag: W/"a"', b"Vary: Accept-Encoding")),
            ((b'etag:W/"a"',), (b'etag:W/"a"',)),
            ((b"Vary: Origin",), (b"Vary: Origin", b"Vary: Accept-Encoding")),
            ((b"Vary: Origin, accept-encoding",), (b"!Vary: Accept-Encoding",)),
            ((b"Vary: *",), (b"!Vary: Accept-Encoding",)),
            ((b"Accept-Ranges: bytes",), (b"!Accept-Ranges: bytes",)),
        ):
            world = self.compressing()
            client = world.client(ask(ALL))
            world.members[0].link.send(answer(TEXT, HTML, *sent))
            lines = self.lines(client.news())
            for line in wanted:
                if line[:1] == b"!":
                    self.assertNotIn(line[1:], lines)
                else:
                    self.assertIn(line, lines)

    def test_uncoded(self) -> None:
        """Who gets an answer as it is gets it whole, and caches learn that others may not."""
        for request in (ask(), ask(ALL, version=b"1.0"), ask(ALL, method=b"HEAD")):
            world = self.compressing()
            client = world.client(request)
            made = answer(TEXT, HTML, b'ETag: "a"')
            empty = request.startswith(b"HEAD")
            world.members[0].link.send(made[: -len(TEXT)] if empty else made)
            seen = client.news()
            lines = self.lines(seen)
            for line in (b'ETag: "a"', b"Vary: Accept-Encoding", b"Content-Length: %d" % len(TEXT)):
                self.assertIn(line, lines)
            self.assertTrue(seen.endswith(b"\r\n\r\n" + (b"" if empty else TEXT)))

    def test_unchanged(self) -> None:
        """304 tells of the same ETag as the answer did that it is about."""
        for sent, tag in ((ALL, b'ETag: W/"a"'), (b"X: y", b'ETag: "a"')):
            world = self.compressing()
            client = world.client(ask(sent))
            world.members[0].link.send(head(b'ETag: "a"', status=b"304 Not Modified"))
            lines = self.lines(client.news())
            self.assertIn(tag, lines)
            self.assertIn(b"Vary: Accept-Encoding", lines)

    def test_events(self) -> None:
        """Each event is there when it comes, and can be read."""
        for coding in (b"gzip", b"br", b"zstd"):
            world = self.compressing()
            client = world.client(ask(b"Accept-Encoding: " + coding))
            link = world.members[0].link
            link.send(head(b"Content-Type: text/event-stream", CHUNKED))
            seen = client.news().partition(b"\r\n\r\n")[2]
            unpack = unpacking(coding)
            for number in range(5):
                event = b"data: %d\n\n" % number
                link.send(b"%x\r\n%b\r\n" % (len(event), event))
                seen = client.news()
                size, _, rest = seen.partition(b"\r\n")
                self.assertEqual(unpack(rest[: int(size, 16)]), event)
            link.send(b"0\r\n\r\n")
            self.assertTrue(client.news().endswith(b"0\r\n\r\n"))

    def test_again(self) -> None:
        """Request after request on one connection, coded and not, of one member."""
        world = self.compressing()
        client = world.client()
        for number in range(6):
            client.send(ask(ALL) if number % 3 else ask())
            world.members[0].link.send(answer(TEXT, HTML))
            seen = client.news()
            if number % 3:
                self.assertEqual(unpacking(b"zstd")(content(seen)), TEXT)
            else:
                self.assertTrue(seen.endswith(TEXT))

    def test_cut(self) -> None:
        """An answer that the member does not finish is not finished for the client either."""
        world = self.compressing()
        client = world.client(ask(ALL))
        world.members[0].link.send(answer(TEXT, HTML)[:-10])
        world.members[0].link.end()
        self.assertFalse(client.news().endswith(b"0\r\n\r\n"))
        self.assertTrue(client.closed)

    def test_own(self) -> None:
        """Errors of ours are short and stay as they are."""
        world = self.world(listener={"default_pool_id": None, **loaded(compression={})})
        client = world.client(ask(ALL))
        self.assertNotIn(b"Vary", client.news())


class FaultTests(SynchronousTestCase):
    """Codings that are not installed."""

    def test_missing(self) -> None:
        """Who asks for one is told what to install; who asks for all gets what there is."""
        self.patch(encodings, "_module", lambda name: None if name == "brotli" else object())
        wanted = Pool(id="p", name="p", **loaded(compression={"encodings": ["gzip", "br"]}))
        (problem,) = faults(wanted)
        self.assertEqual(problem.path, ("pools", "p", "compression", "encodings", 1))
        self.assertIn("pip install 'fiberlb[compression]'", problem.message)
        self.assertEqual(faults(Pool(id="p", name="p", **loaded(compression={}))), [])
