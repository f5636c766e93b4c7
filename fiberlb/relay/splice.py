"""
Bulk bytes moved by the kernel: from a socket into a pipe, from the pipe into a socket.

A L{Pump} takes over one direction between two plain connections. While it
works, the loop tells an L{End} in place of each connection, so connections
that are not pumped know nothing of it and pay nothing for it.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, Final

from fiberlb.relay.connection import Connection
from fiberlb.relay.loop import ERROR, READ, WRITE

#: What a system says that does not splice sockets: an old kernel, a sandbox.
_UNABLE: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM, errno.EOPNOTSUPP})


def pump(
    source: Any,
    sink: Any,
    left: int | None,
    progress: Callable[[int, bool], None],
    finished: Callable[[], None],
    came: Callable[[int], None] | None = None,
) -> bool:
    """
    Move bytes from one connection to the other without looking at them, if that can be done.

    Both must be plain, and everything written to the sink before must have been taken.

    @param left: how many bytes; C{None}: until the source ends, which its side is told.
    @param progress: told of every move: how many bytes the sink took, and whether it
        takes more; for the deadlines.
    @param finished: called when C{left} bytes have been taken; both are as they were then.
    @param came: told how many bytes the source has brought, which the sink may not have taken yet.

    @return: whether it is done so; if not, nothing has changed.
    """
    if type(source) is not Connection or type(sink) is not Connection:
        return False
    if sink.out or source.closed or sink.closed or sink.connecting or sink.closing:
        return False
    if source.end is not None and source.end.outgoing is not None:
        return False
    # The loop's own kind of pipes: real ones, or those of a loop in memory.
    pipes: Any = source.loop.pipes
    pipe = None if pipes is None else pipes.take()
    if pipes is None or pipe is None:
        return False
    Pump(source, sink, pipes, pipe, left, progress, finished, came)
    return True


class Pump:
    """
    One direction between two connections.

    @ivar held: bytes in the pipe; the source is not read while there are any.
    """

    __slots__ = (
        "_came",
        "_finished",
        "_left",
        "_pipe",
        "_pipes",
        "_progress",
        "held",
        "sink",
        "source",
    )

    def __init__(
        self,
        source: Connection,
        sink: Connection,
        pipes: Any,
        pipe: Any,
        left: int | None,
        progress: Callable[[int, bool], None],
        finished: Callable[[], None],
        came: Callable[[int], None] | None,
    ) -> None:
        self.source = source
        self.sink = sink
        self.held = 0
        self._left = left
        self._pipes = pipes
        self._pipe = pipe
        self._progress = progress
        self._finished = finished
        self._came = came
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
            count = self._pipe.fill(self.source.fd, want)
        except BlockingIOError:
            return
        except OSError as why:
            if why.errno in _UNABLE:
                self._pipes.useless = True
                self.detach()
            else:
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
        if self._came is not None:
            self._came(count)
        self.push()

    def push(self) -> None:
        """The sink may take bytes."""
        sink = self.sink
        # More of it is certain to follow at once only when the pipe was filled.
        more = bool(self._left) and self.held == self._pipe.size
        try:
            count = self._pipe.drain(sink.fd, self.held, more)
        except BlockingIOError:
            count = 0
        except OSError as why:
            if why.errno in _UNABLE:
                self._copy()
            else:
                # The source is not read any more; what the sink has said before still counts.
                self.source.pause()
                sink.fail_soon()
            return
        self.held -= count
        if count or not sink.events & WRITE:
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

    def _copy(self) -> None:
        """The system does not do it: what is in the pipe is sent otherwise, as all that follows."""
        source, sink = self.source, self.sink
        count, self.held = self.held, 0
        data = self._pipe.rescue(count)
        self._pipes.useless = True
        left, progress, finished = self._left, self._progress, self._finished
        self.detach()
        taken = sink.write(data)
        if not taken:
            source.pause()
        progress(count, taken)
        if left == 0:
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

    def spare(self) -> None:
        """Little comes from this connection: a pump that has nothing to give leaves it."""
        pump = self.outgoing
        if pump is not None and not pump.held:
            pump.detach()

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
