"""Connections that last: WebSockets that talk, and downloads that are read slowly."""

from __future__ import annotations

import socket
import threading
from time import monotonic

from tests.live.origin import Caller, Origin
from tests.live.strict import Reader
from tests.live.test_upgrade import TEXT, frame, read_frame, web_socket

_ASK = (
    b"GET /socket HTTP/1.1\r\nHost: t.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
#: Octets of a download, and of what is read of each at a time.
SIZE, PIECE = 64 << 20, 65536
_BLOCK = bytes(range(256)) * 256
_WAIT = 30.0


def member(caller: Caller) -> None:
    """An origin's script: WebSockets at /socket, endless patterns anywhere else."""
    while (message := caller.request_head()) is not None:
        if message.target.endswith(b"/socket"):
            caller.socket.settimeout(_WAIT)
            web_socket(caller, message)
            return
        if message.target.endswith(b"/long"):
            caller.socket.settimeout(None)
            caller.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
            for _ in range(SIZE // len(_BLOCK)):
                caller.send(_BLOCK)
        else:
            caller.reply(b"ok\n")


class Lasting:
    """
    So many of each, through a port; a thread has all of them talk in turn.

    @ivar trouble: what went wrong with any of them.
    @ivar rounds: how often all have talked.
    """

    def __init__(self, port: int, sockets: int, downloads: int) -> None:
        self.trouble: list[str] = []
        self.rounds = 0
        self._ending = False
        self._news = threading.Condition()
        self._sockets = [self._opened(port, _ASK) for _ in range(sockets)]
        ask = b"GET /long HTTP/1.1\r\nHost: t.test\r\n\r\n"
        self._downloads = [self._opened(port, ask) for _ in range(downloads)]
        self._read = [0] * downloads
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _opened(self, port: int, ask: bytes) -> tuple[socket.socket, Reader]:
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE)
        sock.settimeout(_WAIT)
        sock.connect(("127.0.0.1", port))
        sock.sendall(ask)
        reader = Reader(sock.recv)
        while reader.line():
            pass
        return sock, reader

    def _run(self) -> None:
        while not self._ending:
            for number, (sock, reader) in enumerate(self._sockets):
                self._attempt(f"socket {number}", lambda s=sock, r=reader: self._talk(s, r))
            for number, (_, reader) in enumerate(self._downloads):
                if self._read[number] + PIECE <= SIZE // 2:
                    self._attempt(f"download {number}", lambda n=number, r=reader: self._take(n, r))
            with self._news:
                self.rounds += 1
                self._news.notify_all()
                self._news.wait(0.05)

    def _attempt(self, name: str, work: object) -> None:
        if len(self.trouble) < 20:
            try:
                work()  # type: ignore[operator]
            except Exception as why:
                self.trouble.append(f"{name} in round {self.rounds}: {why!r}")

    def _talk(self, sock: socket.socket, reader: Reader) -> None:
        word = b"round %d" % self.rounds
        sock.sendall(frame(TEXT, word, mask=True))
        found = read_frame(reader)
        if found != (TEXT, True, word):
            raise AssertionError(f"{found} for {word!r}")

    def _take(self, number: int, reader: Reader) -> None:
        if reader.take(PIECE) != _BLOCK:
            raise AssertionError("other bytes")
        self._read[number] += PIECE

    def talk(self, rounds: int = 2) -> None:
        """
        Wait until all have talked so many times more.

        @raise TimeoutError: they do not.
        """
        with self._news:
            until, end = self.rounds + rounds, monotonic() + 4 * _WAIT
            while self.rounds < until:
                if not self._news.wait(end - monotonic()):
                    raise TimeoutError(self.trouble)

    def finish(self) -> list[str]:
        """Read the downloads to their ends, close everything; all that went wrong."""
        self._ending = True
        self._thread.join(4 * _WAIT)
        for number, (_, reader) in enumerate(self._downloads):
            while self._read[number] < SIZE and not self.trouble:
                self._attempt(f"download {number}", lambda n=number, r=reader: self._take(n, r))
        for sock, _ in (*self._sockets, *self._downloads):
            sock.close()
        return self.trouble


def origin() -> Origin:
    """A member for them."""
    return Origin(member)
