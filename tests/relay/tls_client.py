"""
TLS connections of the relay against real clients, step by step.

Both ends are one process's sockets; time and events only move when a test
says so.
"""

from __future__ import annotations

import hashlib
import hmac
import select
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from OpenSSL import SSL

from fiberlb.relay.loop import LATE
from fiberlb.relay.timer_wheel import TimerWheel
from fiberlb.relay.tls_connection import TlsConnection
from fiberlb.tls.contexts import TlsSlot
from tests.tls.handshake import client_context

#: Small enough that a test fills it, in octets.
BUFFER = 32768


class StepLoop:
    """
    A loop on epoll whose batches and time are the test's.

    @ivar faults: exceptions that connections raised; tests look that it is 0.
    @ivar batches: batches with events so far.
    """

    def __init__(self) -> None:
        self.now = 1000.0
        self.wheel = TimerWheel(self.now)
        self.faults = 0
        self.pipes: Any = None
        self.batches = 0
        self._poller = select.epoll()
        self._watched: dict[int, Any] = {}
        self._tasks: list[Callable[[], None]] = []
        self._retired: list[Any] = []

    def refresh(self) -> float:
        """See L{fiberlb.relay.loop.Loop}; the time is the test's."""
        return self.now

    def divert(self, watched: Any, to: Any) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self._watched[watched.fd] = to

    def watch(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self._poller.register(watched.fd, events)
        watched.events = events
        self._watched[watched.fd] = watched

    def watch_later(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        watched.events = events | LATE

    def watch_all(self) -> None:
        """See L{fiberlb.relay.loop.Loop}."""

    def change(self, watched: Any, events: int) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        if watched.events & LATE:
            self.watch(watched, events & ~LATE)
            watched.hasten(watched.deadline)
            return
        self._poller.modify(watched.fd, events)
        watched.events = events

    rewatch = change

    def retire(self, watched: Any) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        if not watched.events & LATE:
            self._poller.unregister(watched.fd)
            del self._watched[watched.fd]
        self._retired.append(watched)

    def soon(self, task: Callable[[], None]) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self._tasks.append(task)

    def fault(self, watched: Any) -> None:
        """See L{fiberlb.relay.loop.Loop}."""
        self.faults += 1
        watched.broken()

    def step(self) -> bool:
        """One batch, without waiting; whether anything happened."""
        events = self._poller.poll(0)
        for fd, event in events:
            if fd in self._watched:
                watched = self._watched[fd]
                if event == select.EPOLLIN:
                    watched.readable()
                else:
                    watched.event(event)
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task()
        retired, self._retired = self._retired, []
        for watched in retired:
            watched.close_descriptor()
        self.batches += bool(events)
        return bool(events or tasks)

    def settle(self, most: int = 200) -> int:
        """Batches until nothing happens; how many. Fails when it never ends: it spins."""
        for count in range(most):
            if not self.step():
                return count
        raise AssertionError(f"busy after {most} batches")

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.wheel.sweep(self.now)

    def close(self) -> None:
        """The end of the test."""
        for watched in list(self._watched.values()):
            watched.abort()
        self.step()
        self._poller.close()


class RecordingSide:
    """A side that writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.data = b""
        self.errno = 0
        self.on_received: Callable[[], None] = lambda: None

    def received(self, data: bytes) -> None:
        """Noted, and what the test wants done then."""
        assert data
        self.data += data
        self.heard.append("received")
        self.on_received()

    def ended(self) -> None:
        """Noted."""
        self.heard.append("ended")

    def drained(self) -> None:
        """Noted."""
        self.heard.append("drained")

    def lost(self) -> None:
        """Noted."""
        self.heard.append("lost")

    def connected(self) -> None:
        """Noted."""
        self.heard.append("connected")

    def refused(self, error: int) -> None:
        """Noted."""
        self.errno = error
        self.heard.append("refused")

    def expired(self, now: float) -> None:
        """Noted."""
        self.heard.append("expired")


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends that do not block, with small buffers."""
    ends = socket.socketpair()
    for end in ends:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
    return ends


class TlsPair:
    """
    A relay connection and a client at the other end of its socket.

    @ivar raw: the client's socket.
    @ivar tls: the client's half of TLS.
    @ivar alerts: what ended the client's TLS, if something did.
    """

    def __init__(
        self,
        slot: TlsSlot,
        name: str | None = None,
        context: ssl.SSLContext | None = None,
        limit: float | None = 10.0,
        session: ssl.SSLSession | None = None,
        began: bool = False,
        at_once: bool = True,
        gone: bool = False,
    ) -> None:
        """
        @param began: the client's first flight is there when the connection is taken in.
        @param at_once: it is looked for then.
        @param gone: the client has left before.
        """
        self.loop = StepLoop()
        self.side = RecordingSide()
        ours, self.raw = pair()
        self.conn = TlsConnection(self.loop, ours, slot.connection(ours), self.side, limit)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (context or client_context()).wrap_bio(
            self.incoming, self.outgoing, server_hostname=name, session=session
        )
        self._unsent = b""
        self.eof = False
        if began:
            self._begin()
        if gone:
            self.raw.close()
        self.conn.begin(at_once)

    def _begin(self) -> None:
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            self.push()

    def push(self) -> None:
        """Put what the client has written on the wire, as far as it goes."""
        self._unsent += self.outgoing.read()
        if self._unsent:
            try:
                sent = self.raw.send(self._unsent)
            except BlockingIOError:
                return
            self._unsent = self._unsent[sent:]

    def pull(self) -> None:
        """Take what is on the wire."""
        while not self.eof:
            try:
                data = self.raw.recv(65536)
            except BlockingIOError:
                return
            except ConnectionResetError:
                data = b""
            if not data:
                self.eof = True
                self.incoming.write_eof()
                return
            self.incoming.write(data)

    def turn(self, times: int = 3) -> None:
        """Both sides do what they can, to the end."""
        for _ in range(times):
            self.push()
            self.loop.settle()
            self.pull()

    def handshake(self) -> TlsPair:
        """To the end of the handshake, and past the tickets of TLS 1.3."""
        for _ in range(6):
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            finally:
                self.turn(1)
        self.tls.do_handshake()
        return self

    def say(self, data: bytes) -> None:
        """The client sends, and the relay's connection gets it."""
        self.tls.write(data)
        while self.outgoing.pending or self._unsent:
            self.push()
            self.loop.step()
        self.loop.settle()

    def hear(self, most: int = 1 << 20) -> bytes:
        """
        What the client can read now, decrypted; up to the end when that has come.

        @raise ssl.SSLError: the end came without C{close_notify}.
        """
        pieces: list[bytes] = []
        while sum(map(len, pieces)) < most:
            try:
                piece = self.tls.read(16384)
            except ssl.SSLWantReadError:
                before = len(pieces), self.incoming.pending
                self.turn(1)
                if before == (len(pieces), self.incoming.pending):
                    break
                continue
            except ssl.SSLZeroReturnError:
                break
            if not piece:
                break
            pieces.append(piece)
        return b"".join(pieces)

    def close(self) -> None:
        """The end of the test."""
        self.raw.close()
        self.loop.close()


class KeyUpdates:
    """
    A client of TLS 1.3 that has done its handshake and writes its records itself.

    What it can: key updates (RFC 8446 section 4.6.3) in any number, which no
    library sends on request.
    """

    def __init__(self, slot: TlsSlot) -> None:
        self.loop = StepLoop()
        self.side = RecordingSide()
        ours, self.raw = pair()
        self.conn = TlsConnection(self.loop, ours, slot.connection(ours), self.side, None)
        self.conn.start()
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_min_proto_version(SSL.TLS1_3_VERSION)
        context.set_tls13_ciphersuites(b"TLS_AES_128_GCM_SHA256")
        lines: list[bytes] = []
        context.set_keylog_callback(lambda connection, line: lines.append(line))
        self.tls = SSL.Connection(context, None)
        self.tls.set_connect_state()
        for _ in range(6):
            try:
                self.tls.do_handshake()
            except SSL.WantReadError:
                pass
            self._carry()
        (line,) = [line for line in lines if line.startswith(b"CLIENT_TRAFFIC_SECRET_0 ")]
        self._secret = bytes.fromhex(line.split()[2].decode())
        self._sequence = 0

    def _carry(self) -> None:
        for take, put in (
            (lambda: self.tls.bio_read(65536), self.raw.sendall),
            (lambda: self.raw.recv(65536), self.tls.bio_write),
        ):
            try:
                put(take())
            except (SSL.WantReadError, BlockingIOError):
                pass
            self.loop.settle()

    def _expand(self, label: bytes, length: int) -> bytes:
        """HKDF-Expand-Label of RFC 8446 section 7.1, without context, for one block."""
        full = b"tls13 " + label
        info = struct.pack("!HB", length, len(full)) + full + b"\0"
        return hmac.new(self._secret, info + b"\x01", hashlib.sha256).digest()[:length]

    def record(self, kind: int, content: bytes) -> bytes:
        """The next encrypted record."""
        plain = content + bytes([kind])
        header = b"\x17\x03\x03" + struct.pack("!H", len(plain) + 16)
        counter = int.from_bytes(self._expand(b"iv", 12), "big") ^ self._sequence
        self._sequence += 1
        nonce = counter.to_bytes(12, "big")
        return header + AESGCM(self._expand(b"key", 16)).encrypt(nonce, plain, header)

    def update(self, answer: bool) -> bytes:
        """A key update; C{answer}: the other side is to do the same."""
        made = self.record(22, b"\x18\x00\x00\x01" + bytes([answer]))
        self._secret = self._expand(b"traffic upd", 32)
        self._sequence = 0
        return made

    def close(self) -> None:
        """The end of the test."""
        self.raw.close()
        self.loop.close()
