"""Requests that are rarely seen but right, and what a member must get of them."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from tests.live.malformed_requests import head, post

_CODED = b"Transfer-Encoding: chunked"


@attrs.frozen
class Case:
    """
    One request.

    @ivar start: its first line at the member.
    @ivar fields: names in lower case -> values at the member.
    """

    name: str
    raw: bytes
    start: bytes = b"GET /case HTTP/1.1"
    body: bytes = b""
    fields: dict[bytes, list[bytes]] = attrs.field(factory=dict)
    trailers: list[tuple[bytes, bytes]] = attrs.field(factory=list)


def _targets() -> Iterator[Case]:
    targets = (
        b"/",
        b"//",
        b"/a//b/../c/./d",
        b"/%2e%2E/%zz/%",
        b"/a;b=c,d:e@f$g!h*i'j(k)",
        b"/?",
        b"/?a=b&c=%20?/:",
        b"/a?b?c",
        b"/\xc3\xa9\xff",
        b'/a|b^c`d{e}"<>',
        b"/http://other.test/",
    )
    for target in targets:
        line = b"GET %b HTTP/1.1" % target
        yield Case(f"target {target!r}", head(first=line), line)
    absolute = {
        b"http://t.test/case": b"/case",
        b"HTTP://T.TEST/case": b"/case",
        b"http://t.test": b"/",
        b"http://t.test?a=b": b"/?a=b",
    }
    for sent, target in absolute.items():
        raw = head(first=b"GET %b HTTP/1.1" % sent)
        yield Case(f"target {sent!r}", raw, b"GET %b HTTP/1.1" % target)
    star = b"OPTIONS * HTTP/1.1"
    yield Case("asterisk", head(first=star), star)
    for method in (b"PROPFIND", b"M-SEARCH", b"get", b"!#$%&'*+-.^_`|~09AZaz", b"PRI"):
        line = method + b" /case HTTP/1.1"
        yield Case(f"method {method!r}", head(first=line), line)


def _hosts() -> Iterator[Case]:
    for host in (b"t.test:8080", b"T.Test", b"127.0.0.1", b"[::1]:80", b"xn--a_b.test", b"t.test."):
        fields = {b"host": [host]}
        yield Case(f"Host {host!r}", head(b"Host:  %b \t" % host, host=False), fields=fields)
    old = b"GET /case HTTP/1.0"
    yield Case("HTTP/1.0 without Host", head(first=old, host=False))
    yield Case("HTTP/1.0 with Host", head(first=old), fields={b"host": [b"t.test"]})


def _fields() -> Iterator[Case]:
    lines = {
        "empty": (b"X-A:", [b""]),
        "white space": (b"X-A: \t ", [b""]),
        "no space": (b"X-A:b", [b"b"]),
        "inner space": (b"X-A: b \t c", [b"b \t c"]),
        "obs-text": (b"X-A: \xe9\xff\x80", [b"\xe9\xff\x80"]),
        "colons": (b"X-A: :b:c:", [b":b:c:"]),
        "quotes": (b'X-A: "b, c\\""', [b'"b, c\\""']),
    }
    for what, (line, values) in lines.items():
        yield Case(f"field: {what}", head(line), fields={b"x-a": values})
    name = b"!#$%&'*+-.^_`|~0"
    yield Case("field: odd name", head(name + b": b"), fields={name.lower(): [b"b"]})
    twice = head(b"X-A: b", b"x-a: c", b"X-a: b")
    yield Case("field: repeated", twice, fields={b"x-a": [b"b", b"c", b"b"]})
    yield Case("empty line before", b"\r\n" + head())
    yield Case("long", head(b"X-A: " + b"a" * 2000), fields={b"x-a": [b"a" * 2000]})
    many = head(*[b"X-A: b"] * 45)
    yield Case("many", many, fields={b"x-a": [b"b"] * 45})
    named = b"Connection: close, X-A , x-b,, Host,Content-Length"
    yield Case(
        "named by Connection",
        head(named, b"X-A: b", b"X-B: c", b"X-C: d"),
        fields={b"x-a": [], b"x-b": [], b"x-c": [b"d"], b"host": [b"t.test"], b"connection": []},
    )
    hops = (b"Keep-Alive: 5", b"Proxy-Connection: keep-alive", b"TE: gzip", b"Upgrade: h2c")
    gone: dict[bytes, list[bytes]] = {line.partition(b":")[0].lower(): [] for line in hops}
    yield Case("hop by hop", head(*hops, b"Connection: Upgrade", b"HTTP2-Settings: AAMA"),
        fields={**gone, b"http2-settings": [], b"connection": []})  # fmt: skip
    claims = (b"X-Forwarded-For: 192.0.2.1", b"X_Forwarded-For: 192.0.2.2", b"Forwarded: for=x")
    claimed = {b"x-forwarded-for": [b"127.0.0.1"], b"x_forwarded-for": [], b"forwarded": []}
    yield Case("claims", head(*claims, b"Connection: X-Forwarded-For"), fields=claimed)


def _bodies() -> Iterator[Case]:
    start = b"POST /case HTTP/1.1"
    looks = b"GET /hidden HTTP/1.1\r\nHost: t.test\r\n\r\n"
    yield Case("length", post(b"Content-Length: 5", body=b"hello"), start, b"hello")
    yield Case("length 0", post(b"Content-Length: 0"), start)
    yield Case("length with zeros", post(b"Content-Length: 0005", body=b"hello"), start, b"hello")
    yield Case("length in space", post(b"Content-Length: \t5 ", body=b"hello"), start, b"hello")
    raw = post(b"Content-Length: %d" % len(looks), body=looks)
    yield Case("a body that looks like a request", raw, start, looks)
    yield Case("GET with a body", head(b"Content-Length: 5") + b"hello", body=b"hello")
    expecting = post(b"Expect: 100-continue", b"Content-Length: 5", body=b"hello")
    yield Case("Expect in HTTP/1.0", expecting.replace(b"1.1", b"1.0", 1), start, b"hello")
    chunked = {
        "one chunk": b"5\r\nhello\r\n0\r\n\r\n",
        "chunks of one": b"".join(b"1\r\n%c\r\n" % c for c in b"hello") + b"0\r\n\r\n",
        "zeros": b"0000000000000005\r\nhello\r\n0000\r\n\r\n",
        "extension": b"5;a\r\nhello\r\n0;b=c\r\n\r\n",
        "extension in space": b'5 \t; a = "b" ;c\r\nhello\r\n0\r\n\r\n',
        "extension with obs-text": b"5;\xe9\r\nhello\r\n0\r\n\r\n",
    }
    for name, body in chunked.items():
        yield Case(f"chunked: {name}", post(_CODED, body=body), start, b"hello")
    data = b"d" * 0xAB
    for size in (b"ab", b"AB", b"aB", b"00Ab"):
        body = size + b"\r\n" + data + b"\r\n0\r\n\r\n"
        yield Case(f"chunked: size {size!r}", post(_CODED, body=body), start, data)
    for line in (b"Transfer-Encoding: ChUnKeD", b"tRANSFER-eNCODING:\t chunked \t"):
        yield Case(f"chunked: {line!r}", post(line, body=b"0\r\n\r\n"), start)
    trailing = b"0\r\nX-A: b\r\nX-Sum:\r\n\r\n"
    yield Case("trailers", post(_CODED, body=trailing), start,
        trailers=[(b"x-a", b"b"), (b"x-sum", b"")])  # fmt: skip
    names = [b"Content-Length", b"Transfer-Encoding", b"Host", b"Authorization", b"Cookie"]
    names += (b"X-Forwarded-For", b"Connection", b"TE", b"Trailer", b"Content-Type", b"x_real-ip")
    forbidden = b"0\r\n" + b"".join(name + b": 1\r\n" for name in names) + b"X-A: b\r\n\r\n"
    yield Case("trailers that may not be", post(_CODED, body=forbidden), start,
        trailers=[(b"x-a", b"b")])  # fmt: skip


CASES = (*_targets(), *_hosts(), *_fields(), *_bodies())
