"""
Sockets in memory: what a relay's connections read and write, and the other end of it.

A L{Link} is one connection as the kernel would have it: bytes on their way,
ends, resets, room in the send buffer. The relay has its C{near} end, tests
have the link itself.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Callable
from typing import Any

from fiberlb.relay.loop import ERROR, HANGUP, PEER_CLOSED, READ, WRITE

_ABORT = struct.pack("ii", 1, 0)
#: What C{getsockname} tells of every near end.
LOCAL = ("192.0.2.100", 80)


class NearSocket:
    """
    The end that the relay holds, as much of a socket as it uses.

    @ivar calls: how often the relay called C{recv} and C{send}.
    """

    def __init__(self, link: Link, number: int) -> None:
        self._link = link
        self._number = number
        self.calls = {"recv": 0, "send": 0}

    def fileno(self) -> int:
        """A number that no other open socket has."""
        return self._number

    def setblocking(self, flag: bool) -> None:
        """It never blocks."""
        assert not flag

    def getsockname(self) -> tuple[str, int]:
        """Where the client connected to."""
        return LOCAL

    def setsockopt(self, level: int, option: int, value: Any) -> None:
        """Lingering is what counts here."""
        if (level, option) == (socket.SOL_SOCKET, socket.SO_LINGER):
            self._link.aborts = value == _ABORT

    def getsockopt(self, level: int, option: int) -> int:
        """The error of a connection that was being opened."""
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_ERROR)
        return self._link.error

    def recv(self, count: int, flags: int = 0) -> bytes:
        """What has come; all of it before any end or error is told."""
        self.calls["recv"] += 1
        link = self._link
        assert not link.closed, "recv after close"
        if link.incoming:
            data = bytes(link.incoming[:count])
            if not flags & socket.MSG_PEEK:
                del link.incoming[:count]
            return data
        if link.broken:
            raise ConnectionResetError(errno.ECONNRESET, "reset")
        if link.far_ended:
            return b""
        raise BlockingIOError

    def send(self, data: bytes, flags: int = 0) -> int:
        """As much as there is room for."""
        self.calls["send"] += 1
        link = self._link
        assert not link.closed, "send after close"
        assert not link.near_ended, "send after shutdown"
        if link.broken:
            raise BrokenPipeError(errno.EPIPE, "broken")
        if link.far_closed:
            # Nobody is there: the kernel takes it, and hears of the reset a moment later.
            link.broken = True
            return len(data)
        count = len(data) if link.room is None else min(len(data), link.room)
        if not count and data:
            raise BlockingIOError
        link.received += data[:count]
        link.more = bool(flags & socket.MSG_MORE)
        if link.room is not None:
            link.room -= count
        return count

    def shutdown(self, how: int) -> None:
        """End the output."""
        assert how == socket.SHUT_WR
        if self._link.broken:
            raise OSError(errno.ENOTCONN, "not connected")
        self._link.near_ended = True

    def close(self) -> None:
        """Give the number back."""
        link = self._link
        assert not link.closed, "closed twice"
        link.closed = True
        # Unread input turns the end into a reset.
        if link.aborts or link.incoming:
            link.was_reset = True
        link.release(self._number)


class Link:
    """
    A connection, seen from its far end.

    @ivar received: what the relay has sent so far.
    @ivar room: octets that the relay may send before the buffer is full; C{None}: any number.
    @ivar more: the relay has said of what it sent last that more follows at once.
    @ivar closed: the relay has closed it.
    @ivar was_reset: the relay has reset it.
    @ivar near_ended: the relay has said that nothing more will come.
    @ivar error: what opening it came to, an errno.
    @ivar established: it stands; while it is being opened, nothing happens on it.
    """

    def __init__(
        self, number: int, release: Callable[[int], None], run: Callable[[], None]
    ) -> None:
        self.near = NearSocket(self, number)
        self.release = release
        self._run = run
        self.incoming = bytearray()
        self.received = bytearray()
        self.room: int | None = None
        self.established = True
        self.error = 0
        self.far_ended = False
        self.far_closed = False
        self.near_ended = False
        self.broken = False
        self.aborts = False
        self.more = False
        self.closed = False
        self.was_reset = False
        self._seen = 0

    # What the test does; each runs the loop, unless told not to.

    def send(self, data: bytes, run: bool = True) -> None:
        """Send bytes to the relay."""
        assert not self.far_ended
        if not self.broken:
            self.incoming += data
        if run:
            self._run()

    def send_each(self, data: bytes) -> None:
        """Send bytes one by one."""
        for at in range(len(data)):
            self.send(data[at : at + 1])

    def end(self, run: bool = True) -> None:
        """Half-close: nothing more will be sent."""
        self.far_ended = True
        if run:
            self._run()

    def close(self, run: bool = True) -> None:
        """Close in order: what the relay sends from now on is answered with a reset."""
        self.far_ended = self.far_closed = True
        if run:
            self._run()

    def reset(self, run: bool = True) -> None:
        """Break the connection."""
        self.broken = self.far_ended = self.far_closed = True
        if run:
            self._run()

    def take(self, count: int | None = None, run: bool = True) -> None:
        """Make room for more, for anything without C{count}."""
        self.room = None if count is None else (self.room or 0) + count
        if run:
            self._run()

    def answer(self, error: int = 0, run: bool = True) -> None:
        """The opening of a connection has come to an end."""
        self.established = True
        self.error = error
        if error:
            self.broken = self.far_ended = True
        if run:
            self._run()

    # What the test looks at.

    def news(self) -> bytes:
        """What has come since the last call."""
        found = bytes(self.received[self._seen :])
        self._seen = len(self.received)
        return found

    @property
    def ended(self) -> bool:
        """The relay has ended its output, or closed, in order."""
        return (self.near_ended or self.closed) and not self.was_reset

    @property
    def unread(self) -> int:
        """Octets that the relay has not read."""
        return len(self.incoming)

    def events(self) -> int:
        """What epoll would report if it were asked for everything."""
        if not self.established:
            return 0
        found = 0
        if self.incoming or self.far_ended or self.broken:
            found |= READ
        if self.broken or self.room is None or self.room > 0:
            found |= WRITE
        if self.far_ended or self.broken:
            found |= PEER_CLOSED
        if self.broken or (self.far_ended and self.near_ended):
            found |= HANGUP
        if self.broken:
            found |= ERROR
        return found
