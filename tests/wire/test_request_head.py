"""Request heads: what is passed on, what is understood, what is refused."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.bounds import Limits
from fiberlb.wire.fields import CHUNKED
from fiberlb.wire.request_head import after_empty_lines, worth_parsing
from tests.wire.reading import LIMITS, fields, head, prefixes, refusal, request, whole

BROWSER = (
    b"GET /a%20b//c/../d;x?q=%zz&&r= HTTP/1.1\r\n"
    b"Host: www.example.org:8080\r\n"
    b"User-Agent:Mozilla/5.0 (X11)\r\n"
    b"accept:  text/html,*/*;q=0.8  \r\n"
    b"Cookie: a=1; b=\xc3\xa9\r\n"
    b"X-Empty:\r\n"
    b"COOKIE: c=2\r\n"
    b"\r\n"
)


class PassedTests(SynchronousTestCase):
    """What a member sees of a request."""

    def test_untouched(self) -> None:
        """Method, target and fields pass byte for byte: order, case, spacing, repeats, obs-text."""
        found = whole(BROWSER + b"next")
        self.assertEqual(found.method, b"GET")
        self.assertEqual(found.target, b"/a%20b//c/../d;x?q=%zz&&r=")
        self.assertEqual(found.block, BROWSER[BROWSER.index(b"\r\n") : -2])
        self.assertEqual(found.block, found.raw)
        self.assertEqual(found.end, len(BROWSER))
        self.assertEqual(found.authority, b"www.example.org:8080")
        self.assertEqual((found.length, found.keep, found.minor), (0, True, 1))

    def test_methods(self) -> None:
        """Any token is a method, in the case it came in."""
        for method in (b"GET", b"get", b"PROPFIND", b"M-SEARCH", b"X!#$%&'*+.^_`|~9"):
            self.assertEqual(fields(method=method).method, method)

    def test_hop_by_hop(self) -> None:
        """Connection, all that it names, and the fields of one hop are taken out."""
        found = fields(
            b"Connection: close, X-One",
            b"X-One: 1",
            b"Keep-Alive: timeout=5",
            b"X-Two: 2",
            b"Proxy-Connection: keep-alive",
            b"CONNECTION: x-THREE,,x-four",
            b"X-Three: 3",
            b"x-four: 4",
            b"X-Five: 5",
            b"TE: gzip",
            b"Upgrade: websocket",
        )
        self.assertEqual(found.lines, [b"Host: a.example", b"X-Two: 2", b"X-Five: 5"])
        self.assertFalse(found.keep)
        self.assertFalse(found.upgrades)

    def test_protected(self) -> None:
        """Connection removes neither Host, nor framing, nor what is said about the client."""
        found = whole(
            head(
                b"Connection: host, content-length, x-forwarded-for, via",
                b"Content-Length: 3",
                b"Via: 1.1 other",
                b"X-Forwarded-For: 10.0.0.1",
                b"X-Forwarded-Proto: https",
            ),
            trusted=True,
        )
        kept = [b"Host: a.example", b"Content-Length: 3", b"Via: 1.1 other"]
        self.assertEqual(found.lines, [*kept, b"X-Forwarded-Proto: https"])
        coded = fields(b"Connection: transfer-encoding", b"Transfer-Encoding: chunked")
        self.assertEqual(coded.lines[-1], b"Transfer-Encoding: chunked")

    def test_forwarded_of_strangers(self) -> None:
        """What a client says about itself is taken out, in either spelling."""
        found = fields(
            b"X-Forwarded-For: 1.1.1.1",
            b"x-forwarded-PROTO: https",
            b"X_Forwarded_For: 1.1.1.1",
            b"X-Forwarded-Anything-Else: 1",
            b"Forwarded: for=1.1.1.1",
            b"X-Real-IP: 1.1.1.1",
            b"X_Real_Ip: 1.1.1.1",
            b"X-Client-IP: 1.1.1.1",
            b"X-SSL-Client-Verify: 0",
            b"X_SSL_Client_DN: CN=root",
            b"X-Forwardedfor: 1",
        )
        self.assertEqual(found.lines, [b"Host: a.example", b"X-Forwardedfor: 1"])
        self.assertEqual(found.forwarded, b"")

    def test_forwarded_of_trusted(self) -> None:
        """A trusted peer's fields stay; X-Forwarded-For is handed over to be appended to."""
        lines = (
            b"X-Forwarded-For: 1.1.1.1",
            b"X-Forwarded-Host: b.example",
            b"X-Forwarded-For: 2.2.2.2, 3.3.3.3",
            b"X_Forwarded_For: 9.9.9.9",
            b"Forwarded: for=1.1.1.1",
            b"X-Real-IP: 1.1.1.1",
        )
        found = whole(head(*lines), trusted=True)
        self.assertEqual(found.forwarded, b"1.1.1.1, 2.2.2.2, 3.3.3.3")
        self.assertEqual(found.lines, [b"Host: a.example", lines[1], lines[4], lines[5]])

    def test_expect(self) -> None:
        """Expect passes, and is understood; HTTP/1.0 does not know it."""
        found = fields(b"Expect: 100-Continue", b"Content-Length: 1", method=b"POST")
        self.assertTrue(found.expects)
        self.assertIn(b"Expect: 100-Continue", found.lines)
        old = fields(b"Expect: 100-continue", version=b"1.0")
        self.assertFalse(old.expects)
        self.assertEqual(old.lines, [b"Host: a.example"])

    def test_trailers(self) -> None:
        """TE: trailers is understood, every other element of TE goes."""
        self.assertTrue(fields(b"TE: gzip;q=0.5, Trailers").trailers)
        self.assertFalse(fields(b"TE: gzip").trailers)

    def test_upgrade(self) -> None:
        """An upgrade takes both fields and HTTP/1.1; HTTP/2 in clear text is never asked for."""
        found = fields(b"Connection: keep-alive, Upgrade", b"Upgrade: websocket", b"Upgrade: b/2")
        self.assertTrue(found.upgrades)
        self.assertEqual(found.upgrade, b"websocket, b/2")
        self.assertEqual(found.lines, [b"Host: a.example"])
        refused = (
            fields(b"Upgrade: websocket"),
            fields(b"Connection: upgrade"),
            fields(b"Connection: upgrade", b"Upgrade: websocket", version=b"1.0"),
            fields(b"Connection: upgrade, http2-settings", b"Upgrade: h2c", b"HTTP2-Settings: A"),
            fields(b"Connection: upgrade", b"Upgrade: websocket, H2C"),
        )
        for one in refused:
            self.assertFalse(one.upgrades)
            self.assertEqual((one.upgrade, one.lines), (b"", [b"Host: a.example"]))


class ConnectionTests(SynchronousTestCase):
    """Whether the client's connection may be used again."""

    def test_keep(self) -> None:
        """HTTP/1.1 stays unless told, HTTP/1.0 goes unless told; close wins over keep-alive."""
        cases = {
            (b"1.1", ()): True,
            (b"1.1", (b"Connection: Keep-Alive",)): True,
            (b"1.1", (b"Connection: close",)): False,
            (b"1.1", (b"Connection: x, CLOSE",)): False,
            (b"1.1", (b"Connection: keep-alive", b"Connection: close")): False,
            (b"1.0", ()): False,
            (b"1.0", (b"Connection: keep-alive",)): True,
            (b"1.0", (b"Connection: x ,\tKeep-Alive",)): True,
            (b"1.0", (b"Connection: keep-alive, close",)): False,
            (b"1.0", (b"Connection: x",)): False,
            (b"1.1", (b"Connection:",)): True,
        }
        for (version, lines), keep in cases.items():
            self.assertEqual(fields(*lines, version=version).keep, keep, (version, lines))


class TargetTests(SynchronousTestCase):
    """The four forms of a target."""

    def test_absolute(self) -> None:
        """Absolute-form becomes path and query; its authority is that of the request."""
        for target, path in {
            b"http://a.example/x?y": b"/x?y",
            b"HTTP://A.example": b"/",
            b"https://a.example?y": b"/?y",
            b"http://a.example//x": b"//x",
        }.items():
            found = whole(b"GET " + target + b" HTTP/1.1\r\nHost: a.example\r\n\r\n")
            self.assertEqual(found.target, path, target)
            self.assertEqual(found.authority.lower(), b"a.example")
            self.assertEqual(found.lines, [b"Host: a.example"])

    def test_absolute_without_host(self) -> None:
        """HTTP/1.0 may leave Host out: it is made of the target."""
        found = whole(b"GET http://b.example:81/x HTTP/1.0\r\nA: b\r\n\r\n")
        self.assertEqual(found.lines, [b"Host: b.example:81", b"A: b"])
        self.assertEqual(found.authority, b"b.example:81")

    def test_old(self) -> None:
        """HTTP/1.0 without any host is a request."""
        found = whole(b"GET / HTTP/1.0\r\n\r\n")
        self.assertEqual((found.authority, found.block, found.keep), (b"", b"\r\n", False))

    def test_asterisk(self) -> None:
        """OPTIONS may ask about the server as a whole, in either spelling."""
        found = fields(method=b"OPTIONS")
        self.assertEqual(found.target, b"/")
        for target in (b"*", b"http://a.example"):
            found = whole(b"OPTIONS " + target + b" HTTP/1.1\r\nHost: a.example\r\n\r\n")
            self.assertEqual(found.target, b"*")
        found = whole(b"OPTIONS http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n")
        self.assertEqual(found.target, b"/")

    def test_refused(self) -> None:
        """Other forms, other schemes, fragments and two different authorities are refused."""
        for target in (
            b"*",
            b"a.example:80",
            b"x",
            b"?x",
            b"ftp://a.example/",
            b"http:///x",
            b"http://u@a.example/",
            b"http://b.example/",
            b"http://a.example:80:80/",
            b"http://a.example/#f",
            b"/x#f",
            b"/x\x7f",
            b"/x\x01",
        ):
            line = b"GET " + target + b" HTTP/1.1\r\nHost: a.example\r\n\r\n"
            self.assertEqual(refusal(line), "bad_request", target)

    def test_nul(self) -> None:
        """Members may take NUL for the end of a path; a query may say what it likes."""
        for target in (b"/a%00", b"/%00?x", b"http://a.example/%00"):
            line = b"GET " + target + b" HTTP/1.1\r\nHost: a.example\r\n\r\n"
            self.assertEqual(refusal(line), "bad_request", target)
        for target in (b"/a?x=%00", b"/a%2500", b"/a%0", b"/%20"):
            found = whole(b"GET " + target + b" HTTP/1.1\r\nHost: a.example\r\n\r\n")
            self.assertEqual(found.target, target)

    def test_unsupported(self) -> None:
        """Neither CONNECT nor TRACE."""
        connect = b"CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n\r\n"
        self.assertEqual(refusal(connect), "not_implemented")
        self.assertEqual(refusal(head(method=b"TRACE")), "not_implemented")
        self.assertEqual(refusal(head(method=b"CONNECT")), "not_implemented")


class HostTests(SynchronousTestCase):
    """Exactly one valid Host."""

    def test_valid(self) -> None:
        """Names, addresses and ports."""
        for host in (b"a", b"A.Example.", b"1.2.3.4:80", b"[::1]:8080", b"[::]", b"x_y", b"%41"):
            found = whole(b"GET / HTTP/1.1\r\nHost: \t" + host + b" \r\n\r\n")
            self.assertEqual(found.authority, host)

    def test_refused(self) -> None:
        """None, several, and anything that is no host and port."""
        self.assertEqual(refusal(b"GET / HTTP/1.1\r\n\r\n"), "bad_request")
        for version in (b"1.1", b"1.0"):
            for host in (
                b"",
                b"a b",
                b"a,b",
                b"a/b",
                b"u@a",
                b"a:80:80",
                b"a:b",
                b"a:123456",
                b"[::1",
                b"::1",
                b"[::1]x",
                b"a\\b",
                b"a#",
                b"\xe9",
                b"a" * 256,
            ):
                data = b"GET / HTTP/" + version + b"\r\nHost: " + host + b"\r\n\r\n"
                self.assertEqual(refusal(data), "bad_request", host)
        self.assertEqual(refusal(head(b"Host: a.example")), "bad_request")
        self.assertEqual(refusal(head(b"HOST: b")), "bad_request")


class FramingTests(SynchronousTestCase):
    """Where a body ends, or that nobody can tell."""

    def test_length(self) -> None:
        """One decimal number, with as many zeros in front as a field may hold."""
        for text, length in {
            b"0": 0,
            b"5": 5,
            b"007": 7,
            b"9223372036854775807": (1 << 63) - 1,
            b"0" * 6000 + b"12": 12,
        }.items():
            self.assertEqual(fields(b"Content-Length: " + text).length, length)

    def test_bad_length(self) -> None:
        """Anything else, and any repeat."""
        for text in (
            b"",
            b"+5",
            b"-5",
            b"5 5",
            b"5,5",
            b"0x5",
            b"5_0",
            b"1e3",
            b"5.0",
            b"\xb2",
            b"9223372036854775808",
            b"1" * 5000,
            b"5;",
            b'"5"',
        ):
            self.assertEqual(refusal(head(b"Content-Length: " + text)), "bad_request", text)
        for second in (b"5", b"6", b"05"):
            lines = (b"Content-Length: 5", b"content-length: " + second)
            self.assertEqual(refusal(head(*lines)), "bad_request")

    def test_zeros(self) -> None:
        """A length goes on without zeros in front, whoever else would read them as octal."""
        for text, sent in ((b"05", b"5"), (b"0" * 25, b"0"), (b"0", b"0"), (b"100", b"100")):
            parsed = fields(b"Content-Length:\t" + text, b"X: y")
            self.assertEqual(parsed.length, int(text))
            self.assertEqual(parsed.lines[1:], [b"Content-Length:\t" + sent, b"X: y"])

    def test_chunked(self) -> None:
        """The one coding there is, in any case."""
        for text in (b"chunked", b"\t Chunked \t"):
            parsed = fields(b"Transfer-Encoding:" + text)
            self.assertEqual(parsed.length, CHUNKED)
            # One spelling goes on: some readers mind a tab, and would see no body.
            self.assertEqual(parsed.lines[-1], b"Transfer-Encoding: chunked")

    def test_bad_coding(self) -> None:
        """Look-alikes of it, and what cannot be taken apart."""
        for text in (
            b"",
            b"xchunked",
            b"chunked;",
            b"chunked;q=1",
            b'"chunked"',
            b"chunked,",
            b",chunked",
            b"chunked, chunked",
            b"chunked, identity",
            b"identity",
            b"gzip",
            b"chunked\xa0",
            b"chunke",
        ):
            found = refusal(head(b"Transfer-Encoding: " + text))
            self.assertEqual(found, "bad_request", text)
        self.assertEqual(refusal(head(b"Transfer-Encoding: gzip, chunked")), "not_implemented")
        twice = head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked")
        self.assertEqual(refusal(twice), "bad_request")

    def test_both(self) -> None:
        """A length beside a coding, or a coding in HTTP/1.0."""
        lines = (b"Transfer-Encoding: chunked", b"Content-Length: 5")
        self.assertEqual(refusal(head(*lines)), "bad_request")
        self.assertEqual(refusal(head(*reversed(lines))), "bad_request")
        self.assertEqual(refusal(head(lines[0], version=b"1.0")), "bad_request")

    def test_lookalikes(self) -> None:
        """Names that some servers take for framing fields."""
        for line in (
            b"Content_Length: 5",
            b"transfer_encoding: chunked",
            b"Content-Length : 5",
            b"Content-Length\t: 5",
            b" Content-Length: 5",
            b"\tTransfer-Encoding: chunked",
            b"Transfer-Encoding\x0b: chunked",
            b"Transfer-Encoding\x00: chunked",
            b"Transfer-Encoding\xa0: chunked",
            b"Transfer-Encoding: \x0bchunked",
            b"Transfer-Encoding: chunked\x0c",
            b"Transfer-Encoding:\x00chunked",
            b"Transfer-Encoding:\r chunked",
            b"Transfer-Encoding:\n chunked",
            b"Transfer-Encoding:\r\n chunked",
            b"X: y\rTransfer-Encoding: chunked",
            b"X: y\nTransfer-Encoding: chunked",
        ):
            self.assertEqual(refusal(head(line)), "bad_request", line)


class MalformedTests(SynchronousTestCase):
    """What is no HTTP/1 head."""

    def test_fields(self) -> None:
        """Each way in which a field line can be wrong."""
        for line in (
            b"no colon",
            b": no name",
            b"a b: c",
            b"a(: c",
            b"a\xe9: c",
            b"a: b\x00",
            b"a: b\x7f",
            b"a: b\x1b",
            b"a: b\rc",
            b" folded: at the start",
            b"a: b\r\n\tfolded",
            b"a: b\n",
            b"",
        ):
            data = b"GET / HTTP/1.1\r\n" + line + b"\r\nHost: a\r\n\r\n"
            self.assertEqual(refusal(data), "bad_request", line)

    def test_lines(self) -> None:
        """Each way in which a request line can be wrong."""
        for line in (
            b"",
            b"GET",
            b"GET /",
            b"GET  / HTTP/1.1",
            b"GET / HTTP/1.1 ",
            b"GET /  HTTP/1.1",
            b" GET / HTTP/1.1",
            b"GET\t/\tHTTP/1.1",
            b"GET / http/1.1",
            b"GET / HTTP/1",
            b"GET / HTTP/1.10",
            b"GET / HTTP/01.1",
            b"GET / HTTP/+1.1",
            b"GET / HTTPS/1.1",
            b"GET / ICE/1.1",
            b"GE(T / HTTP/1.1",
            b"GET /a b HTTP/1.1",
            b"G\x00T / HTTP/1.1",
            b"GET /\r HTTP/1.1",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"{}",
        ):
            self.assertEqual(refusal(line + b"\r\nHost: a\r\n\r\n"), "bad_request", line)
            self.assertEqual(refusal(line + b"\n"), "bad_request", line)

    def test_versions(self) -> None:
        """HTTP/1.0 and 1.1, nothing else; the preface of HTTP/2 is told at once."""
        for version in (b"0.9", b"1.2", b"2.0", b"3.0", b"9.9"):
            self.assertEqual(refusal(b"GET / HTTP/" + version + b"\r\n"), "version")
        self.assertEqual(refusal(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "version")

    def test_at_once(self) -> None:
        """What cannot become a request is refused without waiting for more."""
        for start in (b"\x16\x03", b"GET\t", b"GET /\x00", b"GET / X", b"(", b"\n", b"\rX"):
            self.assertEqual(refusal(start), "bad_request", start)

    def test_bare_line_feeds(self) -> None:
        """A line ends with CRLF, nowhere with LF alone."""
        good = b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n"
        for at in range(4):
            pieces = good.split(b"\r\n")
            bad = b"\r\n".join(pieces[: at + 1]) + b"\n" + b"\r\n".join(pieces[at + 1 :])
            self.assertEqual(refusal(bad + b"\r\n\r\n"), "bad_request", bad)


class SplitTests(SynchronousTestCase):
    """Heads that come in pieces."""

    def test_prefixes(self) -> None:
        """No piece of a good head is refused, and none is taken for the whole."""
        for data in (BROWSER, head(b"Content-Length: 5"), b"OPTIONS * HTTP/1.0\r\n\r\n"):
            for piece in prefixes(data):
                self.assertIsNone(request(piece), piece)

    def test_worth_parsing(self) -> None:
        """The end of a head is seen wherever the pieces meet, also that of a bad one."""
        for data in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\nHost: a\n\n"):
            line = data.index(b"\n") + 1
            for split in range(line, len(data) - 1):
                self.assertFalse(worth_parsing(data[:-1], split, LIMITS))
                self.assertTrue(worth_parsing(data, split, LIMITS))
            for split in range(line):
                self.assertTrue(worth_parsing(data[:line], split, LIMITS))
                self.assertFalse(worth_parsing(data[: line - 1], split, LIMITS))

    def test_never(self) -> None:
        """What stands in no head is looked at when it comes, wherever that is."""
        for bad in (b"\x00", b"\x1f", b"\x7f", b"\rX", b"\r\r"):
            for good in (b"GET /", b"GET / HTTP/1.1\r\nHost: a\r\nX: \t"):
                data = good + bad
                for split in range(len(good), len(data)):
                    self.assertTrue(worth_parsing(data, split, LIMITS), data)
                self.assertFalse(worth_parsing(good, len(good) - 1, LIMITS))
                self.assertEqual(refusal(data), "bad_request")

    def test_empty_lines(self) -> None:
        """Empty lines before a request are skipped, half of one is waited for."""
        for data, rest in {
            b"\r\nGET": b"GET",
            b"\r\n\r\n\r\nGET": b"GET",
            b"\r\n": b"",
            b"\r\n\r": b"\r",
            b"\r": b"\r",
            b"\rX": b"\rX",
            b"\nGET": b"\nGET",
        }.items():
            self.assertEqual(after_empty_lines(data), rest)
        self.assertIsNone(request(b"\r"))
        self.assertEqual(len(after_empty_lines(b"\r\n" * 40000 + b"G")), 1)


class LimitTests(SynchronousTestCase):
    """Bounds, each exactly where it is said to be."""

    LIMITS = Limits(uri=64, header=64, head=256, header_count=4)

    def check(self, data: bytes, reason: str | None) -> None:
        """Compare the refusal of a head, and that of what comes before its end."""
        self.assertEqual(refusal(data, self.LIMITS), reason)

    def test_uri(self) -> None:
        """One byte more is too long; without an end it is told once it is certain."""
        for extra, reason in ((0, None), (1, "uri_too_long")):
            target = b"/" + b"x" * (63 + extra)
            self.check(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n", reason)
            self.check(b"GET " + target + b" HTTP/1.1\r\n", reason)
        self.check(b"GET /" + b"x" * 123, None)
        self.check(b"GET /" + b"x" * 124, "uri_too_long")
        self.check(b"X" * 129, "uri_too_long")

    def test_header(self) -> None:
        """A field line without its end."""
        self.check(head(b"X: " + b"y" * 61), None)
        self.check(head(b"X: " + b"y" * 62), "head_too_large")
        self.check(b"GET / HTTP/1.1\r\nX: " + b"y" * 62, "head_too_large")

    def test_count(self) -> None:
        """Field lines, Host among them."""
        self.check(head(*[b"a: b"] * 3), None)
        self.check(head(*[b"a: b"] * 4), "head_too_large")

    def test_head(self) -> None:
        """The head with all that belongs to it."""
        lines = b"Host: a\r\n" + b"x:%b\r\n" % (b"y" * 58) * 3 + b"\r\n"
        path = b"x" * (256 - len(b"GET / HTTP/1.1\r\n") - len(lines))
        self.check(b"GET /" + path + b" HTTP/1.1\r\n" + lines, None)
        self.check(b"GET /x" + path + b" HTTP/1.1\r\n" + lines, "head_too_large")
        self.check(b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 49, "head_too_large")

    def test_endless(self) -> None:
        """A head without an end is cut, whatever it consists of."""
        start = b"GET / HTTP/1.1\r\n"
        for piece in (b"a: b\r\n", b"a", b"a: ", b"a: b"):
            data = start + piece * (70000 // len(piece))
            self.assertEqual(refusal(data), "head_too_large", piece)
