"""Heads: what is taken, whole or in pieces, and what is made of it for the other side."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO
from typing import Any

import httptools

from fiberlb.errors import Fault
from fiberlb.model.bounds import Limits
from fiberlb.wire import response_head
from fiberlb.wire.fields import CHUNKED, UNTIL_CLOSE
from fiberlb.wire.request_head import after_empty_lines, worth_parsing
from tests.fuzz.failure import Broken, hold, places
from tests.live.strict import Ended, Malformed, Message, Reader, framing
from tests.wire.reading import LIMITS, Request, Response, request, response
from tests.wire.test_oracle import ask

#: What is refused for its size may be refused for its content when it comes in other pieces.
_SIZES = frozenset({"uri_too_long", "head_too_large"})
_BODY = b"5\r\nhello\r\n0\r\n\r\n"


def verdict(read: Callable[[bytes], Any], data: bytes) -> Any:
    """What a reader makes of it: a head, C{None} for more is needed, or the reason of a refusal."""
    try:
        return read(data)
    except Fault as fault:
        return fault.reason


def same_in_pieces(read: Callable[[bytes], Any], data: bytes) -> Any:
    """
    The verdict on C{data}; it must be that on every part of it from the beginning, or C{None}.

    A head that was taken is taken whatever follows; a refusal is final.
    """
    whole = verdict(read, data)
    for place in places(data):
        part = verdict(read, data[:place])
        if part is None or part == whole:
            continue
        refused = isinstance(part, str) and isinstance(whole, str)
        hold(refused and (_SIZES & {part, whole} or part == whole), data[:place], part, whole)
    return whole


def check_request(data: bytes) -> None:
    """Any bytes as a request's head."""
    data = after_empty_lines(data)
    if not data:
        return
    parsed = same_in_pieces(request, data)
    hold(verdict(gathered(request, worth_parsing), data) == parsed or isinstance(parsed, str), data)
    if isinstance(parsed, Request):
        check_forwarded(parsed)
    check_trusted(data, parsed)


def gathered(
    read: Callable[[bytes], Any], worth: Callable[[bytes, int, Limits], bool]
) -> Callable[[bytes], Any]:
    """The same reader for bytes that come one by one, asked only when it is worth it."""

    def read_each(data: bytes) -> Any:
        for size in range(1, len(data) + 1):
            if size == 1 or worth(data[:size], size - 1, LIMITS):
                parsed = read(data[:size])
                if parsed is not None:
                    return parsed
        return None

    return read_each


def check_trusted(data: bytes, parsed: Any) -> None:
    """A trusted peer's head is the same head."""
    trusted = verdict(lambda head: request(head, trusted=True), data)
    if isinstance(parsed, Request):
        hold(isinstance(trusted, Request), data, trusted)
        hold((trusted.end, trusted.length) == (parsed.end, parsed.length), data, trusted)
        hold((trusted.target, trusted.authority) == (parsed.target, parsed.authority), data)
        strictly(emitted(trusted))
        # In front of and behind the value come ours.
        hold(re.fullmatch(rb"[\t\x20-\x7e\x80-\xff]*", trusted.forwarded), data)
    else:
        hold(trusted == parsed, data, trusted, parsed)


def emitted(parsed: Request) -> bytes:
    """The head as a member gets it, without what FiberLB adds about the client."""
    start = b" ".join((parsed.method, parsed.target, b"HTTP/1.1"))
    host = b"" if parsed.authority else b"\r\nHost: local"
    return start + host + parsed.block + b"\r\n"


def strictly(head: bytes) -> Message:
    """A request's head as the strict reader has it, which must leave nothing over."""
    reader = Reader(BytesIO(head).read)
    try:
        message = reader.request_head()
    except (Malformed, Ended) as why:
        raise Broken(f"{why!r}: {head!r}") from why
    assert message is not None
    reader.more()
    hold(not reader.held, head, reader.held)
    return message


def check_forwarded(parsed: Request) -> None:
    """What a member gets: one request for two strict readers, with the length that we read."""
    head = emitted(parsed)
    message = strictly(head)
    hold(message.target == parsed.target and message.method == parsed.method, head)
    host = message.values(b"host")[0]
    hold(host.lower() == (parsed.authority or b"local").lower(), head, parsed.authority)
    length = framing(message)
    hold((length or 0) == parsed.length, head, parsed.length)
    removed = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"}
    removed |= {b"http2-settings", b"forwarded", b"x-forwarded-for", b"x-real-ip"}
    hold(not removed & {name.replace(b"_", b"-") for name, _ in message.fields}, head)
    # llhttp knows a list of methods and is narrower about targets: those are not what is asked.
    plain = b"POST / HTTP/1.1" + head[head.index(b"\r\n") :]
    ends_alike(httptools.HttpRequestParser, plain, parsed.length)


def ends_alike(make: Callable[[Any], Any], head: bytes, length: int) -> None:
    """Llhttp takes the head, and sees the body end where we do."""
    told, refused = ask(make, head)
    hold(not refused and told.head, head)
    if length == UNTIL_CLOSE:
        told, refused = ask(make, head, b"hello")
        hold(not refused and (told.whole, told.body) == (0, b"hello"), head)
        return
    if length > 1 << 16:
        hold(not told.whole, head)
        return
    body = _BODY if length == CHUNKED else b"x" * length
    before, wrong = ask(make, head, body[:-1])
    after, refused = ask(make, head, body)
    hold(not refused and not wrong, head)
    hold((before.whole, after.whole) == (0 if body else 1, 1), head, length)


def check_response(data: bytes) -> None:
    """Any bytes as an answer's head."""
    parsed = same_in_pieces(response, data)
    later = verdict(gathered(response, response_head.worth_parsing), data)
    hold(later == parsed or isinstance(parsed, str), data, later)
    if not isinstance(parsed, Response):
        return
    head = b"".join((b"HTTP/1.1 %d" % parsed.status, parsed.reason or b" ", parsed.block, b"\r\n"))
    reader = Reader(BytesIO(head).read)
    try:
        message = reader.answer(b"HEAD")
    except (Malformed, Ended) as why:
        raise Broken(f"{why!r}: {head!r}") from why
    hold(message is not None and not reader.held, head)
    assert message is not None
    removed = {b"connection", b"keep-alive", b"proxy-connection", b"te", b"upgrade"}
    hold(not removed & {name for name, _ in message.fields}, head)
    length = framing(message)
    never = parsed.status < 200 or parsed.status == 204
    hold(length is None if never else (UNTIL_CLOSE if length is None else length) == parsed.length)
    if not never and parsed.status != 304:
        # llhttp knows no reason phrase that begins with a space.
        plain = b"HTTP/1.1 200 OK" + head[head.index(b"\r\n") :]
        ends_alike(httptools.HttpResponseParser, plain, parsed.length)
