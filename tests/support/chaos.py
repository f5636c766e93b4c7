"""
Members that behave as they please: C{python -m tests.support.chaos SEED PORT=CONDUCT ...}.

One process, one thread, any number of ports. All but those that refuse read
requests strictly, and print a line for each whole one that is not a GET
(C{served METHOD ID}, C{ID} of the field C{X-Id}), and for what no proxy may
send (C{malformed ...}). Chance comes from the seed.

============  =======================================================================
``good``      answers at once, framed in one way or another, and takes upgrades
``fickle``    the same, and closes connections that wait for a request at random
``refuse``    no one listens
``reset``     resets the connection, before the request or after it
``hang``      reads, and never answers
``garbage``   answers something that is no answer, or hardly one
``truncate``  stops in the middle of an answer
``drip``      answers byte by byte
``early``     answers when it has the head, and does not wait for the body
============  =======================================================================

A right answer's body is C{ID METHOD SIZE DIGEST}: what the request was. After
an upgrade to C{echo} bytes come back as they are.
"""

from __future__ import annotations

import heapq
import random
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Callable
from hashlib import sha256
from io import BytesIO
from itertools import count
from time import monotonic

from tests.live.strict import Ended, Malformed, Message, Reader

CONDUCTS = ("good", "fickle", "refuse", "reset", "hang", "garbage", "truncate", "drip", "early")
_ABORT = struct.pack("ii", 1, 0)
#: Chance that a fickle member closes a connection after an answer, and the longest it waits.
_FICKLE, _LONGEST = 0.2, 0.3
#: Seconds between two bytes of an answer that drips.
_DRIP = 0.002
_GARBAGE = (
    b"garbage\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" * 40,
    b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 100_000,
    b"\x16\x03\x01\x00\x05hello",
)


def body_of(message: Message) -> bytes:
    """What a right answer to a request says."""
    ident = b"".join(message.values(b"x-id")) or b"-"
    digest = sha256(message.body).hexdigest()[:16].encode()
    return b"%b %b %d %b" % (ident, message.method, len(message.body), digest)


class Loop:
    """Sockets and timers."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Call it after that time."""
        heapq.heappush(self._timers, (monotonic() + seconds, next(self._numbers), what))

    def run(self) -> None:
        """For ever."""
        while True:
            wait = self._timers[0][0] - monotonic() if self._timers else None
            for key, events in self.selector.select(None if wait is None else max(0.0, wait)):
                key.data(events)
            while self._timers and self._timers[0][0] <= monotonic():
                heapq.heappop(self._timers)[2]()

    def listen(self, port: int, conduct: str) -> None:
        """A member on that port."""
        sock = socket.create_server(("127.0.0.1", port), backlog=512)
        sock.setblocking(False)

        def accept(events: int) -> None:
            try:
                made, _ = sock.accept()
            except OSError:
                return
            Caller(self, made, conduct)

        self.selector.register(sock, selectors.EVENT_READ, accept)


class Caller:
    """One connection at a member."""

    def __init__(self, loop: Loop, sock: socket.socket, conduct: str) -> None:
        self.loop = loop
        self.sock = sock
        self.conduct = conduct
        self.closed = False
        self._held = b""
        self._out = b""
        self._tunnel = False
        self._answered = 0
        self._last = False
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop.selector.register(sock, selectors.EVENT_READ, self._event)
        if conduct == "reset" and loop.chance.random() < 0.3:
            self.reset()

    def close(self) -> None:
        """Close in order."""
        if not self.closed:
            self.closed = True
            self.loop.selector.unregister(self.sock)
            self.sock.close()

    def reset(self) -> None:
        """Close as a crash does."""
        if not self.closed:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self.close()

    def send(self, data: bytes, last: bool = False) -> None:
        """Send all of it, and close after that if it is the last."""
        self._out += data
        self._last = self._last or last
        self._flush()

    def _flush(self) -> None:
        if self.closed:
            return
        try:
            sent = self.sock.send(self._out) if self._out else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self._out = self._out[sent:]
        if self._last and not self._out:
            self.close()
            return
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._out else 0)
        self.loop.selector.modify(self.sock, wanted, self._event)

    def _event(self, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._flush()
        if events & selectors.EVENT_READ and not self.closed:
            try:
                data = self.sock.recv(262144)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if data:
                self._received(data)
            else:
                self.close()

    def _received(self, data: bytes) -> None:
        if self._tunnel:
            self.send(data)
            return
        self._held += data
        while self._held and not self.closed and not self._tunnel:
            stream = BytesIO(self._held)
            reader = Reader(stream.read)
            try:
                message = self._read(reader)
            except Malformed as why:
                print(f"malformed {why}", flush=True)
                self.close()
                return
            if message is None:
                return
            self._held = reader.held + stream.read()
            self._answer(message)

    def _read(self, reader: Reader) -> Message | None:
        """The request, when enough of it is there."""
        if self.conduct == "early":
            try:
                return reader.request_head()
            except Ended:
                return None
        message = reader.request()
        return message if message is not None and message.whole else None

    def _answer(self, message: Message) -> None:
        if message.method != b"GET" and self.conduct != "early":
            ident = b"".join(message.values(b"x-id")).decode()
            print(f"served {message.method.decode()} {ident}", flush=True)
        self._answered += 1
        conduct = {
            "reset": self._reset,
            "hang": lambda message: None,
            "garbage": self._garbage,
            "truncate": self._truncate,
            "drip": self._drip,
            "early": self._early,
        }.get(self.conduct, self._right)
        conduct(message)

    def _right(self, message: Message) -> None:
        if b"echo" in message.values(b"upgrade"):
            fields = b"Connection: Upgrade\r\nUpgrade: echo\r\n\r\n"
            self._tunnel = True
            self.send(b"HTTP/1.1 101 Switching Protocols\r\n" + fields + self._held)
            return
        self.send(*framed(message, self.loop.chance))
        if self.conduct == "fickle" and self.loop.chance.random() < _FICKLE:
            self.loop.later(self.loop.chance.random() * _LONGEST, self._close_idle)

    def _close_idle(self) -> None:
        """Close, unless a request has begun; one may be on its way."""
        if not self._held and not self._out and not self._tunnel:
            self.close()

    def _reset(self, message: Message) -> None:
        self.reset()

    def _garbage(self, message: Message) -> None:
        self.send(self.loop.chance.choice(_GARBAGE), last=self.loop.chance.random() < 0.5)

    def _truncate(self, message: Message) -> None:
        body = body_of(message)
        coded = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(body), body)
        sized = b"Content-Length: 100000\r\n\r\n" + body
        whole = b"HTTP/1.1 200 OK\r\n" + self.loop.chance.choice((coded, sized))
        self.send(whole[: self.loop.chance.randrange(5, len(whole) + 1)], last=True)

    def _drip(self, message: Message) -> None:
        body = body_of(message)
        data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

        def drip(at: int = 0) -> None:
            if at < len(data) and not self.closed:
                self.send(data[at : at + 1])
                self.loop.later(_DRIP, lambda: drip(at + 1))

        drip()

    def _early(self, message: Message) -> None:
        ident = b"".join(message.values(b"x-id"))
        body = ident + b" early"
        head = b"HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
        self.send(head % len(body) + body, last=True)


def framed(message: Message, chance: random.Random) -> tuple[bytes, bool]:
    """A right answer in some framing, and whether the connection closes with it."""
    body = body_of(message)
    ident = b"X-Id: " + b"".join(message.values(b"x-id")) + b"\r\n"
    how = chance.random()
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" if how < 0.1 else b""
    start = interim + b"HTTP/1.1 200 OK\r\n" + ident
    if message.method == b"HEAD":
        return start + b"Content-Length: %d\r\n\r\n" % len(body), False
    if how < 0.3:
        half = len(body) // 2
        chunks = b"%x\r\n%b\r\n%x;a=b\r\n%b\r\n" % (
            half,
            body[:half],
            len(body) - half,
            body[half:],
        )
        coding = b"Transfer-Encoding: chunked\r\n\r\n"
        return start + coding + chunks + b"0\r\nX-Trailer: t\r\n\r\n", False
    if how < 0.35:
        return start + b"Connection: close\r\n\r\n" + body, True
    if how < 0.45:
        return start + b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (
            len(body),
            body,
        ), True
    return start + b"Content-Length: %d\r\n\r\n%b" % (len(body), body), False


def main() -> None:
    """Listen, say so, serve."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    loop = Loop(int(sys.argv[1]))
    for argument in sys.argv[2:]:
        port, _, conduct = argument.partition("=")
        if conduct not in CONDUCTS:
            sys.exit(f"no such conduct: {conduct}")
        if conduct != "refuse":
            loop.listen(int(port), conduct)
    print("ready", flush=True)
    loop.run()


if __name__ == "__main__":
    main()
