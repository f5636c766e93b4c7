"""Opening a connection to a member."""

from __future__ import annotations

import errno
import socket
from socket import SocketType
from typing import Any, Final

from fiberlb.relay.connection import Connection
from fiberlb.relay.loop import WRITE, Loop
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.prefacing import say_first
from fiberlb.relay.tls_member import opening_tls

#: The plain type of the C module is used: the class around it costs as much as the system calls.
_KIND: Final = int(socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
_UNIX: Final = int(socket.AF_UNIX)
_TCP, _NODELAY = int(socket.IPPROTO_TCP), int(socket.TCP_NODELAY)
#: Errors that are ours, not the member's: descriptors, memory or local ports have run out.
_EXHAUSTED: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL, errno.EAGAIN}
)


def dial(
    loop: Loop, member: MemberState, side: Any, timeout: float | None, preface: bytes = b""
) -> Connection | None:
    """
    Begin to connect; C{side} hears C{connected}, C{refused} or C{expired}.

    @param timeout: seconds; C{None}: as long as the system waits.
    @param preface: sent before anything else, TLS included (a PROXY header).

    @return: C{None} when it failed at once; C{side.refused} is told after the batch.
    """
    try:
        sock: Any = SocketType(member.family, _KIND)
    except OSError as why:
        number = why.errno or 0
        loop.soon(lambda: side.refused(number))
        return None
    if member.family != _UNIX:
        sock.setsockopt(_TCP, _NODELAY, 1)
    try:
        result = sock.connect_ex(member.address)
    except OSError as why:
        # An address of an interface that is not there, for one, is not even tried.
        result = why.errno or errno.EADDRNOTAVAIL
    if result not in (0, errno.EINPROGRESS):
        sock.close()
        loop.soon(lambda: side.refused(result))
        return None
    if member.link is not None:
        return opening_tls(loop, sock, member.link, side, timeout, preface)
    return opening(loop, sock, side, timeout, preface)


def opening(
    loop: Loop, sock: Any, side: Any, timeout: float | None, preface: bytes = b""
) -> Connection:
    """A connection to a member on a socket that is being connected."""
    if preface:
        side = Prefaced(side, sock, preface)
    conn = Connection(loop, sock, side)
    if preface:
        side.conn = conn
    conn.connecting = conn.dialled = True
    conn.start(WRITE | getattr(side, "hears", 0))
    if timeout is not None:
        conn.hasten(loop.now + timeout)
    return conn


class Prefaced:
    """Stands in for the side of a connection until that stands, to speak before it."""

    __slots__ = ("_preface", "_side", "_sock", "conn")

    def __init__(self, side: Any, sock: Any, preface: bytes) -> None:
        self._side = side
        self._sock = sock
        self._preface = preface
        self.conn: Connection | None = None

    def connected(self) -> None:
        """Say it; then the connection is its side's."""
        conn = self.conn
        assert conn is not None
        error = say_first(self._sock, self._preface)
        if error:
            conn.abort()
            self._side.refused(error)
        else:
            conn.side = self._side
            self._side.connected()

    def refused(self, error: int) -> None:
        """The side's to hear."""
        self._side.refused(error)

    def lost(self) -> None:
        """The side's to hear."""
        self._side.lost()

    def expired(self, now: float) -> None:
        """The side's to hear."""
        self._side.expired(now)

    def failed(self) -> None:
        """An exception of ours: the side's to hear."""
        self._side.failed()

    def received(self, data: bytes) -> None:
        """Never told: it is not read before it stands."""

    def ended(self) -> None:
        """Never told."""

    def drained(self) -> None:
        """Never told."""


def reason_of(error: int) -> str:
    """The reason code of an errno."""
    if error in _EXHAUSTED:
        return "overloaded"
    if error == errno.EPROTO:
        return "member_tls"
    return "connect_timeout" if error == errno.ETIMEDOUT else "connect_refused"
