"""
The parsers against llhttp (of Node.js, through httptools), on honest, odd and broken messages.

Whatever both take they understand alike. Where only one of them takes a
message, a line of the tables below says why that is right.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httptools
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Fault
from fiberlb.wire.chunked import Chunked
from fiberlb.wire.fields import CHUNKED, UNTIL_CLOSE
from tests.wire.reading import Request, Response, request, response

METHODS = st.sampled_from(b"GET POST HEAD OPTIONS PUT CONNECT TRACE get X-Y".split())
TARGETS = st.sampled_from(
    b"/ * /a?b=c /%zz //x http://a.example/ http://a.example a.example:80 x /\xc3\xa9 /#f".split()
)
VERSIONS = st.sampled_from([b"HTTP/1.1"] * 6 + [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"http/1.1"])
LINES = st.sampled_from(
    b"Host: a.example|host:b|Host: |Content-Length: 5|Content-Length: 05|content-length: 5"
    b"|Content-Length: +5|Content-Length:|Content-Length: 5, 5|Transfer-Encoding: chunked"
    b"|Transfer-Encoding: CHUNKED |transfer-encoding: gzip, chunked|Transfer-Encoding: gzip"
    b"|Transfer-Encoding:|Transfer-Encoding: chunked, chunked|Content_Length: 6"
    b"|Connection: close|Connection: keep-alive|connection: Upgrade|Upgrade: websocket"
    b"|X: y|X:|X: \ty \t|X: \xe9\xff|Accept: a, b|Expect: 100-continue|X : y| X: y|X|: y"
    b"|Cookie: a=b|TE: trailers".split(b"|")
)
STATUSES = st.sampled_from(
    b"HTTP/1.1 200 OK|HTTP/1.1 204 No Content|HTTP/1.1 304 |HTTP/1.1 599|HTTP/1.0 200 OK"
    b"|HTTP/1.1 20 OK|HTTP/2.0 200 OK|HTTP/1.1 200  OK|HTTP/1.1 600 X|HTTP/1.1 404 Not Found"
    b"|HTTP/1.1 2000 X".split(b"|")
)
#: A change at some place: the byte there is replaced by these.
CHANGES = st.one_of(
    st.none(),
    st.tuples(
        st.integers(0, 150),
        st.sampled_from(
            [
                b"",
                b"\n",
                b"\r",
                b"\r\n",
                b"\x00",
                b"\x0b",
                b" ",
                b"\t",
                b":",
                b"\x7f",
                b"\xa0",
                b";",
            ]
        ),
    ),
)
Change = tuple[int, bytes] | None


def message(start: bytes, lines: list[bytes], change: Change) -> bytes:
    """A head of these parts, perhaps broken."""
    data = b"\r\n".join([start, *lines, b"", b""])
    if change is None:
        return data
    at, put = change
    at %= len(data)
    head, end, _ = (data[:at] + put + data[at + 1 :]).partition(b"\r\n\r\n")
    return head + end


class Told:
    """What llhttp says of a message."""

    def __init__(self) -> None:
        self.lines: list[tuple[bytes, bytes]] = []
        self.url = b""
        self.head = False
        self.keep = False
        self.whole = 0
        self.body = b""
        self.parser: Any = None

    def on_url(self, piece: bytes) -> None:
        """Some of the target."""
        self.url += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """One field."""
        self.lines.append((name, value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self.head = True
        self.keep = self.parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """Some of the body."""
        self.body += piece

    def on_message_complete(self) -> None:
        """The message is whole."""
        self.whole += 1


def ask(make: Callable[[Told], Any], *pieces: bytes) -> tuple[Told, bool]:
    """Feed llhttp; what it told, and whether it refused."""
    told = Told()
    told.parser = make(told)
    try:
        for piece in pieces:
            told.parser.feed_data(piece)
    except httptools.HttpParserUpgrade:
        pass
    except httptools.HttpParserError:
        return told, True
    return told, False


def fields_of(raw: bytes) -> list[tuple[bytes, bytes]]:
    """The fields of a header block."""
    pairs = [line.partition(b":") for line in raw.split(b"\r\n")[1:-1]]
    return [(name, value.strip(b" \t")) for name, _, value in pairs]


def named(data: bytes, name: bytes) -> list[bytes]:
    """The values of a field."""
    return [v.strip() for v in re.findall(rb"(?i)\r\n" + name + rb":([^\r]*)", data)]


def host_is_wrong(data: bytes) -> bool:
    """RFC 9112, 3.2: none in HTTP/1.1, several, or one that is no host and port."""
    hosts = named(data, b"host")
    if not hosts:
        return b" HTTP/1.1\r\n" in data
    return len(hosts) > 1 or re.fullmatch(rb"[A-Za-z0-9.-]+(?::\d{1,5})?", hosts[0]) is None


def target_is_wrong(data: bytes) -> bool:
    """RFC 9112, 3.2: a form that does not belong to the method, a fragment, another authority."""
    method, _, rest = data.partition(b" ")
    target = rest.partition(b" ")[0]
    if method in (b"CONNECT", b"TRACE") or b"#" in target:
        return True
    if target.startswith(b"http://"):
        authority = re.match(rb"http://([^/?]*)", target)
        return authority is None or [authority[1]] != named(data, b"host")
    return not target.startswith(b"/") and (target, method) != (b"*", b"OPTIONS")


#: Why llhttp takes what we refuse.
LENIENT: dict[str, Callable[[bytes], bool]] = {
    "llhttp does not look at Host": host_is_wrong,
    "llhttp leaves targets to its user": target_is_wrong,
    "llhttp takes other versions": lambda data: re.search(rb" HTTP/1\.[01]\r\n", data) is None,
    "llhttp takes a coding in HTTP/1.0": lambda data: (
        b" HTTP/1.0\r\n" in data and bool(named(data, b"transfer-encoding"))
    ),
    "codings other than chunked are refused, and chunked twice": lambda data: bool(
        re.search(rb"(?i)\r\ntransfer-encoding:(?![ \t]*chunked[ \t]*\r)", data)
        or len(named(data, b"transfer-encoding")) > 1
    ),
    "llhttp does not know names with underscores": lambda data: bool(
        named(data, b"content_length")
    ),
}
#: Why we take what llhttp refuses.
STRICT: dict[str, Callable[[bytes], bool]] = {
    "llhttp knows a list of methods": lambda data: (
        not data.startswith((b"GET ", b"POST ", b"HEAD ", b"OPTIONS ", b"PUT "))
    ),
    "bytes above 127 pass in targets": lambda data: max(data.partition(b"\r")[0]) > 127,
    "llhttp wants a path after a host": lambda data: b" http://a.example HTTP" in data,
    "llhttp refuses odd characters of targets": lambda data: bool(
        re.match(rb"\S+ \S*[^\w/?=%.:*&+-]\S* ", data)
    ),
}


def explained(data: bytes, table: dict[str, Callable[[bytes], bool]]) -> bool:
    """Whether a line of the table applies."""
    return any(applies(data) for applies in table.values())


class RequestTests(SynchronousTestCase):
    """Requests."""

    @settings(max_examples=800, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(METHODS, TARGETS, VERSIONS, st.lists(LINES, max_size=4), st.booleans(), CHANGES)
    def test_requests(
        self,
        method: bytes,
        target: bytes,
        version: bytes,
        lines: list[bytes],
        host: bool,
        change: Change,
    ) -> None:
        """The same ones are taken, and understood alike, but for the reasons in the tables."""
        start = b" ".join([method, target, version])
        data = message(start, [b"Host: a.example"] * host + lines, change)
        if data.startswith(b"\r\n"):
            return
        told, refused = ask(httptools.HttpRequestParser, data)
        try:
            ours = request(data)
        except Fault:
            if not refused and told.head:
                self.assertTrue(explained(data, LENIENT), data)
            return
        if refused:
            self.assertTrue(ours is None or explained(data, STRICT), data)
            return
        self.assertEqual(ours is not None, told.head, data)
        if ours is not None:
            self.compare(data, ours, told)

    def compare(self, data: bytes, ours: Request, told: Told) -> None:
        """Both took it: they must see the same."""
        self.assertEqual(fields_of(ours.raw), told.lines)
        self.assertTrue(ours.target in told.url or ours.target in (b"/", b"*"), data)
        self.assertEqual(ours.method, told.parser.get_method())
        if ours.upgrades:
            return
        body = {0: b"", CHUNKED: b"5\r\nhello\r\n0\r\n\r\n"}.get(ours.length, b"hello")
        if ours.length in (0, 5, CHUNKED):
            before, _ = ask(httptools.HttpRequestParser, data, body[:-1])
            after, _ = ask(httptools.HttpRequestParser, data, body)
            self.assertEqual((before.whole, after.whole), (0 if body else 1, 1), data)
            if len(named(data, b"connection")) < 2:
                self.assertEqual(ours.keep, told.keep, data)


#: The same for answers.
LENIENT_ANSWERS: dict[str, Callable[[bytes], bool]] = {
    "llhttp takes versions, statuses and reasons we refuse": lambda data: (
        re.match(rb"HTTP/1\.[01] [1-5]\d\d(?: [\t -~\x80-\xff]*)?\r\n", data) is None
    ),
    "a coding other than chunked, or in HTTP/1.0, is no framing": lambda data: bool(
        named(data, b"transfer-encoding")
    ),
    "llhttp does not know names with underscores": lambda data: bool(
        named(data, b"content_length")
    ),
}
STRICT_ANSWERS: dict[str, Callable[[bytes], bool]] = {
    "of a coding and a length the coding counts (RFC 9112, 6.3)": lambda data: bool(
        named(data, b"transfer-encoding") and named(data, b"content-length")
    ),
    "equal lengths collapse": lambda data: (
        len(named(data, b"content-length")) > 1 and len(set(named(data, b"content-length"))) == 1
    ),
    "a reason may be odd": lambda data: bool(re.match(rb"HTTP/1\.[01] [1-5]\d\d [^\r]", data)),
}


class ResponseTests(SynchronousTestCase):
    """Answers."""

    @settings(max_examples=500, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(STATUSES, st.lists(LINES, max_size=4), CHANGES)
    def test_responses(self, start: bytes, lines: list[bytes], change: Change) -> None:
        """The same ones are taken, and understood alike, but for the reasons in the tables."""
        data = message(start, lines, change)
        told, refused = ask(httptools.HttpResponseParser, data)
        try:
            ours = response(data)
        except Fault:
            if not refused and told.head:
                self.assertTrue(explained(data, LENIENT_ANSWERS), data)
            return
        if refused:
            self.assertTrue(ours is None or explained(data, STRICT_ANSWERS), data)
            return
        self.assertEqual(ours is not None, told.head, data)
        if ours is not None and ours.status not in (101, 204, 304) and ours.status >= 200:
            self.compare(data, ours)

    def compare(self, data: bytes, ours: Response) -> None:
        """Both took it: its body ends at the same byte."""
        if ours.length == UNTIL_CLOSE:
            told, _ = ask(httptools.HttpResponseParser, data, b"hello")
            self.assertEqual((told.whole, told.body), (0, b"hello"))
        elif ours.length in (5, CHUNKED):
            body = b"5\r\nhello\r\n0\r\n\r\n" if ours.length == CHUNKED else b"hello"
            before, _ = ask(httptools.HttpResponseParser, data, body[:-1])
            after, _ = ask(httptools.HttpResponseParser, data, body)
            self.assertEqual((before.whole, after.whole), (0, 1), data)


#: Pieces that chunked bodies are made of, and go wrong with.
PIECES = st.lists(
    st.sampled_from(
        b"5\r\nhello\r\n|0\r\n|\r\n|a\r\n|0123456789|3;x=y\r\nabc\r\n|A\r\n0123456789\r\n"
        b"|00\r\n|X: y\r\n|\n|\r|;|;a=\x00|5 \r\n|-1\r\n|0x1\r\n|x|1\r\n\r\r\n| "
        b"|ffffffffffffffff\r\n".split(b"|")
    ),
    max_size=7,
)


class ChunkedTests(SynchronousTestCase):
    """Chunked bodies."""

    HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

    @settings(max_examples=800, deadline=None)
    @given(PIECES)
    def test_bodies(self, pieces: list[bytes]) -> None:
        """Content and end are the same; what llhttp refuses is refused, and more."""
        data = b"".join(pieces)
        told, refused = ask(httptools.HttpRequestParser, self.HEAD, *pieces)
        # What follows a body is the business of the next message.
        refused = refused and not told.whole
        chunked = Chunked(1000, 100, decode=True)
        out = []
        try:
            # What llhttp refuses at once may wait for the end of its line here.
            for piece in (*pieces, b"\r\n") if refused else pieces:
                if not chunked.done:
                    out.append(chunked.feed(piece))
        except Fault:
            self.assertTrue(refused or self.stricter(data), data)
            return
        if refused:
            # Extensions are dropped: what is printable need not make sense.
            self.assertIn(b";", data)
            return
        self.assertEqual(chunked.done, bool(told.whole), data)
        self.assertEqual(b"".join(out), told.body, data)

    def stricter(self, data: bytes) -> bool:
        """Where we refuse more: sizes of 64 bits, space after a size, odd bytes in extensions."""
        odd = rb"f{16}|[0-9a-fA-F] +\r|;[^\r]*[\x00-\x08\x0a-\x1f]"
        return re.search(odd, data) is not None
