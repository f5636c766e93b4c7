"""
The first bytes of a connection that a proxy brings: who it is really from.

Exactly the header is taken off the socket, not an octet more, so that whoever
comes next (OpenSSL too, which reads the socket itself) begins where the client
did.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

from fiberlb.errors import Fault
from fiberlb.relay.connection import NEVER, Connection
from fiberlb.relay.exchange import Exchange
from fiberlb.relay.loop import Loop
from fiberlb.relay.runtime import Cell
from fiberlb.wire import proxy_protocol
from fiberlb.wire.proxy_protocol import Ends

#: Octets that are looked at in one go: those of the longest header.
_LOOK: Final = proxy_protocol.FIXED + proxy_protocol.MOST_BINARY
_PEEK: Final = int(socket.MSG_PEEK)

#: Takes a socket from the first octet of the client on; with the client's address and port, and
#: where it has connected to (C{None}: to this listener).
Admit = Callable[[Any, str, int, "tuple[str, int] | None"], None]


class Peeking(Connection):
    """A socket of which no more is read than its side asks for; it can be handed on."""

    __slots__ = ("_handed",)

    #: Taken out of the kernel's list at once, so that the next connection can be put there.
    shared = True

    def __init__(self, loop: Loop, sock: Any, side: Any) -> None:
        super().__init__(loop, sock, side)
        self._handed = False

    def readable(self) -> None:
        """Show the side what has come, and take as much of it as it says."""
        try:
            data = self.sock.recv(_LOOK, _PEEK)
        except BlockingIOError:
            return
        except OSError:
            self.break_off()
            return
        if data:
            self.side.received(data)
        else:
            self.end_input()

    def take(self, count: int) -> None:
        """Read octets that have been looked at."""
        self.sock.recv(count)

    def hand_on(self) -> Any:
        """Leave the socket to somebody else; nothing more happens here."""
        self._handed = True
        self.abort()
        return self.sock

    def close_descriptor(self) -> None:
        """After the batch; a socket that was handed on is another one's."""
        if not self._handed:
            self.sock.close()


class Preamble(Exchange):
    """One connection of which the header is awaited; logged only when that is not to be had."""

    __slots__ = ("_admit", "_header", "_peeking")

    def __init__(self, cell: Cell, peer: str, peer_port: int, admit: Admit) -> None:
        super().__init__(cell, peer, peer_port)
        self._admit = admit
        self._header = b""
        self._peeking: Peeking | None = None

    def attach(self, conn: Peeking) -> None:
        """The proxy is there, if it is one that is trusted."""
        self.conn = self._peeking = conn
        self.started = conn.loop.now
        plan = self.cell.plan
        if plan.trusted is None or not plan.trusted(self.peer):
            self.detail = "not one of the trusted_proxies"
            self.refuse("denied_address")
            return
        limit = plan.timeouts.client_header
        conn.hasten(NEVER if limit is None else conn.loop.now + limit)
        conn.readable()

    def received(self, data: bytes) -> None:
        """A piece of the header, and perhaps what follows it."""
        conn = self._peeking
        assert conn is not None
        before = len(self._header)
        try:
            found = proxy_protocol.parse(self._header + data)
        except Fault as why:
            self.detail = why.detail
            self.refuse(why.reason)
            return
        if found is None:
            conn.take(len(data))
            self._header += data
            return
        end, ends = found
        conn.take(end - before)
        self._hand_on(conn, ends)

    def _hand_on(self, conn: Peeking, ends: Ends | None) -> None:
        sock = conn.hand_on()
        if ends is None:
            self._admit(sock, self.peer, self.peer_port, None)
        else:
            (client, port), destination = ends
            self._admit(sock, client, port, destination)

    def refuse(self, reason: str, status: int | None = None) -> None:
        """Whoever it is does not know what is spoken here: there is nothing to say."""
        if not self.cell.plan.source.listener.speaks_http:
            self.cell.requests += 1
        self.conn.reset()
        self.log(reason)
        self._leave()

    def _leave(self) -> None:
        self.cell.left()

    def ended(self) -> None:
        """It ended without a header: a health check, if it said nothing at all."""
        if self._header:
            self.refuse("client_abort")
        else:
            self.conn.close()
            self._leave()

    def lost(self) -> None:
        """It broke."""
        if self._header:
            self.refuse("client_abort")
        else:
            self._leave()

    def expired(self, now: float) -> None:
        """The header takes too long."""
        self.refuse("header_timeout")

    def failed(self) -> None:
        """An exception of ours."""
        self.refuse("internal")

    def leave_if_idle(self) -> None:
        """The client has said nothing yet."""
        self.conn.close()
        self._leave()

    def cut_short(self) -> None:
        """The process does not wait for it any longer."""
        self.refuse("shutting_down")

    def drained(self) -> None:
        """Never told: nothing is written here."""

    def connected(self) -> None:
        """Never told: the connection was accepted."""

    def refused(self, error: int) -> None:
        """Never told: the connection was accepted."""
