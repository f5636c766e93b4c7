"""Response heads: framing, what is forwarded, what no member may send."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.bounds import Limits
from fiberlb.wire.fields import CHUNKED, UNTIL_CLOSE
from fiberlb.wire.response_head import worth_parsing
from tests.wire.reading import LIMITS, answered, bad_response, prefixes, response

FOREVER = float("inf")
PLAIN = (
    b"HTTP/1.1 200 OK\r\n"
    b"Server:x\r\n"
    b"Set-Cookie: a=1\r\n"
    b"set-cookie: b=2\r\n"
    b"X-Bytes: \xe9\t \xff\r\n"
    b"Content-Length:  12 \r\n"
    b"\r\n"
)


class PassedTests(SynchronousTestCase):
    """What a client sees of an answer."""

    def test_untouched(self) -> None:
        """Status, reason and fields pass byte for byte."""
        found = response(PLAIN + b"body")
        assert found is not None
        self.assertEqual((found.status, found.reason), (200, b" OK"))
        self.assertEqual(found.block, PLAIN[PLAIN.index(b"\r\n") : -2])
        self.assertEqual((found.end, found.length, found.keep), (len(PLAIN), 12, FOREVER))

    def test_status(self) -> None:
        """From 100 to 599, with any reason, an empty one, or none."""
        for status, reason in {
            b"100 Continue": b" Continue",
            b"299 \xe4\xf6 b": b" \xe4\xf6 b",
            b"404 ": b" ",
            b"599": b"",
        }.items():
            found = answered(status=status)
            self.assertEqual((found.status, found.reason), (int(status[:3]), reason))

    def test_hop_by_hop(self) -> None:
        """Connection, all that it names, and the fields of one hop are taken out."""
        found = answered(
            b"Connection: X-One, close",
            b"x-one: 1",
            b"Keep-Alive: timeout=5",
            b"Proxy-Connection: close",
            b"Upgrade: h2",
            b"TE: trailers",
            b"connection: x-two",
            b"X-Two: 2",
            b"X-Three: 3",
        )
        self.assertEqual(found.lines, [b"X-Three: 3"])
        self.assertEqual(found.keep, 0.0)

    def test_protected(self) -> None:
        """Connection does not remove the framing."""
        found = answered(b"Connection: content-length", b"Content-Length: 3")
        self.assertEqual((found.lines, found.length), ([b"Content-Length: 3"], 3))

    def test_upgrade(self) -> None:
        """The protocol that a member switches to, where Connection says so."""
        found = answered(
            b"Connection: Upgrade", b"Upgrade: websocket", b"X: y", status=b"101 Switching"
        )
        self.assertEqual((found.upgrade, found.lines), (b"websocket", [b"X: y"]))
        self.assertEqual(answered(b"Upgrade: websocket", status=b"101 Switching").upgrade, b"")


class KeepTests(SynchronousTestCase):
    """For how long a member's connection can be used again."""

    def test_keep(self) -> None:
        """By version and Connection; close wins."""
        cases = {
            (b"1.1", ()): FOREVER,
            (b"1.1", (b"Connection: keep-alive",)): FOREVER,
            (b"1.1", (b"Connection: Close",)): 0.0,
            (b"1.1", (b"Connection: keep-alive", b"Connection: close")): 0.0,
            (b"1.0", ()): 0.0,
            (b"1.0", (b"Connection: Keep-Alive",)): FOREVER,
            (b"1.0", (b"Connection: keep-alive, close",)): 0.0,
        }
        for (version, lines), keep in cases.items():
            self.assertEqual(answered(*lines, version=version).keep, keep, (version, lines))

    def test_hint(self) -> None:
        """Keep-Alive shortens it, by a second more than it says."""
        cases = {
            b"timeout=5": 4.0,
            b"max=100, Timeout = 20": 19.0,
            b'timeout="7"': 6.0,
            b"timeout=1": 0.0,
            b"timeout=0": 0.0,
            b"timeout=x": FOREVER,
            b"max=3": FOREVER,
        }
        for value, keep in cases.items():
            self.assertEqual(answered(b"Keep-Alive: " + value).keep, keep, value)
        closed = answered(b"Keep-Alive: timeout=5", b"Connection: close")
        self.assertEqual(closed.keep, 0.0)


class FramingTests(SynchronousTestCase):
    """Where the body ends."""

    def test_lengths(self) -> None:
        """A number, chunked, or the end of the connection."""
        zeros = answered(b"Content-Length: 0" + b"0" * 5000 + b"7")
        self.assertEqual((zeros.length, zeros.lines), (7, [b"Content-Length: 7"]))
        self.assertEqual(answered(b"Content-Length: 0").lines, [b"Content-Length: 0"])
        for text in (b" Chunked", b"\tchunked\t"):
            coded = answered(b"Transfer-Encoding:" + text)
            # One spelling goes on: some readers mind a tab.
            self.assertEqual(
                (coded.length, coded.lines), (CHUNKED, [b"Transfer-Encoding: chunked"])
            )
        self.assertEqual(answered().length, UNTIL_CLOSE)
        self.assertEqual(answered(version=b"1.0").length, UNTIL_CLOSE)

    def test_repeated_length(self) -> None:
        """Equal lengths collapse into one."""
        found = answered(b"Content-Length: 5", b"X: y", b"content-length: 5")
        self.assertEqual((found.length, found.lines), (5, [b"Content-Length: 5", b"X: y"]))

    def test_both(self) -> None:
        """The coding wins; the length is not passed on, the connection not used again."""
        for version in (b"Connection: keep-alive", b"X: y"):
            found = answered(
                b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Content-Length: 6", version
            )
            self.assertEqual(found.length, CHUNKED)
            self.assertEqual(found.lines[0], b"Transfer-Encoding: chunked")
            self.assertNotIn(b"Content-Length", found.block)
            self.assertEqual(found.keep, 0.0)

    def test_never_framed(self) -> None:
        """Informational answers and 204 do not tell of a body that they cannot have."""
        for status in (b"103 Early Hints", b"204 No Content"):
            for line in (b"Content-Length: 5", b"Transfer-Encoding: chunked"):
                self.assertEqual(answered(b"A: b", line, status=status).lines, [b"A: b"])
        kept = answered(b"Content-Length: 5", status=b"304 Not Modified")
        self.assertEqual(kept.lines, [b"Content-Length: 5"])

    def test_refused(self) -> None:
        """Framing that two readers could read differently."""
        for lines in (
            (b"Content-Length: -1",),
            (b"Content-Length: +1",),
            (b"Content-Length: 1, 1",),
            (b"Content-Length:",),
            (b"Content-Length: 0x1",),
            (b"Content-Length: 9223372036854775808",),
            (b"Content-Length: " + b"9" * 5000,),
            (b"Content-Length: 1", b"Content-Length: 2"),
            (b"Transfer-Encoding: gzip, chunked",),
            (b"Transfer-Encoding: identity",),
            (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
            (b"Transfer_Encoding: chunked",),
            (b"Content_Length: 5",),
        ):
            head = b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""])
            self.assertTrue(bad_response(head), lines)
        self.assertTrue(bad_response(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))


class MalformedTests(SynchronousTestCase):
    """What is no HTTP/1 answer."""

    def test_refused(self) -> None:
        """Each way in which a head can be wrong."""
        for head in (
            b"<html>",
            b"HTTP/2.0 200 OK\r\n",
            b"HTTP/1.2 200 OK\r\n\r\n",
            b"HTTP/0.9 200 OK\r\n\r\n",
            b"http/1.1 200 OK\r\n\r\n",
            b"ICY 200 OK\r\n\r\n",
            b"HTTP/1.1 20 OK\r\n\r\n",
            b"HTTP/1.1 2000 OK\r\n\r\n",
            b"HTTP/1.1 600 No\r\n\r\n",
            b"HTTP/1.1 099 No\r\n\r\n",
            b"HTTP/1.1  200 OK\r\n\r\n",
            b"HTTP/1.1 200 O\x00K\r\n\r\n",
            b"HTTP/1.1 200 OK\n\n",
            b"HTTP/1.1 200 OK\r\nA: b\n\r\n",
            b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\x00\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n: b\r\n\r\n",
        ):
            self.assertTrue(bad_response(head), head)

    def test_limits(self) -> None:
        """The head as a whole, and twice as many fields as a request may have."""
        limits = Limits(head=256, header_count=4)
        start = b"HTTP/1.1 200 OK\r\n"
        self.assertFalse(bad_response(start + b"a:b\r\n" * 7 + b"\r\n", limits))
        self.assertTrue(bad_response(start + b"a:b\r\n" * 8 + b"\r\n", limits))
        self.assertTrue(bad_response(start + b"a: " + b"b" * 256 + b"\r\n\r\n", limits))
        self.assertTrue(bad_response(start + b"a: " + b"b" * 256, limits))

    def test_prefixes(self) -> None:
        """No piece of a good head is refused, and none is taken for the whole."""
        for piece in prefixes(PLAIN):
            self.assertIsNone(response(piece), piece)

    def test_worth_parsing(self) -> None:
        """The end is seen wherever the pieces meet; before it only the beginning is looked at."""
        for split in range(len(PLAIN)):
            self.assertTrue(worth_parsing(PLAIN, split, LIMITS))
            self.assertEqual(worth_parsing(PLAIN[:-1], split, LIMITS), split < 7)
        self.assertTrue(worth_parsing(b"x" * 66000, 65000, LIMITS))
