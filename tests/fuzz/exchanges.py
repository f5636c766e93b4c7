"""
Whole exchanges through the relay in memory, with strict readers at both ends.

What a member sees must be what an independent reader of the client's bytes
sees, or the beginning of it: a request more would be a smuggled one. What a
client sees must be one answer for each of its requests, each its own.
"""

from __future__ import annotations

import re
from io import BytesIO
from typing import Any

import attrs
import httptools

from tests.fuzz.failure import Broken, hold, pieces, places
from tests.live.strict import Ended, Malformed, Message, Reader
from tests.support.relay_links import Link
from tests.support.relay_world import World
from tests.wire.test_oracle import Told

#: What members put before the number of a request.
_MARK = b"answer "
#: Limits small enough to be reached.
_LIMITS = {"uri": 400, "header": 400, "head": 1200, "header_count": 20, "trailers": 200}
#: A body, of which the last part comes through a pipe.
_BEFORE = b"before" * 13_000
_LAST = b"last" * 20_000
_FRIENDLY = rb"(?:GET|POST|HEAD|PUT|OPTIONS) /[\w/?=%.:*&+-]* HTTP/1\.[01]\r\n"


@attrs.define
class Recorder:
    """
    The member: it reads strictly, and answers each whole request with its number.

    @ivar requests: what came whole, in order.
    @ivar broken: requests that did not come to their end, or only begun.
    """

    world: World
    requests: list[Message] = attrs.field(factory=list)
    broken: int = 0
    _served: dict[int, int] = attrs.field(factory=dict)

    def serve(self) -> None:
        """Answer what has come, until nothing more comes."""
        busy = True
        while busy:
            busy = False
            for link in self.world.members[0].links:
                busy = self._answer(link) or busy

    def _answer(self, link: Link) -> bool:
        read = self._served.get(id(link), 0)
        data = bytes(link.received[read:])
        if not data or link.closed:
            return False
        reader = Reader(BytesIO(data).read)
        message = _strict(reader)
        if message is None or not message.whole:
            return False
        reader.more()
        hold(not reader.held, "bytes after a request that has no answer yet", data)
        self._served[id(link)] = len(link.received)
        self.requests.append(message)
        upgrade = message.values(b"upgrade")
        body = b"" if message.method == b"HEAD" else _MARK + b"%d" % len(self.requests)
        fields = b"X-Refused: upgrade\r\n" if upgrade else b""
        length = len(_MARK + b"%d" % len(self.requests))
        link.send(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n%b" % (fields, length, body))
        return True

    def finish(self) -> None:
        """Look at what is left on every connection: at most one request that was broken off."""
        for link in self.world.members[0].links:
            data = bytes(link.received[self._served.get(id(link), 0) :])
            if not data:
                continue
            message = _strict(Reader(BytesIO(data).read))
            hold(message is None or not message.whole, "a request without an answer", data)
            self.broken += 1


def _strict(reader: Reader) -> Message | None:
    try:
        return reader.request()
    except Malformed as why:
        raise Broken(f"a member got what no proxy may send: {why}") from why


def answers(data: bytes, methods: list[bytes], cut: bool = False) -> list[Message]:
    """What a client reads; each must be right, the last one may be cut, with C{cut} anywhere."""
    reader = Reader(BytesIO(data).read)
    found: list[Message] = []
    try:
        while True:
            final = [m for m in found if m.status >= 200]
            method = methods[len(final)] if len(final) < len(methods) else b"GET"
            message = reader.answer(method)
            if message is None:
                return found
            found.append(message)
            if not message.whole:
                return found
    except (Malformed, Ended) as why:
        if cut and isinstance(why, Ended):
            return found
        raise Broken(f"a client got what no proxy may send: {why!r} {data!r}") from why


def settle(world: World, links: list[Link]) -> None:
    """Everybody goes; nothing is left, and nothing went wrong inside."""
    for link in links:
        link.reset(run=False)
    world.loop.run()
    for member in world.members:
        for link in member.open:
            link.reset(run=False)
    world.loop.run()
    world.advance(1)
    hold(not world.loop.faults, "\n".join(world.loop.failures))
    hold(world.figures() == [(0, 0)], world.figures())
    hold(all(a.cell.connections == 0 for a in world.acceptors), "connections are counted still")
    hold(len(world.loop.open) == len(world.acceptors), world.loop.open)
    hold(not world.loop.pipes.used, "a pipe is gone")


@attrs.frozen
class Served:
    """What came of a client's bytes."""

    requests: list[Message]
    answers: list[Message]
    reasons: list[str | None]


def serve(parts: list[bytes]) -> Served:
    """Send a client's bytes in these pieces, then the end of its input."""
    world = World(listener={"limits": _LIMITS})
    recorder = Recorder(world)
    link = world.client()
    for part in parts:
        if link.closed or link.near_ended:
            break
        link.send(part)
        recorder.serve()
    if not link.closed:
        link.end()
        recorder.serve()
    world.advance(1)
    recorder.finish()
    seen = answers(bytes(link.received), [m.method for m in recorder.requests])
    check_answers_belong(recorder, seen)
    entries = world.entries
    sent = [entry for entry in entries if entry.member]
    tries = len(recorder.requests) + recorder.broken
    hold(tries <= len(sent), "a member saw more requests than there were", tries, len(sent))
    settle(world, [link])
    return Served(recorder.requests, seen, [entry.reason for entry in entries])


def check_answers_belong(recorder: Recorder, seen: list[Message]) -> None:
    """The first answers are the member's, in the order of the requests; ours come last."""
    finals = [message for message in seen if message.status >= 200]
    for number, message in enumerate(finals[: len(recorder.requests)]):
        request = recorder.requests[number]
        body = b"" if request.method == b"HEAD" else _MARK + b"%d" % (number + 1)
        if message.values(b"fiberlb-reason-code"):
            # An answer of ours ends the connection, whatever came of the member's.
            hold(number == len(finals) - 1, finals)
            continue
        hold(message.body == body or not message.whole, message, body)
    ours = finals[len(recorder.requests) :]
    hold(len(ours) <= 1, "more answers than requests", finals)
    hold(all(message.values(b"fiberlb-reason-code") for message in ours), ours)


def check_requests(data: bytes) -> None:
    """Any bytes from a client: what reaches the member is what llhttp reads in them."""
    whole = serve([data])
    split = serve(pieces(data, places(data, 12)))
    hold(
        [_essence(m) for m in whole.requests] == [_essence(m) for m in split.requests],
        data,
        whole.requests,
        split.requests,
    )
    at_once, later = ([m.status for m in each.answers] for each in (whole, split))
    if at_once != later:
        # A head that can be none is refused at once, at its end, or never if the client ends first.
        same = min(len(at_once), len(later))
        same -= at_once[:same] != later[:same]
        odd = {*at_once[same:], *later[same:]}
        hold(at_once[:same] == later[:same] and odd <= {400, 414, 431}, data, at_once, later)
    check_behind(data, whole)
    expected = read_by_llhttp(data)
    for number, message in enumerate(whole.requests):
        if number >= len(expected):
            hold(_beyond_llhttp(data, number), data, message, expected)
            return
        url, body, method = expected[number]
        hold(message.target.lstrip(b"/") in url or message.target == b"*", data, message, url)
        hold(message.body == body and message.method == method, data, message, body)


def check_behind(data: bytes, alone: Served) -> None:
    """The same bytes right behind a body that the kernel has moved: none is taken along."""
    length = len(_BEFORE) + len(_LAST)
    start = b"POST /before HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % length
    behind = serve([start, _BEFORE, _LAST + data])
    hold(behind.requests[0].body == _BEFORE + _LAST, "the body is not what was sent")
    found, expected = (
        [_essence(m) for m in each] for each in (behind.requests[1:], alone.requests)
    )
    hold(found == expected, data, behind.requests[1:], alone.requests)


def _essence(message: Message) -> tuple[Any, ...]:
    return message.start, message.fields, message.body, message.trailers


#: What is right and llhttp refuses: extensions that make no sense (they are dropped), framing
#: fields in trailers (dropped too), a tab behind C{chunked}.
_STRICTER = re.compile(
    rb"(?i)\r\n[0-9a-f]+[ \t]*;|\n(?:content-length|transfer-encoding):[^\r]*\r\n"
    rb"(?:[^\r]+\r\n)*\r\n|\ntransfer-encoding:[ \t]*chunked[ \t]*\t"
)


def _beyond_llhttp(data: bytes, number: int) -> bool:
    """Whether there is a reason why llhttp did not read the request of that number."""
    if _STRICTER.search(data):
        return True
    lines = re.findall(rb"[^\r\n]+ HTTP/1\.[01]\r\n", data)
    return not all(re.fullmatch(_FRIENDLY, line) for line in lines[: number + 1])


class _Messages(Told):
    """Message after message, as llhttp has them."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[bytes, bytes, bytes]] = []

    def on_message_begin(self) -> None:
        """Another one."""
        self.url = self.body = b""

    def on_message_complete(self) -> None:
        """It is whole."""
        self.found.append((self.url, self.body, self.parser.get_method()))


def read_by_llhttp(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Target, body and method of each whole request, until llhttp refuses one."""
    told = _Messages()
    told.parser = httptools.HttpRequestParser(told)
    left = data
    for _ in range(100):
        try:
            told.parser.feed_data(left)
            break
        except httptools.HttpParserUpgrade as why:
            # The member refuses it: what follows is a request again.
            left = left[why.args[0] :]
            told.parser = httptools.HttpRequestParser(told)
            if not left:
                break
        except httptools.HttpParserError:
            break
    return told.found


_SECOND = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond"
_METHODS = (b"GET", b"GET", b"HEAD", b"POST")


def check_answers(data: bytes) -> None:
    """Any bytes from a member: the client reads one right answer, and the next one is its own."""
    for minor in (b"1", b"0"):
        whole = answered([data], minor)
        split = answered(pieces(data, places(data, 8)), minor)
        if not any(message.values(b"fiberlb-reason-code") for message in (*whole, *split)):
            compared = [[(m.status, m.body, m.whole) for m in each] for each in (whole, split)]
            hold(compared[0] == compared[1], data, whole, split)


def answered(parts: list[bytes], minor: bytes) -> list[Message]:
    """Send a member's bytes in pieces, end its side, and ask again on the client's connection."""
    world = World(listener={"limits": _LIMITS})
    link = world.client(b"GET /first HTTP/1." + minor + b"\r\nHost: a\r\n\r\n")
    member = world.members[0]
    first = member.link
    for part in parts:
        if not first.closed:
            first.send(part)
    tunnel = b" 101 " in bytes(link.received[:16])
    if not first.closed:
        first.close()
    again = not (link.closed or link.near_ended)
    if again:
        link.send(b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
        for other in member.links[1:]:
            hold(other.received.startswith(b"GET /"), bytes(other.received))
            other.send(_SECOND)
    world.advance(1)
    hold(not tunnel, "a tunnel that nobody asked for", parts)
    received = bytes(link.received)
    settle(world, [link])
    if minor == b"0":
        # The answer ends with the connection, unless it says how long it is.
        hold(b"\r\n\r\n" in received or not received, received)
        hold(b"\ntransfer-encoding:" not in received.partition(b"\r\n\r\n")[0].lower(), received)
        received = received.replace(b"HTTP/1.0", b"HTTP/1.1")
    seen = answers(received, [b"GET", b"GET"])
    finals = [message for message in seen if message.status >= 200]
    hold(len(finals) <= 2, parts, seen)
    if len(finals) == 2:
        hold(finals[0].whole and finals[1].body == b"second", parts, seen)
    return seen
