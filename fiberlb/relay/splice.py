"""
Bulk bytes moved by the kernel: from a socket into a pipe, from the pipe into a socket.

A L{Pump} takes over one direction between two plain connections. While it
works, the loop tells an L{End} in place of each connection, so connections
that are not pumped know nothing of it and pay nothing for it.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable
from typing import Any, Final

from fiberlb.relay.connection import Connection
from fiberlb.relay.loop import ERROR, READ, WRITE

#: Bodies shorter than this are copied.
WORTHWHILE: Final = 65536
#: Sizes of pipes, by how many are in use: an unprivileged user has 64 MiB of them in all.
_SIZES: Final = ((16, 1 << 20), (128, 1 << 18), (1 << 30, 1 << 16))
#: Pipes that are kept for the next one, and pipes that there may be at all.
_KEPT: Final = 64
_MOST: Final = 4096
_F_SETPIPE_SZ: Final = 1031
_F_GETPIPE_SZ: Final = 1032
_MOVE: Final = 1
_NONBLOCK: Final = 2
_MORE: Final = 4
_FLAGS: Final = _MOVE | _NONBLOCK


class Pipe:
    """
    A pipe.

    @ivar size: bytes that it holds at the most.
    """

    __slots__ = ("read", "size", "write")

    def __init__(self, read: int, write: int, size: int) -> None:
        self.read = read
        self.write = write
        self.size = size

    def close(self) -> None:
        """Give both ends back to the system."""
        os.close(self.read)
        os.close(self.write)


class Pipes:
    """
    The pipes of a process.

    @ivar used: pipes that pumps have now.
    """

    def __init__(self) -> None:
        self._free: list[Pipe] = []
        self.used = 0

    def take(self) -> Pipe | None:
        """An empty pipe, C{None} when there is none to be had that is worth having."""
        if self._free:
            self.used += 1
            return self._free.pop()
        if self.used >= _MOST:
            return None
        try:
            read, write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        pipe = Pipe(read, write, _enlarge(write, self.used))
        if pipe.size < WORTHWHILE:
            pipe.close()
            return None
        self.used += 1
        return pipe

    def give(self, pipe: Pipe, empty: bool) -> None:
        """Have a pipe back; what is left in one belongs to somebody, so it is not used again."""
        self.used -= 1
        if empty and len(self._free) < _KEPT:
            self._free.append(pipe)
        else:
            pipe.close()

    def close(self) -> None:
        """Close those that are kept."""
        free, self._free = self._free, []
        for pipe in free:
            pipe.close()


def _enlarge(descriptor: int, used: int) -> int:
    """Make a pipe as large as it may be; how large it is."""
    for count, size in _SIZES:
        if used < count:
            try:
                return fcntl.fcntl(descriptor, _F_SETPIPE_SZ, size)
            except OSError as why:
                if why.errno not in (errno.EPERM, errno.EBUSY, errno.ENOMEM):
                    return 0
    return fcntl.fcntl(descriptor, _F_GETPIPE_SZ)


def pump(
    source: Any,
    sink: Any,
    left: int | None,
    progress: Callable[[int, bool], None],
    finished: Callable[[], None],
) -> bool:
    """
    Move bytes from one connection to the other without looking at them, if that can be done.

    Both must be plain, and everything written to the sink before must have been taken.

    @param left: how many bytes; C{None}: until the source ends, which its side is told.
    @param progress: told of every move: how many bytes the sink took, and whether it
        takes more; for the deadlines.
    @param finished: called when C{left} bytes have been taken; both are as they were then.

    @return: whether it is done so; if not, nothing has changed.
    """
    if type(source) is not Connection or type(sink) is not Connection:
        return False
    if sink.out or source.closed or sink.closed or sink.connecting or sink.closing:
        return False
    pipes: Pipes | None = source.loop.pipes
    pipe = None if pipes is None else pipes.take()
    if pipes is None or pipe is None:
        return False
    Pump(source, sink, pipes, pipe, left, progress, finished)
    return True


class Pump:
    """
    One direction between two connections.

    @ivar held: bytes in the pipe; the source is not read while there are any.
    """

    __slots__ = ("_finished", "_left", "_pipe", "_pipes", "_progress", "held", "sink", "source")

    def __init__(
        self,
        source: Connection,
        sink: Connection,
        pipes: Pipes,
        pipe: Pipe,
        left: int | None,
        progress: Callable[[int, bool], None],
        finished: Callable[[], None],
    ) -> None:
        self.source = source
        self.sink = sink
        self.held = 0
        self._left = left
        self._pipes = pipes
        self._pipe = pipe
        self._progress = progress
        self._finished = finished
        for conn in (source, sink):
            if conn.end is None:
                conn.end = End(conn)
        source.end.outgoing = self
        sink.end.incoming = self

    def pull(self) -> None:
        """The source has bytes, or has ended."""
        size = self._pipe.size
        left = self._left
        want = size if left is None or left > size else left
        try:
            count = os.splice(self.source.fd, self._pipe.write, want, flags=_FLAGS)
        except BlockingIOError:
            return
        except OSError:
            self.source.break_off()
            return
        if not count:
            source = self.source
            self.detach()
            source.end_input()
            return
        self.held = count
        if left is not None:
            self._left = left - count
        self.push()

    def push(self) -> None:
        """The sink may take bytes."""
        sink = self.sink
        # More of it is certain to follow at once only when the pipe was filled.
        more = _MORE if self._left and self.held == self._pipe.size else 0
        try:
            count = os.splice(self._pipe.read, sink.fd, self.held, flags=_FLAGS | more)
        except BlockingIOError:
            count = 0
        except OSError:
            sink.break_off()
            return
        self.held -= count
        if count:
            sink.moved = sink.loop.now
        if self.held:
            self.source.pause()
            sink.loop.change(sink, sink.events | WRITE)
            self._progress(count, False)
            return
        if sink.events & WRITE:
            sink.loop.change(sink, sink.events & ~WRITE)
            self.source.resume()
        self._progress(count, True)
        if self._left == 0:
            finished = self._finished
            self.detach()
            finished()

    def detach(self) -> None:
        """Leave both connections, and give the pipe back."""
        if self.source.end is not None:
            self.source.end.leave(self)
        if self.sink.end is not None:
            self.sink.end.leave(self)
        self._pipes.give(self._pipe, not self.held)


class End:
    """
    What the loop tells in place of a connection that is being pumped.

    @ivar outgoing: takes what comes from this connection.
    @ivar incoming: brings what goes to this connection.
    """

    __slots__ = ("_conn", "fd", "incoming", "outgoing")

    shared = False

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self.fd = conn.fd
        self.outgoing: Pump | None = None
        self.incoming: Pump | None = None
        conn.loop.divert(conn, self)

    @property
    def events(self) -> int:
        """What the connection is watched for."""
        return self._conn.events

    @property
    def stalled(self) -> bool:
        """The peer does not take what is brought."""
        return self.incoming is not None and self.incoming.held > 0

    def readable(self) -> None:
        """Bytes for the pump, or for the connection's side when nothing takes them."""
        if self.outgoing is not None:
            self.outgoing.pull()
        else:
            self._conn.readable()

    def event(self, events: int) -> None:
        """See L{Connection.event}."""
        conn = self._conn
        if events & WRITE and not events & ERROR:
            if self.stalled and self.incoming is not None:
                self.incoming.push()
            elif conn.out:
                conn.writable()
        if conn.closed:
            return
        if events & READ and conn.events & READ:
            self.readable()
        else:
            conn.hung_up(events)

    def broken(self) -> None:
        """See L{Connection.broken}."""
        self._conn.broken()

    def leave(self, pump: Pump) -> None:
        """A pump is done with this connection; with the last one the connection is itself again."""
        if self.outgoing is pump:
            self.outgoing = None
        if self.incoming is pump:
            self.incoming = None
        if self.outgoing is None and self.incoming is None:
            self._conn.end = None
            if not self._conn.closed:
                self._conn.loop.divert(self._conn, self._conn)

    def closed(self) -> None:
        """The connection is closed: so are its pumps."""
        for pump in (self.outgoing, self.incoming):
            if pump is not None:
                pump.detach()
