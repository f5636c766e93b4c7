"""The chunked coding: the same in any pieces, and strictly right for whoever reads it next."""

from __future__ import annotations

import re
from io import BytesIO

import attrs
import httptools

from fiberlb.errors import Fault
from fiberlb.wire.chunked import Chunked
from tests.fuzz.failure import Broken, hold, pieces, places
from tests.live.strict import Malformed, Message, Reader
from tests.wire.test_oracle import ask

_HEAD = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
_FORBIDDEN = {b"host", b"content-length", b"transfer-encoding", b"authorization", b"cookie"}
_FORBIDDEN |= {b"x-forwarded-for", b"x-real-ip", b"via", b"connection", b"te", b"expect"}


@attrs.frozen
class Passed:
    """What came of a body: what was passed on, and how it ended."""

    out: bytes
    done: bool
    rest: bytes
    received: int
    refused: bool


def passed(parts: list[bytes], decode: bool) -> Passed:
    """Feed it."""
    chunked = Chunked(1000, 100, decode)
    out = []
    rest = b""
    try:
        for part in parts:
            if chunked.done:
                rest += part
            else:
                out.append(chunked.feed(part))
    except Fault:
        return Passed(b"".join(out), False, b"", 0, True)
    return Passed(b"".join(out), chunked.done, chunked.rest + rest, chunked.received, False)


def check(data: bytes) -> None:
    """Any bytes as a chunked body."""
    whole = passed([data], False)
    content = passed([data], True)
    cuts = places(data)
    for parts in ([data[at : at + 1] for at in range(len(data))], pieces(data, cuts)):
        for decode, expected in ((False, whole), (True, content)):
            split = passed(parts, decode)
            if expected.refused:
                # What came before the fault may have been passed on, an end never.
                hold(split.refused, data, parts)
                hold(not decoded(split.out).whole if not decode else True, data, split.out)
            else:
                hold(split == expected, data, parts, split, expected)
    if whole.refused:
        hold(content.refused, data)
    else:
        check_passed(data, whole, content)


def decoded(out: bytes) -> Message:
    """What a strict reader makes of what was passed on."""
    message = Message(b"", [])
    reader = Reader(BytesIO(out).read)
    try:
        reader.read_body(message, -1)
    except Malformed as why:
        raise Broken(f"{why}: {out!r}") from why
    reader.more()
    hold(not (message.whole and reader.held), out)
    return message


def check_passed(data: bytes, whole: Passed, content: Passed) -> None:
    """The two readers see the same content, and an end only where there is one."""
    message = decoded(whole.out)
    hold(message.whole == whole.done == content.done, data, whole.out)
    hold(whole.rest == content.rest and whole.received == content.received, data)
    hold(len(content.out) == content.received, data, content.out)
    if whole.done:
        hold(message.body == content.out, data, whole.out, content.out)
        hold(not _FORBIDDEN & {name.lower() for name, _ in message.trailers}, data)
    else:
        hold(content.out.startswith(message.body), data, whole.out)
    told, refused = ask(httptools.HttpRequestParser, _HEAD, whole.out)
    hold(not refused and bool(told.whole) == whole.done, data, whole.out)
    hold(told.body == content.out, data, told.body, content.out)
    # As it came, llhttp sees the same, unless what it minds is dropped: extensions that make no
    # sense, and framing fields in trailers; or it does not wait for the end of a line.
    told, refused = ask(httptools.HttpRequestParser, _HEAD, data)
    if not refused:
        hold((bool(told.whole), told.body) == (whole.done, content.out), data, told.body)
    elif not told.whole and not passed([data, b"\r\n"], False).refused:
        hold(re.search(rb"(?i);|\n(?:content-length|transfer-encoding|connection):", data), data)
