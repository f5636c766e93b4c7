"""
What no client may send, and what FiberLB makes of it.

Each case stands for one sentence of RFC 9110 or RFC 9112, in one of the
spellings that have got past some proxy. What is sent after it, C{HIDDEN}, is a
correct request that must never be served: it is how smuggling shows.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

#: The request that hides behind a malformed one.
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: t.test\r\n\r\n"
#: Limits in the configuration of the tests, smaller than the default ones.
LIMITS = (
    "{uri: 2KiB, header: 2KiB, head: 8KiB, header_count: 50, trailers: 1KiB, chunk_extension: 64B}"
)


@attrs.frozen
class Case:
    """
    One malformed request.

    @ivar raw: what is sent.
    @ivar status: of the answer, after which the connection ends; C{None}: it only ends.
    @ivar hidden: C{HIDDEN} is sent after it.
    @ivar reaches: its head is correct and goes to the member, which must see it broken off.
    """

    name: str
    raw: bytes
    status: int | None = 400
    hidden: bool = True
    reaches: bool = False


def head(*lines: bytes, first: bytes = b"GET /case HTTP/1.1", host: bool = True) -> bytes:
    """A head with a correct Host field and these lines."""
    named = [b"Host: t.test"] if host else []
    return b"\r\n".join([first, *named, *lines, b"", b""])


def post(*lines: bytes, body: bytes = b"") -> bytes:
    """A POST with these lines."""
    return head(*lines, first=b"POST /case HTTP/1.1") + body


def chunked(body: bytes) -> bytes:
    """A POST with a body in chunks, as it is given."""
    return post(b"Transfer-Encoding: chunked", body=body)


def _named(prefix: str, raws: dict[str, bytes], **rest: object) -> Iterator[Case]:
    for name, raw in raws.items():
        yield Case(f"{prefix}: {name}", raw, **rest)  # type: ignore[arg-type]


def _request_lines() -> Iterator[Case]:
    lines = {
        "no method": b" /case HTTP/1.1",
        "no target": b"GET HTTP/1.1",
        "no target, two spaces": b"GET  HTTP/1.1",
        "no version": b"GET /case",
        "no version, a space": b"GET /case ",
        "only a method": b"GET",
        "two spaces before the target": b"GET  /case HTTP/1.1",
        "two spaces before the version": b"GET /case  HTTP/1.1",
        "tab before the target": b"GET\t/case HTTP/1.1",
        "tab before the version": b"GET /case\tHTTP/1.1",
        "vertical tab": b"GET\x0b/case HTTP/1.1",
        "space at the end": b"GET /case HTTP/1.1 ",
        "something at the end": b"GET /case HTTP/1.1 x",
        "space at the start": b" GET /case HTTP/1.1",
        "space in the target": b"GET /ca se HTTP/1.1",
        "NUL in the target": b"GET /ca\0se HTTP/1.1",
        "DEL in the target": b"GET /ca\x7fse HTTP/1.1",
        "control byte in the target": b"GET /ca\x01se HTTP/1.1",
        "CR in the target": b"GET /ca\rse HTTP/1.1",
        "method with a colon": b"GE:T /case HTTP/1.1",
        "method in parentheses": b"(GET) /case HTTP/1.1",
        "method with a NUL": b"GE\0T /case HTTP/1.1",
        "method with obs-text": b"GE\xc9T /case HTTP/1.1",
        "method in quotes": b'"GET" /case HTTP/1.1',
        "lower-case protocol": b"GET /case http/1.1",
        "mixed-case protocol": b"GET /case Http/1.1",
        "another protocol": b"GET /case HTTPS/1.1",
        "ICY": b"GET /case ICY/1.1",
        "no slash before the version": b"GET /case HTTP1.1",
        "two slashes before the version": b"GET /case HTTP//1.1",
        "space in the version": b"GET /case HTTP/ 1.1",
        "version without a minor": b"GET /case HTTP/1",
        "version with a comma": b"GET /case HTTP/1,1",
        "version with two digits": b"GET /case HTTP/1.10",
        "version with a zero before": b"GET /case HTTP/01.1",
        "version with a sign": b"GET /case HTTP/+1.1",
        "version in letters": b"GET /case HTTP/one.one",
    }
    for name, line in lines.items():
        yield Case(f"line: {name}", head(first=line))
    for version in (b"0.9", b"1.2", b"1.9", b"2.0", b"3.0", b"9.9"):
        yield Case(f"version {version.decode()}", head(first=b"GET /case HTTP/" + version), 505)
    yield Case("HTTP/0.9", b"GET /case\r\n")
    yield Case("HTTP/0.9 with LF", b"GET /case\n")


def _targets() -> Iterator[Case]:
    targets = {
        "asterisk with GET": b"GET *",
        "asterisk and more": b"OPTIONS **",
        "asterisk and a path": b"OPTIONS */x",
        "authority": b"GET t.test:80",
        "relative": b"GET case",
        "query alone": b"GET ?case",
        "fragment alone": b"GET #case",
        "backslash": b"GET \\case",
        "scheme without slashes": b"GET http:case",
        "scheme with one slash": b"GET http:/t.test/case",
        "no authority": b"GET http:///case",
        "another scheme": b"GET ftp://t.test/case",
        "file scheme": b"GET file:///etc/passwd",
        "no scheme": b"GET ://t.test/case",
        "user information": b"GET http://user@t.test/case",
        "user information and password": b"GET http://user:secret@t.test/case",
        "port in letters": b"GET http://t.test:http/case",
        "two ports": b"GET http://t.test:80:80/case",
        "other authority": b"GET http://other.test/case",
        "other port": b"GET http://t.test:81/case",
        "fragment in absolute form": b"GET http://t.test/case#part",
        "authority with a comma": b"GET http://t.test,u.test/case",
        "bracket without an end": b"GET http://[::1/case",
    }
    for name, start in targets.items():
        yield Case(f"target: {name}", head(first=start + b" HTTP/1.1"))
    yield Case("CONNECT", head(first=b"CONNECT t.test:443 HTTP/1.1"), 501)
    yield Case("CONNECT with a path", head(first=b"CONNECT /case HTTP/1.1"), 501)
    yield Case("TRACE", head(first=b"TRACE /case HTTP/1.1"), 501)
    yield Case("TRACE with Max-Forwards", head(b"Max-Forwards: 0", first=b"TRACE / HTTP/1.1"), 501)


def _hosts() -> Iterator[Case]:
    yield Case("Host: none", head(host=False))
    yield Case("Host: none, absolute form", head(first=b"GET http://t.test/ HTTP/1.1", host=False))
    yield Case("Host: twice the same", head(b"Host: t.test"))
    yield Case("Host: two", head(b"Host: u.test"))
    yield Case("Host: two in different case", head(b"hOST: u.test"))
    yield Case("Host: apart", head(b"X: y", b"Host: u.test"))
    values = {
        "empty": b"",
        "white space": b" \t ",
        "space inside": b"t.test u.test",
        "list": b"t.test, u.test",
        "list without space": b"t.test,u.test",
        "slash": b"t.test/case",
        "scheme": b"http://t.test",
        "user information": b"user@t.test",
        "two ports": b"t.test:80:81",
        "port in letters": b"t.test:http",
        "port with a sign": b"t.test:+80",
        "port of six digits": b"t.test:100000",
        "port alone": b":80",
        "NUL": b"t.te\0st",
        "tab inside": b"t.te\tst",
        "backslash": b"t.test\\u.test",
        "quotes": b'"t.test"',
        "angle brackets": b"<t.test>",
        "question mark": b"t.test?x",
        "hash": b"t.test#x",
        "bracket without an end": b"[::1",
        "bracket without a start": b"::1]",
        "IPv6 without brackets": b"::1",
        "text after brackets": b"[::1]x",
        "name in brackets": b"[t.test]",
        "caret": b"t^test",
        "pipe": b"t|test",
        "obs-text": b"t\xe9st.test",
    }
    for name, value in values.items():
        yield Case(f"Host: {name}", head(b"Host: " + value, host=False))


def _fields() -> Iterator[Case]:
    lines = {
        "space before the colon": b"X-A : b",
        "tab before the colon": b"X-A\t: b",
        "space before Host's colon": b"Host : t.test",
        "space in the name": b"X A: b",
        "space before the name": b" X-A: b",
        "tab before the name": b"\tX-A: b",
        "empty name": b": b",
        "no colon": b"X-A",
        "no colon, with a space": b"X-A b",
        "name in quotes": b'"X-A": b',
        "name in parentheses": b"(X-A): b",
        "name with a slash": b"X/A: b",
        "name with an at sign": b"X@A: b",
        "name with brackets": b"X[A]: b",
        "name with a comma": b"X,A: b",
        "name with a semicolon": b"X;A: b",
        "name with an equals sign": b"X=A: b",
        "name with a NUL": b"X\0A: b",
        "name with obs-text": b"X\xe9A: b",
        "name with a DEL": b"X\x7fA: b",
        "value with a NUL": b"X-A: b\0c",
        "value that is a NUL": b"X-A: \0",
        "value with a BEL": b"X-A: b\x07c",
        "value with a vertical tab": b"X-A: b\x0bc",
        "value with a form feed": b"X-A: b\x0cc",
        "value with an ESC": b"X-A: b\x1b[31mc",
        "value with a DEL": b"X-A: b\x7fc",
        "value with a CR": b"X-A: b\rc",
        "value that ends with a CR": b"X-A: b\r",
        "value with a CR and a field": b"X-A: b\rHost: u.test",
        "value with an LF and a field": b"X-A: b\nX-B: c",
        "value with an LF and Host": b"X-A: b\nHost: u.test",
        "folded": b"X-A: b\r\n c",
        "folded with a tab": b"X-A: b\r\n\tc",
        "folded, empty": b"X-A:\r\n b",
        "folded, white space alone": b"X-A: b\r\n ",
        "CR for a line end": b"X-A: b\rX-B: c",
        "CR CR LF": b"X-A: b\r\r",
        "LF CR": b"X-A: b\n\rX-B: c",
    }
    yield from _named("field", {name: head(line, b"X-Z: z") for name, line in lines.items()})
    yield Case("field: first line folded", head(first=b"GET /case HTTP/1.1\r\n X-A: b"))
    yield Case("field: Host folded", head(b"Host: t.test\r\n .u.test", host=False))
    yield Case("line ends: LF only", head().replace(b"\r\n", b"\n"))
    yield Case("line ends: LF after the request line", head().replace(b"\r\n", b"\n", 1))
    yield Case("line ends: LF at the end of the head", head(b"X-A: b")[:-2] + b"\n")
    yield Case("line ends: LF LF", head(b"X-A: b")[:-4] + b"\n\n")
    yield Case("line ends: CR only", head().replace(b"\r\n", b"\r"), hidden=False)
    yield Case("line ends: LF before the request", b"\n" + head())
    yield Case("line ends: CR before the request", b"\r" + head())


def _lengths() -> Iterator[Case]:
    values = {
        "empty": b"",
        "plus": b"+5",
        "minus": b"-5",
        "minus zero": b"-0",
        "hexadecimal": b"0x5",
        "hexadecimal digit": b"a",
        "underscore": b"1_0",
        "space inside": b"1 0",
        "tab inside": b"1\t0",
        "point": b"5.0",
        "exponent": b"5e0",
        "comma at the end": b"5,",
        "comma at the start": b",5",
        "list of the same": b"5, 5",
        "list of different": b"5, 6",
        "semicolon": b"5;",
        "quotes": b'"5"',
        "letters after": b"5x",
        "obs-text digit": b"\xb25",
        "Arabic digit": "\u0665".encode(),
        "full-width digit": "\uff15".encode(),
        "64 bits": b"9223372036854775808",
        "more than 64 bits": b"18446744073709551621",
        "a hundred digits": b"1" * 100,
        "NUL": b"5\0",
    }
    for name, value in values.items():
        yield Case(f"length: {name}", post(b"Content-Length: " + value, body=b"hello"))
    pairs = {
        "different": (b"Content-Length: 5", b"Content-Length: 6"),
        "different, apart": (b"Content-Length: 5", b"X: y", b"content-length: 0"),
        "the same": (b"Content-Length: 5", b"Content-Length: 5"),
        "the second one bad": (b"Content-Length: 5", b"Content-Length: x"),
    }
    for name, pair in pairs.items():
        yield Case(f"two lengths: {name}", post(*pair, body=b"hello"))
    for spelling in (
        b"Content-Length ",
        b"Content-Length\t",
        b"Content_Length",
        b"Content-Length\0",
    ):
        yield Case(f"length: as {spelling!r}", post(spelling + b": 5", body=b"hello"))
    yield Case("length: GET, bad", head(b"Content-Length: x"))


_CODINGS = {
    "identity": b"identity",
    "empty": b"",
    "gzip": b"gzip",
    "chunked twice": b"chunked, chunked",
    "chunked, then gzip": b"chunked, gzip",
    "chunked, then identity": b"chunked, identity",
    "comma at the end": b"chunked,",
    "comma at the start": b",chunked",
    "empty element": b"chunked,,",
    "quotes": b'"chunked"',
    "apostrophes": b"'chunked'",
    "parameter": b"chunked;q=1",
    "semicolon": b"chunked;",
    "misspelt": b"chunke",
    "more letters": b"chunkedx",
    "x-chunked": b"x-chunked",
    "space inside": b"chun ked",
    "two words": b"chunked x",
    "NUL": b"chunked\0",
    "vertical tab": b"\x0bchunked",
    "vertical tab at the end": b"chunked\x0b",
    "form feed": b"\x0cchunked",
    "no-break space": b"\xa0chunked",
    "obs-text at the end": b"chunked\xff",
    "Kelvin sign for k": "chun\u212aed".encode(),
    "colon": b": chunked",
    "folded": b"\r\n chunked",
    "folded after": b"chunked\r\n ",
}


def _codings() -> Iterator[Case]:
    body = b"0\r\n\r\n"
    for name, value in _CODINGS.items():
        yield Case(f"coding: {name}", post(b"Transfer-Encoding: " + value, body=body))
    for name, value in (
        ("gzip before", b"gzip, chunked"),
        ("identity before", b"identity,chunked"),
    ):
        yield Case(f"coding: {name} refused", post(b"Transfer-Encoding: " + value, body=body), 501)
    names = (
        b"Transfer-Encoding ",
        b"Transfer-Encoding\t",
        b" Transfer-Encoding",
        b"Transfer_Encoding",
        b"Transfer-Encoding\0",
        b"\x00Transfer-Encoding",
        b"Transfer Encoding",
        b"\xffTransfer-Encoding",
    )
    for spelling in names:
        lines = (spelling + b": chunked", b"Content-Length: 5")
        yield Case(f"coding: as {spelling!r}", post(*lines, body=body))
    yield Case(
        "coding: two fields",
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=body),
    )
    yield Case(
        "coding: two different fields",
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=body),
    )
    old = b"POST /case HTTP/1.0"
    yield Case("coding: HTTP/1.0", head(b"Transfer-Encoding: chunked", first=old) + body)
    both = (b"Transfer-Encoding: chunked", b"Content-Length: 5")
    yield Case("both: coding first", post(*both, body=body))
    yield Case("both: length first", post(*reversed(both), body=body))
    yield Case("both: length 0", post(both[0], b"Content-Length: 0", body=body))
    yield Case("both: odd case", post(b"tRANSFER-eNCODING: CHUNKED", both[1], body=body))
    yield Case("both: GET", head(*both) + body)
    yield Case("both: bad coding", post(b"Transfer-Encoding: xchunked", both[1], body=body))
    yield Case("both: HTTP/1.0", head(*both, first=old) + body)


def _chunks() -> Iterator[Case]:
    bodies = {
        "no size": b"\r\nhello\r\n0\r\n\r\n",
        "no number": b"x\r\nhello\r\n0\r\n\r\n",
        "plus": b"+5\r\nhello\r\n0\r\n\r\n",
        "minus": b"-5\r\nhello\r\n0\r\n\r\n",
        "minus zero": b"-0\r\n\r\n",
        "hexadecimal prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
        "underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
        "quotes": b'"5"\r\nhello\r\n0\r\n\r\n',
        "space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
        "tab before the size": b"\t5\r\nhello\r\n0\r\n\r\n",
        "space after the size": b"5 \r\nhello\r\n0\r\n\r\n",
        "letters after the size": b"5x\r\nhello\r\n0\r\n\r\n",
        "point": b"5.0\r\nhello\r\n0\r\n\r\n",
        "comma": b"5,\r\nhello\r\n0\r\n\r\n",
        "NUL after the size": b"5\0\r\nhello\r\n0\r\n\r\n",
        "LF after the size": b"5\nhello\r\n0\r\n\r\n",
        "CR after the size": b"5\rhello\r\n0\r\n\r\n",
        "CR CR LF after the size": b"5\r\r\nhello\r\n0\r\n\r\n",
        "LF after the data": b"5\r\nhello\n0\r\n\r\n",
        "CR after the data": b"5\r\nhello\r0\r\n\r\n",
        "nothing after the data": b"5\r\nhello0\r\n\r\n",
        "data longer": b"5\r\nhello!\r\n0\r\n\r\n",
        "data shorter": b"5\r\nhell\r\n0\r\n\r\n",
        "two bytes too many": b"5\r\nhelloXX0\r\n\r\n",
        "64 bits": b"8000000000000000\r\nhello\r\n0\r\n\r\n",
        "all ones": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        "more than 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        "many zeros": b"0" * 40 + b"5\r\nhello\r\n0\r\n\r\n",
        "full-width digit": "\uff15".encode() + b"\r\nhello\r\n0\r\n\r\n",
        "extension with a NUL": b"5;a=\0\r\nhello\r\n0\r\n\r\n",
        "extension with an LF": b"5;a\nhello\r\n0\r\n\r\n",
        "extension with an LF and more": b"5;a\nxx\r\nhello\r\n0\r\n\r\n",
        "extension with a CR": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
        "extension with a control byte": b"5;a=\x07\r\nhello\r\n0\r\n\r\n",
        "extension without a semicolon": b"5 a=b\r\nhello\r\n0\r\n\r\n",
        "extension too long": b"5;" + b"a" * 100 + b"\r\nhello\r\n0\r\n\r\n",
        "extension of the last chunk": b"5\r\nhello\r\n0;a=\0\r\n\r\n",
        "LF after the last chunk": b"5\r\nhello\r\n0\n\r\n",
        "LF at the very end": b"5\r\nhello\r\n0\r\n\n",
        "letters after the last chunk": b"5\r\nhello\r\n0x\r\n\r\n",
        "trailer without a colon": b"5\r\nhello\r\n0\r\nX-A\r\n\r\n",
        "trailer with a space before the colon": b"5\r\nhello\r\n0\r\nX-A : b\r\n\r\n",
        "trailer with a NUL": b"5\r\nhello\r\n0\r\nX-A: \0\r\n\r\n",
        "trailer with an LF": b"5\r\nhello\r\n0\r\nX-A: b\n\r\n",
        "trailer folded": b"5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n",
        "trailer with an empty name": b"5\r\nhello\r\n0\r\n: b\r\n\r\n",
        "trailer too long": b"5\r\nhello\r\n0\r\nX-A: " + b"b" * 1100 + b"\r\n\r\n",
        "trailers too long": b"5\r\nhello\r\n0\r\n" + b"X-A: b\r\n" * 200 + b"\r\n",
    }
    for name, body in bodies.items():
        yield Case(f"chunk: {name}", chunked(body), reaches=True)


def _sizes() -> Iterator[Case]:
    yield Case("size: target", head(first=b"GET /" + b"a" * 2100 + b" HTTP/1.1"), 414)
    yield Case("size: target without end", b"GET /" + b"a" * 4000, 414, hidden=False)
    yield Case("size: query", head(first=b"GET /?" + b"a" * 2100 + b" HTTP/1.1"), 414)
    yield Case("size: method without end", b"A" * 4000, 414, hidden=False)
    yield Case("size: one field", head(b"X-A: " + b"a" * 3000), 431)
    yield Case("size: one name", head(b"X" * 3000 + b": a"), 431)
    yield Case("size: count", head(*[b"X-A: b"] * 60), 431)
    yield Case("size: count of empty ones", head(*[b"X:"] * 60), 431)
    yield Case("size: head", head(*[b"X-A: " + b"a" * 1000] * 12), 431)
    endless = head(*[b"X-A: " + b"a" * 500] * 40)[:-2]
    yield Case("size: head without end", endless, 431, hidden=False)
    yield Case("size: field without end", head()[:-2] + b"X-A: " + b"a" * 9000, 431, hidden=False)
    yield Case("size: name without end", head()[:-2] + b"X" * 9000, 431, hidden=False)
    many = b"a," * 300
    yield Case("size: list in Connection", head(b"Connection: " + many), 431)
    yield Case("size: list in TE", head(b"TE: " + many + b"trailers"), 431)
    yield Case("size: list in Upgrade", head(b"Connection: upgrade", b"Upgrade: " + many), 431)
    for body in (b"5;a\r\nhello\r\n" * 300, b"0\r\n" + b"A:\r\n" * 200):
        yield Case(f"size: many {body[:5]!r}", chunked(body), reaches=True)
    yield Case("size: zeros before the length", post(b"Content-Length: " + b"0" * 3000), 431)


def _protocols() -> Iterator[Case]:
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200))
    yield Case("TLS hello", hello, hidden=False)
    yield Case("SSL 2 hello", b"\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10", hidden=False)
    yield Case("h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", 505)
    yield Case("SSH", b"SSH-2.0-OpenSSH_9.6\r\n")
    yield Case("SMTP", b"EHLO t.test\r\n")
    yield Case("RTSP", b"DESCRIBE rtsp://t.test/x RTSP/1.0\r\nCSeq: 1\r\n\r\n")
    yield Case("PROXY v1", b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n" + head())
    yield Case("PROXY v2", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12))
    yield Case("an answer", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    yield Case("NULs", bytes(100), hidden=False)
    yield Case("0xff", b"\xff" * 100, hidden=False)
    yield Case("JSON", b'{"a": 1}\r\n\r\n')


CASES = (
    *_request_lines(),
    *_targets(),
    *_hosts(),
    *_fields(),
    *_lengths(),
    *_codings(),
    *_chunks(),
    *_sizes(),
    *_protocols(),
)
