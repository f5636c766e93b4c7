"""
Traffic for the soak: clients of every kind, each in a thread, that look at all they get.

Each request has an id of its own, in its target and in C{X-Id}; members say
it back, and the access log has it. So nothing can be taken for anything else.
"""

from __future__ import annotations

import random
import socket
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from pathlib import Path

import attrs

from tests.live.strict import Ended, Message, Reader
from tests.support.members import Member

_ABORT = struct.pack("ii", 1, 0)
_PATIENCE = 20.0
#: Sizes of what is downloaded from nginx.
SIZES = (1024, 65536, 1048576)


@attrs.define
class Outcome:
    """
    What came of one request.

    @ivar status: 0: nothing came.
    @ivar whole: the answer came to its end.
    @ivar given_up: the client went away by itself.
    """

    kind: str
    method: bytes
    target: str
    status: int = 0
    whole: bool = False
    given_up: bool = False

    @property
    def good(self) -> bool:
        """Answered as it should be."""
        return self.whole and self.status in (101, 200)


@attrs.define
class Tally:
    """
    What all clients together have seen.

    @ivar trouble: what must never happen.
    """

    outcomes: list[Outcome] = attrs.field(factory=list)
    trouble: list[str] = attrs.field(factory=list)
    _numbers: count[int] = attrs.field(factory=lambda: count(1))

    def ident(self) -> str:
        """A new id."""
        return f"i{next(self._numbers)}"

    def begin(self, kind: str, method: bytes, target: str) -> Outcome:
        """A request is about to be sent."""
        made = Outcome(kind, method, target)
        self.outcomes.append(made)
        return made

    def counts(self) -> dict[str, int]:
        """How many requests there were of each kind, and how many of them were good."""
        found = Counter(outcome.kind for outcome in self.outcomes)
        good = Counter(f"{o.kind} good" for o in self.outcomes if o.good)
        return dict(sorted({**found, **good}.items()))


class Caller(Reader):
    """A client's connection."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.sock: socket.socket = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.sock = tls.wrap_socket(self.sock, server_hostname="soak.example")
        super().__init__(self.sock.recv)

    def final(self, method: bytes) -> Message | None:
        """The next answer that is not interim; C{None} when the connection ends before it."""
        try:
            while True:
                message = self.answer(method)
                if message is None or message.status >= 200 or message.status == 101:
                    return message
        except (Ended, ConnectionError, ssl.SSLError):
            return None

    def reset(self) -> None:
        """Go as a crash does."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
        self.sock.close()


class Client:
    """One kind of client, doing the same thing again and again."""

    kind = ""

    def __init__(self, soak: Soak, number: int) -> None:
        self.soak = soak
        self.tally = soak.tally
        self.chance = random.Random(f"{soak.seed} {self.kind} {number}")
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self.soak.enough.wait(self.chance.random() * 0.02):
            try:
                self.once()
            except (ConnectionError, Ended, ssl.SSLError):
                # What was not answered is among the outcomes.
                continue
            except Exception as why:
                self.tally.trouble.append(f"{self.kind}: {why!r}")

    def once(self) -> None:
        """Connect, ask, look at what comes."""
        raise AssertionError

    def pause(self, most: float) -> None:
        """Take some time."""
        self.soak.enough.wait(self.chance.random() * most)

    def prepare(
        self, path: str, method: bytes = b"GET", fields: bytes = b"", version: bytes = b"1.1"
    ) -> tuple[Outcome, bytes, str]:
        """A new request's outcome, head and id."""
        ident = self.tally.ident()
        target = f"{path}{'&' if '?' in path else '?'}{ident}"
        outcome = self.tally.begin(self.kind, method, target)
        head = b"%b %b HTTP/%b\r\nHost: soak.example\r\nX-Id: %b\r\n%b\r\n"
        return outcome, head % (method, target.encode(), version, ident.encode(), fields), ident

    def finish(self, outcome: Outcome, message: Message | None, expected: bytes) -> bool:
        """Judge an answer; whether it was good."""
        if message is None:
            return False
        outcome.status, outcome.whole = message.status, message.whole
        own = bool(message.values(b"fiberlb-reason-code"))
        if message.status == 200 and message.whole and outcome.method != b"HEAD":
            if message.body != expected:
                self.tally.trouble.append(f"{outcome} got {message.body[:99]!r}, not {expected!r}")
        elif message.status not in (101, 200) and not own:
            self.tally.trouble.append(f"{outcome}: {message}")
        return outcome.good


def said(ident: str, method: bytes, body: bytes = b"") -> bytes:
    """What a right answer to such a request says (L{tests.support.chaos})."""
    digest = sha256(body).hexdigest()[:16]
    return f"{ident} {method.decode()} {len(body)} {digest}".encode()


class KeepAlive(Client):
    """GETs and HEADs one after the other, sometimes several at once."""

    kind = "get"

    def once(self) -> None:
        """A connection with some requests, the last of which may be left to us to close."""
        caller = Caller(self.soak.port)
        try:
            for _ in range(self.chance.randrange(1, 15)):
                if not self.ask(caller, self.chance.choice((1, 1, 1, 4, 20))):
                    return
                self.pause(0.01)
        finally:
            caller.sock.close()

    def ask(self, caller: Caller, at_once: int) -> bool:
        """So many requests in one go; their answers in order."""
        methods = [self.chance.choice((b"GET", b"GET", b"HEAD")) for _ in range(at_once)]
        asked = [self.prepare(self.path(), method) for method in methods]
        caller.sock.sendall(b"".join(head for _, head, _ in asked))
        for outcome, _, ident in asked:
            message = caller.final(outcome.method)
            if not self.finish(outcome, message, said(ident, outcome.method)):
                return False
        return True

    def path(self) -> str:
        """Where to."""
        return "/good"


class Filed(KeepAlive):
    """The same to the pool of the file."""

    kind = "filed"

    def path(self) -> str:
        """Where to."""
        return "/filed"


class Post(Client):
    """Bodies with a length and in chunks, small and large."""

    kind = "post"

    def once(self) -> None:
        """A few on one connection."""
        caller = Caller(self.soak.port)
        try:
            for _ in range(self.chance.randrange(1, 6)):
                body = self.chance.randbytes(self.chance.choice((0, 10, 3000, 70000, 300000)))
                method = self.chance.choice((b"POST", b"PUT"))
                if not self.ask(caller, method, body):
                    return
        finally:
            caller.sock.close()

    def ask(self, caller: Caller, method: bytes, body: bytes) -> bool:
        """One of them."""
        coded = self.chance.random() < 0.5
        size = b"Transfer-Encoding: chunked\r\n" if coded else b"Content-Length: %d\r\n" % len(body)
        outcome, head, ident = self.prepare("/good", method, size)
        caller.sock.sendall(head)
        for piece in self.cut(body):
            caller.sock.sendall(b"%x\r\n%b\r\n" % (len(piece), piece) if coded else piece)
            if self.chance.random() < 0.1:
                self.pause(0.02)
        if coded:
            caller.sock.sendall(b"0\r\n\r\n")
        return self.finish(outcome, caller.final(method), said(ident, method, body))

    def cut(self, body: bytes) -> list[bytes]:
        """The body in pieces."""
        size = self.chance.choice((1000, 20000, 100000))
        return [body[at : at + size] for at in range(0, len(body), size)]


class Slow(Client):
    """Heads and bodies in small pieces, answers read in small pieces."""

    kind = "slow"

    def once(self) -> None:
        """One request."""
        caller = Caller(self.soak.port)
        body = b"slow" * 10
        size = b"Content-Length: %d\r\n" % len(body)
        outcome, head, ident = self.prepare("/good", b"POST", size)
        data = head + body
        for at in range(0, len(data), 7):
            caller.sock.sendall(data[at : at + 7])
            self.pause(0.02)
        message = caller.final(b"POST")
        self.finish(outcome, message, said(ident, b"POST", body))
        caller.sock.close()


class Aborting(Client):
    """Goes away in the middle of everything."""

    kind = "abort"

    def once(self) -> None:
        """One request, not to its end."""
        caller = Caller(self.soak.port)
        how = self.chance.randrange(4)
        if how == 0:
            outcome, head, _ = self.prepare("/good", b"POST", b"Content-Length: 100000\r\n")
            caller.sock.sendall(head + b"x" * self.chance.randrange(99999))
        elif how == 1:
            outcome, head, _ = self.prepare("/bytes/1048576")
            caller.sock.sendall(head)
            caller.more()
        elif how == 2:
            outcome, head, _ = self.prepare("/chaos")
            caller.sock.sendall(head)
        else:
            outcome, head, _ = self.prepare("/good")
            caller.sock.sendall(head[: self.chance.randrange(len(head))])
        outcome.given_up = True
        self.pause(0.01)
        if self.chance.random() < 0.5:
            caller.reset()
        else:
            caller.sock.close()


class Download(Client):
    """Files from nginx, which may be killed meanwhile."""

    kind = "download"

    def once(self) -> None:
        """One file, read at some speed."""
        caller = Caller(self.soak.port)
        size = self.chance.choice(SIZES)
        outcome, head, _ = self.prepare(f"/bytes/{size}")
        caller.sock.sendall(head)
        self.finish(outcome, caller.final(b"GET"), self.soak.files[size])
        caller.sock.close()


class Upgrading(Client):
    """Tunnels."""

    kind = "upgrade"

    def once(self) -> None:
        """Bytes there and back, the first ones with the request."""
        caller = Caller(self.soak.port)
        fields = b"Connection: upgrade\r\nUpgrade: echo\r\n"
        outcome, head, _ = self.prepare("/good", b"GET", fields)
        sent = self.chance.randbytes(20000)
        caller.sock.sendall(head + sent[:100])
        message = caller.final(b"GET")
        if message is None or message.status != 101:
            self.finish(outcome, message, b"")
            return
        caller.sock.sendall(sent[100:])
        outcome.status, outcome.whole = 101, True
        back = caller.take(len(sent))
        if back != sent:
            self.tally.trouble.append(f"{outcome}: the tunnel's bytes are not those sent")
        if self.chance.random() < 0.5:
            caller.sock.shutdown(socket.SHUT_WR)
            if caller.some():
                self.tally.trouble.append(f"{outcome}: bytes nobody sent")
        caller.sock.close()


class Old(Client):
    """HTTP/1.0, with and without keep-alive."""

    kind = "old"

    def once(self) -> None:
        """One request."""
        caller = Caller(self.soak.port)
        fields = self.chance.choice((b"", b"Connection: keep-alive\r\n"))
        outcome, head, ident = self.prepare("/good", b"GET", fields, b"1.0")
        caller.sock.sendall(head)
        self.finish(outcome, caller.final(b"GET"), said(ident, b"GET"))
        caller.sock.close()


class Secure(Client):
    """TLS, with whatever certificate there is at the moment."""

    kind = "tls"

    def once(self) -> None:
        """A handshake and some requests."""
        caller = Caller(self.soak.secure_port, self.soak.context)
        for _ in range(self.chance.randrange(1, 8)):
            outcome, head, ident = self.prepare("/good")
            caller.sock.sendall(head)
            if not self.finish(outcome, caller.final(b"GET"), said(ident, b"GET")):
                break
        caller.sock.close()


class Chaotic(Client):
    """To members that do anything: whatever is answered must be for this request."""

    kind = "chaos"

    def once(self) -> None:
        """A few requests, as long as the connection stands."""
        caller = Caller(self.soak.port)
        for _ in range(4):
            method = self.chance.choice((b"GET", b"POST"))
            body = b"" if method == b"GET" else self.chance.randbytes(2000)
            size = b"Content-Length: %d\r\n" % len(body) if body else b""
            outcome, head, ident = self.prepare("/chaos", method, size)
            caller.sock.sendall(head + body)
            message = caller.final(method)
            if message is not None and message.status == 413:
                outcome.status, outcome.whole = 413, message.whole
                if message.whole and message.body != ident.encode() + b" early":
                    self.tally.trouble.append(f"{outcome}: {message}")
                break
            if not self.finish(outcome, message, said(ident, method, body)) and message is None:
                break
            if not outcome.whole or b"close" in (message.values(b"connection") if message else []):
                break
        caller.sock.close()


#: What runs, and how many of each.
CLIENTS: tuple[tuple[Callable[[Soak, int], Client], int], ...] = (
    (KeepAlive, 2),
    (Filed, 1),
    (Post, 2),
    (Slow, 2),
    (Aborting, 1),
    (Download, 1),
    (Upgrading, 1),
    (Old, 1),
    (Secure, 1),
    (Chaotic, 3),
)


class Soak:
    """
    All clients together, started and ended as a context.

    @ivar files: what nginx serves, by size.
    """

    def __init__(
        self, seed: int, port: int, secure_port: int, context: ssl.SSLContext, nginx: Member
    ) -> None:
        self.seed = seed
        self.port = port
        self.secure_port = secure_port
        self.context = context
        files = Path(nginx.directory, "files")
        self.files = {size: (files / str(size)).read_bytes() for size in SIZES}
        self.tally = Tally()
        self.enough = threading.Event()
        self._clients = [make(self, n) for make, many in CLIENTS for n in range(many)]

    def __enter__(self) -> Soak:
        for client in self._clients:
            client.thread.start()
        return self

    def __exit__(self, *about: object) -> None:
        self.enough.set()
        for client in self._clients:
            client.thread.join(2 * _PATIENCE)
            if client.thread.is_alive():
                self.tally.trouble.append(f"{client.kind}: hangs")
