"""The chunked coding: any split of any body, and everything that is none."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Fault
from fiberlb.wire.chunked import Chunked

#: Chunks as they are sent: the size's spelling, an extension, the content.
EXTENSIONS = st.sampled_from([b"", b";", b";a", b";a=b", b' ; a="b c"\t;d', b";\xff"])
CHUNKS = st.lists(
    st.tuples(st.sampled_from([b"%x", b"%X", b"%04x"]), EXTENSIONS, st.binary(min_size=1)),
    max_size=6,
)
TRAILERS = st.lists(
    st.sampled_from([b"X-Sum: 1", b"grpc-status:0", b"X: \t", b"Y: \xe9"]), max_size=3
)
#: What may follow a body: the next request, or what looks like more of the body.
AFTER = st.sampled_from([b"", b"GET / HTTP/1.1\r\n", b"\r\n", b"0\r\n\r\n", b"5\r\nhello\r\n"])
CUTS = st.lists(st.integers(0, 200), max_size=12)


def encoded(chunks: list[tuple[bytes, bytes, bytes]], trailers: list[bytes]) -> bytes:
    """A chunked body as a client may send it."""
    body = b"".join(s % len(c) + e + b"\r\n" + c + b"\r\n" for s, e, c in chunks)
    return body + b"0\r\n" + b"".join(line + b"\r\n" for line in trailers) + b"\r\n"


def plain(chunks: list[tuple[bytes, bytes, bytes]], trailers: list[bytes]) -> bytes:
    """The same as it is passed on."""
    return encoded([(size, b"", content) for size, _, content in chunks], trailers)


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """C{data} cut at these places."""
    ends = sorted({cut for cut in cuts if 0 < cut < len(data)})
    return [data[a:b] for a, b in zip([0, *ends], [*ends, len(data)], strict=True)]


def fed(chunked: Chunked, parts: list[bytes]) -> tuple[bytes, bytes]:
    """What is passed on, and what is left over."""
    out = []
    rest = b""
    for part in parts:
        if chunked.done:
            rest += part
        else:
            out.append(chunked.feed(part))
            rest += chunked.rest
    return b"".join(out), rest


def refused(data: bytes, each: int = 0, **limits: int) -> bool:
    """Whether a body is refused, given whole or C{each} bytes at a time."""
    chunked = Chunked(limits.get("trailers", 1024), limits.get("extension", 64))
    try:
        for start in range(0, len(data), each or len(data)):
            chunked.feed(data[start : start + (each or len(data))])
    except Fault as fault:
        assert fault.reason == "bad_request"
        return True
    return False


class SplitTests(SynchronousTestCase):
    """A body is the same however it comes."""

    @given(CHUNKS, TRAILERS, AFTER, CUTS)
    def test_passed(
        self,
        chunks: list[tuple[bytes, bytes, bytes]],
        trailers: list[bytes],
        after: bytes,
        cuts: list[int],
    ) -> None:
        """Chunks, their sizes' spelling and trailers pass; extensions and what follows do not."""
        chunked = Chunked(1024, 64)
        out, rest = fed(chunked, pieces(encoded(chunks, trailers) + after, cuts))
        self.assertEqual(out, plain(chunks, trailers))
        self.assertEqual((chunked.done, rest), (True, after))
        self.assertEqual(chunked.received, sum(len(content) for _, _, content in chunks))

    @given(CHUNKS, TRAILERS, AFTER, CUTS)
    def test_decoded(
        self,
        chunks: list[tuple[bytes, bytes, bytes]],
        trailers: list[bytes],
        after: bytes,
        cuts: list[int],
    ) -> None:
        """Decoded, the content alone remains."""
        chunked = Chunked(1024, 64, decode=True)
        out, rest = fed(chunked, pieces(encoded(chunks, trailers) + after, cuts))
        self.assertEqual(out, b"".join(content for _, _, content in chunks))
        self.assertEqual((chunked.done, rest), (True, after))

    @settings(max_examples=30)
    @given(CHUNKS, TRAILERS)
    def test_never_early(
        self, chunks: list[tuple[bytes, bytes, bytes]], trailers: list[bytes]
    ) -> None:
        """Without its last byte no body is done, and no last chunk has been passed on."""
        chunked = Chunked(1024, 64)
        out, _ = fed(chunked, pieces(encoded(chunks, trailers)[:-1], list(range(200))))
        self.assertFalse(chunked.done)
        self.assertEqual(out, plain(chunks, [])[: -len(b"0\r\n\r\n")])

    def test_untouched(self) -> None:
        """Where nothing changes, the very bytes are passed on, not a copy."""
        chunked = Chunked(1024, 64)
        chunked.feed(b"ffff\r\n")
        piece = bytes(1000)
        self.assertIs(chunked.feed(piece), piece)


class CountTests(SynchronousTestCase):
    """What counts as received."""

    def test_as_it_comes(self) -> None:
        """Content counts when it has come, not when its chunk is announced."""
        chunked = Chunked(1024, 64)
        counts = []
        for piece in (b"a\r", b"\nabc", b"defghi", b"j\r", b"\n3", b"\r\n123\r\n0\r\n\r\n"):
            chunked.feed(piece)
            counts.append(chunked.received)
        self.assertEqual(counts, [0, 3, 9, 10, 10, 13])

    def test_each_byte(self) -> None:
        """Neither framing nor trailers count."""
        chunked = Chunked(1024, 64)
        fed(chunked, pieces(b"1\r\nx\r\n2;y\r\nzz\r\n0\r\nA: b\r\n\r\n", list(range(50))))
        self.assertEqual(chunked.received, 3)


class MalformedTests(SynchronousTestCase):
    """What is no chunked body, in one piece and byte by byte."""

    def check(self, data: bytes, **limits: int) -> None:
        """It is refused however it comes."""
        self.assertTrue(refused(data, **limits), data)
        self.assertTrue(refused(data, each=1, **limits), data)

    def test_sizes(self) -> None:
        """Hexadecimal digits, at most 16 of them and 63 bits, and CRLF."""
        for size in (
            b"g",
            b"",
            b" 5",
            b"5 ",
            b"+5",
            b"-5",
            b"0x5",
            b"5_0",
            b"5\xb2",
            b"00000000000000005",
            b"ffffffffffffffff",
            b"8000000000000000",
            b"5,5",
            b"5\x00",
            b"5\t",
        ):
            self.check(size + b"\r\nhello\r\n")

    def test_line_ends(self) -> None:
        """CRLF after size and content, nothing else."""
        for data in (
            b"5\nhello\r\n",
            b"5\r\rhello\r\n",
            b"5\rhello\r\n",
            b"5;a\nhello\r\n",
            b"5\r\nhello\n0\r\n",
            b"5\r\nhello\r0\r\n",
            b"5\r\nhello!\r\n",
            b"5\r\nhell\r\n0\r\n",
            b"5\r\nhello0\r\n\r\n",
            b"0\n\n",
            b"0\r\n\n",
            b"0\r\n\rx",
        ):
            self.check(data)

    def test_extensions(self) -> None:
        """Bounded, and without control characters."""
        for data in (
            b"5;\x00\r\n",
            b"5;a\x7f\r\n",
            b"5;a\rb\r\n",
            b"5;" + b"x" * 64 + b"\r\n",
            b"5;" + b"x" * 200,
            b"5 x\r\n",
        ):
            self.check(data)
        self.assertFalse(refused(b"5;" + b"x" * 63 + b"\r\n"))

    def test_trailers(self) -> None:
        """Field lines as strict as those of a head, bounded as a whole."""
        for data in (
            b"0\r\n a: b\r\n\r\n",
            b"0\r\na : b\r\n\r\n",
            b"0\r\na: b\n\r\n",
            b"0\r\na: b\x00\r\n\r\n",
            b"0\r\nno colon\r\n\r\n",
            b"0\r\n: b\r\n\r\n",
            b"0\r\na: b\r\n c\r\n\r\n",
            b"0\r\nGET / HTTP/1.1\r\n\r\n",
        ):
            self.check(data)
        self.check(b"0\r\n" + b"a: b\r\n" * 9 + b"\r\n", trailers=50)
        self.check(b"0\r\na: " + b"b" * 60, trailers=50)
        self.assertFalse(refused(b"0\r\n" + b"a: b\r\n" * 8 + b"\r\n", trailers=50))

    def test_good_before_bad(self) -> None:
        """What came whole before the fault is on its way, no last chunk follows it."""
        chunked = Chunked(1024, 64)
        self.assertEqual(chunked.feed(b"3\r\nabc\r\n"), b"3\r\nabc\r\n")
        self.assertRaises(Fault, chunked.feed, b"0\r\nbad\r\n\r\n")
        self.assertFalse(chunked.done)


class TrailerTests(SynchronousTestCase):
    """Which trailers pass."""

    def test_forbidden(self) -> None:
        """Framing, routing, authentication, and what is said about the client, are dropped."""
        names = (
            b"Content-Length Transfer-Encoding Host Connection Trailer TE Upgrade Content-Type"
            b" Authorization Cookie Set-Cookie X-Forwarded-For x_forwarded_for Forwarded X-Real-IP"
            b" X-SSL-Client-CN Content_Length Via Expect Keep-Alive Cache-Control"
        ).split()
        lines = b"".join(name + b": x\r\n" for name in names)
        chunked = Chunked(4096, 64)
        out = chunked.feed(b"0\r\nX-A: 1\r\n" + lines + b"grpc-status: 0\r\n\r\n")
        self.assertEqual(out, b"0\r\nX-A: 1\r\ngrpc-status: 0\r\n\r\n")

    def test_lookalikes_pass(self) -> None:
        """A forbidden name is matched as a whole."""
        chunked = Chunked(1024, 64)
        body = b"0\r\nX-Host: 1\r\nHostess: 2\r\nContent-Length-X: 3\r\n\r\n"
        self.assertEqual(chunked.feed(body), body)
