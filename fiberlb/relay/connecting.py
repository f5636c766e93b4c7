"""Opening a connection to a member."""

from __future__ import annotations

import errno
import socket
from socket import SocketType
from typing import Any, Final

from fiberlb.relay.connection import Connection
from fiberlb.relay.loop import WRITE, Loop
from fiberlb.relay.runtime import MemberState

#: The plain type of the C module is used: the class around it costs as much as the system calls.
_KIND: Final = int(socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
_UNIX: Final = int(socket.AF_UNIX)
_TCP, _NODELAY = int(socket.IPPROTO_TCP), int(socket.TCP_NODELAY)
#: Errors that are ours, not the member's: descriptors, memory or local ports have run out.
_EXHAUSTED: Final = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EADDRNOTAVAIL, errno.EAGAIN}
)


def dial(loop: Loop, member: MemberState, side: Any, timeout: float | None) -> Connection | None:
    """
    Begin to connect; C{side} hears C{connected}, C{refused} or C{expired}.

    @param timeout: seconds; C{None}: as long as the system waits.

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
    return opening(loop, sock, side, timeout)


def opening(loop: Loop, sock: Any, side: Any, timeout: float | None) -> Connection:
    """A connection to a member on a socket that is being connected."""
    conn = Connection(loop, sock, side)
    conn.connecting = conn.dialled = True
    conn.start(WRITE)
    if timeout is not None:
        conn.hasten(loop.now + timeout)
    return conn


def reason_of(error: int) -> str:
    """The reason code of an errno."""
    if error in _EXHAUSTED:
        return "overloaded"
    return "connect_timeout" if error == errno.ETIMEDOUT else "connect_refused"
