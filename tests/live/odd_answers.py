"""Answers that are rarely seen, and what a client must get of them."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from tests.live.malformed_answers import HIDDEN, answer, coded, sized

_OK = b"HTTP/1.1 200 OK"


@attrs.frozen
class Case:
    """
    One answer.

    @ivar start: its first line at the client.
    @ivar method: of the request.
    @ivar ends: the member closes after it.
    @ivar again: the member's connection may carry the next request.
    """

    name: str
    raw: bytes
    start: bytes = _OK
    body: bytes = b""
    trailers: list[tuple[bytes, bytes]] = attrs.field(factory=list)
    method: bytes = b"GET"
    ends: bool = False
    again: bool = True


def _status_lines() -> Iterator[Case]:
    yield Case("no reason", sized(b"HTTP/1.1 200 "), b"HTTP/1.1 200 ", b"hello")
    yield Case("no space either", sized(b"HTTP/1.1 200"), b"HTTP/1.1 200 ", b"hello")
    for line in (b"HTTP/1.1 599 X", b"HTTP/1.1 299 a\tb \xe9", b"HTTP/1.1 418 I'm a teapot"):
        yield Case(f"line {line!r}", sized(line), line, b"hello")
    yield Case("HTTP/1.0", sized(b"HTTP/1.0 200 OK"), body=b"hello")
    yield Case("until the end", answer(), body=b"hello", ends=True)
    yield Case("HTTP/1.0 until the end", answer(first=b"HTTP/1.0 200 OK"), body=b"hello", ends=True)
    yield Case("an empty body until the end", answer(body=b""), ends=True)


def _framing() -> Iterator[Case]:
    both = answer(b"Content-Length: 50", b"Transfer-Encoding: chunked", body=b"1\r\na\r\n0\r\n\r\n")
    yield Case("length and coding", both, body=b"a")
    same = answer(b"Content-Length: 5", b"Content-Length: 5")
    yield Case("the same length twice", same, body=b"hello")
    yield Case("zeros", answer(b"Content-Length: 0005"), body=b"hello")
    yield Case("length 0", answer(b"Content-Length: 0", body=b""))
    yield Case("extension", coded(b'5;a="b"\r\nhello\r\n0;c\r\n\r\n'), body=b"hello")
    yield Case("upper case", coded(b"0000A\r\n0123456789\r\n0\r\n\r\n"), body=b"0123456789")
    trailing = coded(b"1\r\na\r\n0\r\nX-Sum: b\r\nSet-Cookie: c\r\nContent-Length: 9\r\n\r\n")
    yield Case("trailers", trailing, body=b"a", trailers=[(b"x-sum", b"b")])


def _bodiless() -> Iterator[Case]:
    for line in (b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified"):
        plain = answer(first=line, body=b"")
        yield Case(f"{line!r}", plain, line)
        again = False
        yield Case(f"{line!r} with a body", plain + b"hello", line, again=again)
        yield Case(f"{line!r} with an answer", plain + HIDDEN, line, again=again)
        yield Case(f"{line!r} with a length and a body", sized(line), line, again=again)
        length = answer(b"Content-Length: 5", first=line, body=b"")
        yield Case(f"{line!r} with a length", length, line)
        empty = answer(b"Transfer-Encoding: chunked", first=line, body=b"")
        yield Case(f"{line!r} with a coding", empty, line)
        yield Case(
            f"{line!r} with an empty body in chunks", empty + b"0\r\n\r\n", line, again=again
        )
    for name, raw in (
        ("a length", answer(b"Content-Length: 5", body=b"")),
        ("a coding", coded(b"")),
        ("nothing", answer(body=b"")),
    ):
        yield Case(f"HEAD with {name}", raw, method=b"HEAD")
        yield Case(f"HEAD with {name} and a body", raw + b"hello", method=b"HEAD", again=False)
    yield Case(
        "HEAD with an error", sized(b"HTTP/1.1 404 No")[:-5], b"HTTP/1.1 404 No", method=b"HEAD"
    )


def _more() -> Iterator[Case]:
    whole = sized(_OK)
    yield Case("bytes after it", whole + b"!", body=b"hello", again=False)
    yield Case("an answer after it", whole + HIDDEN, body=b"hello", again=False)
    yield Case("CR LF after it", whole + b"\r\n", body=b"hello", again=False)
    last = coded(b"5\r\nhello\r\n0\r\n\r\n")
    yield Case("an answer after the chunks", last + HIDDEN, body=b"hello", again=False)
    nothing = answer(b"Content-Length: 0", body=b"")
    yield Case("an answer after nothing", nothing + HIDDEN, again=False)
    closes = answer(b"Content-Length: 5", b"Connection: close")
    yield Case("that it closes", closes, body=b"hello", again=False)
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    yield Case("103 before it", early + whole, body=b"hello")
    yield Case("103 sixteen times before it", early * 16 + whole, body=b"hello")
    yield Case("102 and 199 before it", b"HTTP/1.1 102\r\n\r\nHTTP/1.1 199 x\r\n\r\n" + whole,
        body=b"hello")  # fmt: skip
    framed = b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    yield Case("103 with a framing", framed + whole, body=b"hello")


CASES = (*_status_lines(), *_framing(), *_bodiless(), *_more())
