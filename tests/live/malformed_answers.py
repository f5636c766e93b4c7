"""
What no member may answer, and what becomes of it.

C{HIDDEN} is an answer that nobody asked for; it is put behind others to see
whether it is ever given to somebody.
"""

from __future__ import annotations

from collections.abc import Iterator

import attrs

HIDDEN = b"HTTP/1.1 200 OK\r\nX-Hidden: yes\r\nContent-Length: 6\r\n\r\nhidden"


@attrs.frozen
class Case:
    """
    One bad answer.

    @ivar raw: what the member sends.
    @ivar status: of the answer of ours; C{None}: the answer has begun and is broken off.
    @ivar stays: the member leaves the connection open, so that its end says nothing.
    """

    name: str
    raw: bytes
    status: int | None = 502
    stays: bool = True


def answer(*lines: bytes, first: bytes = b"HTTP/1.1 200 OK", body: bytes = b"hello") -> bytes:
    """An answer with these fields."""
    return b"\r\n".join([first, *lines, b"", b""]) + body


def sized(first: bytes) -> bytes:
    """An answer with this first line, correct apart from it."""
    return answer(b"Content-Length: 5", first=first)


def coded(body: bytes) -> bytes:
    """An answer with this body in chunks."""
    return answer(b"Transfer-Encoding: chunked", body=body)


def _status_lines() -> Iterator[Case]:
    lines = {
        "two digits": b"HTTP/1.1 20 OK",
        "four digits": b"HTTP/1.1 2000 OK",
        "no status": b"HTTP/1.1 OK",
        "no status at all": b"HTTP/1.1",
        "status in letters": b"HTTP/1.1 two OK",
        "status with a sign": b"HTTP/1.1 +20 OK",
        "negative status": b"HTTP/1.1 -20 OK",
        "status 0": b"HTTP/1.1 000 OK",
        "status 099": b"HTTP/1.1 099 OK",
        "status 600": b"HTTP/1.1 600 OK",
        "status 999": b"HTTP/1.1 999 OK",
        "hexadecimal status": b"HTTP/1.1 0xC OK",
        "two spaces": b"HTTP/1.1  200 OK",
        "tab": b"HTTP/1.1\t200 OK",
        "tab after the status": b"HTTP/1.1 200\tOK",
        "space before": b" HTTP/1.1 200 OK",
        "version 0.9": b"HTTP/0.9 200 OK",
        "version 1.2": b"HTTP/1.2 200 OK",
        "version 2": b"HTTP/2 200 OK",
        "version 2.0": b"HTTP/2.0 200 OK",
        "version 1.10": b"HTTP/1.10 200 OK",
        "lower case": b"http/1.1 200 OK",
        "another protocol": b"ICY 200 OK",
        "no version": b"HTTP 200 OK",
        "version with a comma": b"HTTP/1,1 200 OK",
        "reason with a NUL": b"HTTP/1.1 200 O\0K",
        "reason with a CR": b"HTTP/1.1 200 O\rK",
        "reason with an ESC": b"HTTP/1.1 200 O\x1bK",
        "reason with a field": b"HTTP/1.1 200 OK\nSet-Cookie: a=b",
        "a request": b"GET / HTTP/1.1",
    }
    for name, line in lines.items():
        yield Case(f"status line: {name}", sized(line))
    yield Case("HTTP/0.9", b"<html>hello</html>")
    yield Case("HTTP/0.9, many bytes", b"x" * 100000)
    yield Case("NULs", bytes(50))
    yield Case("TLS alert", b"\x15\x03\x01\x00\x02\x02\x0a")
    yield Case("SSH", b"SSH-2.0-OpenSSH_9.6\r\n")
    yield Case("h2 settings", b"\0\0\0\x04\0\0\0\0\0")
    yield Case("empty line first", b"\r\n" + sized(b"HTTP/1.1 200 OK"))


def _fields() -> Iterator[Case]:
    lines = {
        "NUL in a value": b"X-A: b\0c",
        "NUL in a name": b"X\0A: b",
        "CR in a value": b"X-A: b\rc",
        "CR and a field": b"X-A: b\rSet-Cookie: c=d",
        "LF and a field": b"X-A: b\nSet-Cookie: c=d",
        "BEL in a value": b"X-A: b\x07",
        "DEL in a value": b"X-A: b\x7f",
        "ESC in a value": b"X-A: \x1b[2J",
        "space before the colon": b"X-A : b",
        "tab before the colon": b"X-A\t: b",
        "space in a name": b"X A: b",
        "space before a name": b" X-A: b",
        "empty name": b": b",
        "no colon": b"X-A",
        "folded": b"X-A: b\r\n c",
        "name with obs-text": b"X\xe9A: b",
        "name in quotes": b'"X-A": b',
        "CR CR LF": b"X-A: b\r\r",
    }
    for name, line in lines.items():
        yield Case(f"field: {name}", answer(b"Content-Length: 5", line, b"X-Z: z"))
    plain = sized(b"HTTP/1.1 200 OK")
    yield Case("line ends: LF", plain.replace(b"\r\n", b"\n"))
    yield Case("line ends: CR", plain.replace(b"\r\n", b"\r"), stays=False)
    yield Case("line ends: LF after the status line", plain.replace(b"\r\n", b"\n", 1))
    yield Case("line ends: LF at the end", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\nhello")
    yield Case("head: one huge field", answer(b"X-A: " + b"a" * 2_000_000))
    yield Case("head: many fields", answer(*[b"X-A: bbbbbbbb"] * 10_000))
    yield Case("head: list in Connection", answer(b"Connection: " + b"a," * 1000))
    yield Case("head: endless", b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 20_000)
    yield Case("head: cut in the status line", b"HTTP/1.1 20", stays=False)
    yield Case("head: cut in a field", b"HTTP/1.1 200 OK\r\nX-A: b", stays=False)
    yield Case("head: cut before its end", answer(b"Content-Length: 0")[:-7], stays=False)
    yield Case("nothing", b"", stays=False)
    yield Case("silence", b"", 504)
    yield Case("silence within the head", b"HTTP/1.1 200 OK\r\nX-A: b\r\n", 504)


def _framing() -> Iterator[Case]:
    lengths = {
        "empty": b"",
        "plus": b"+5",
        "minus": b"-5",
        "hexadecimal": b"0x5",
        "underscore": b"1_0",
        "space inside": b"1 0",
        "point": b"5.0",
        "letters": b"five",
        "list of different": b"5, 6",
        "list with an empty element": b"5,",
        "64 bits": b"9223372036854775808",
        "more than 64 bits": b"18446744073709551621",
        "a hundred digits": b"9" * 100,
        "obs-text digit": b"\xb25",
        "quotes": b'"5"',
    }
    for name, value in lengths.items():
        yield Case(f"length: {name}", answer(b"Content-Length: " + value))
    yield Case("length: two", answer(b"Content-Length: 5", b"Content-Length: 6"))
    yield Case("length: as Content_Length", answer(b"Content-Length: 5", b"Content_Length: 6"))
    codings = {
        "identity": b"identity",
        "empty": b"",
        "gzip": b"gzip",
        "gzip and chunked": b"gzip, chunked",
        "chunked twice": b"chunked, chunked",
        "chunked and gzip": b"chunked, gzip",
        "comma": b"chunked,",
        "quotes": b'"chunked"',
        "parameter": b"chunked;q=1",
        "misspelt": b"xchunked",
        "vertical tab": b"\x0bchunked",
        "obs-text": b"chunked\xff",
    }
    for name, value in codings.items():
        yield Case(f"coding: {name}", answer(b"Transfer-Encoding: " + value, body=b"0\r\n\r\n"))
    two = (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked")
    yield Case("coding: two fields", answer(*two, body=b"0\r\n\r\n"))
    old = b"HTTP/1.0 200 OK"
    yield Case("coding: HTTP/1.0", answer(two[0], first=old, body=b"0\r\n\r\n"))
    yield Case("coding: look-alike", answer(b"Transfer_Encoding: chunked", b"Content-Length: 5"))


def _bodies() -> Iterator[Case]:
    yield Case("body: short", answer(b"Content-Length: 50"), None, stays=False)
    yield Case("body: none of it", answer(b"Content-Length: 50", body=b""), None, stays=False)
    yield Case("body: stops", answer(b"Content-Length: 50"), None)
    bodies = {
        "no number": b"x\r\nhello\r\n0\r\n\r\n",
        "no size": b"\r\nhello\r\n0\r\n\r\n",
        "minus": b"-5\r\nhello\r\n0\r\n\r\n",
        "hexadecimal prefix": b"0x5\r\nhello\r\n0\r\n\r\n",
        "space before the size": b" 5\r\nhello\r\n0\r\n\r\n",
        "LF after the size": b"5\nhello\r\n0\r\n\r\n",
        "LF after the data": b"5\r\nhello\n0\r\n\r\n",
        "data longer": b"5\r\nhello!\r\n0\r\n\r\n",
        "data shorter": b"5\r\nhell\r\n0\r\n\r\n",
        "more than 64 bits": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
        "extension with an LF": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
        "extension with a NUL": b"5;\0\r\nhello\r\n0\r\n\r\n",
        "extension too long": b"5;" + b"a" * 100_000 + b"\r\nhello\r\n0\r\n\r\n",
        "plain text": b"hello",
        "trailer without a colon": b"0\r\nX-A\r\n\r\n",
        "trailer with a NUL": b"0\r\nX-A: \0\r\n\r\n",
        "trailer with an LF": b"0\r\nX-A: b\nX-B: c\r\n\r\n",
        "trailers too long": b"0\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n",
    }
    for name, body in bodies.items():
        yield Case(f"chunk: {name}", coded(body), 502)
        yield Case(f"later chunk: {name}", coded(b"3\r\nabc\r\n" + body), 502)
    cut = {
        "in a size": b"5",
        "in the data": b"5\r\nhel",
        "after the data": b"5\r\nhello\r\n",
        "before the last line": b"5\r\nhello\r\n0\r\n",
        "in the trailers": b"0\r\nX-A: b\r\n",
    }
    for name, body in cut.items():
        yield Case(f"chunk: cut {name}", coded(body), None, stays=False)
        yield Case(f"chunk: stops {name}", coded(body), None)


def _informational() -> Iterator[Case]:
    switch = (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    yield Case("101 that nobody asked for", switch + HIDDEN)
    yield Case("101 without Upgrade", b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
    yield Case("1xx without end", b"HTTP/1.1 102 Processing\r\n\r\n" * 5000)
    yield Case("1xx and silence", b"HTTP/1.1 102 Processing\r\n\r\n", 504)
    yield Case("1xx and the end", b"HTTP/1.1 102 Processing\r\n\r\n", stays=False)
    yield Case("1xx that is malformed", b"HTTP/1.1 102 Processing\nX: y\n\n" + HIDDEN)


CASES = (*_status_lines(), *_fields(), *_framing(), *_bodies(), *_informational())
