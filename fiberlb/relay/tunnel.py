"""
Bytes relayed both ways between a client and a member.

Each direction ends on its own: the end of one side's input is passed on as
the end of the other side's output, and the pair ends when both directions
did. A direction holds no more than one read's worth of bytes: its source is
paused until the other side has taken them.
"""

from __future__ import annotations

from typing import Any, Final

from fiberlb.relay.connection import NEVER, READ_SIZE, Connection
from fiberlb.relay.loop import READ
from fiberlb.relay.splice import pump

#: Full reads of one direction after which the kernel moves its bytes.
BULK: Final = 4


class Tunnel:
    """
    The pair.

    @ivar idle: seconds without a byte in either direction, after which it ends.
    @ivar to_client, to_member: octets relayed so far.
    """

    __slots__ = ("_done", "_on_end", "client", "idle", "member", "to_client", "to_member")

    def __init__(
        self, client: Connection, member: Connection, idle: float | None, on_end: Any
    ) -> None:
        """@param on_end: called once, with C{None} or the reason code of a disorderly end."""
        self.idle = NEVER if idle is None else idle
        self.to_client = 0
        self.to_member = 0
        self._done = False
        self._on_end = on_end
        self.client = End(self, client)
        self.member = End(self, member)
        self.client.other = self.member
        self.member.other = self.client

    def begin(self, to_client: bytes = b"", to_member: bytes = b"") -> None:
        """Relay from now on, beginning with bytes that came before."""
        for end in (self.client, self.member):
            end.conn.side = end
            end.conn.hasten(end.conn.loop.now + self.idle)
        for end, data in ((self.member, to_client), (self.client, to_member)):
            if data:
                end.received(data)
            elif not end.ended_input:
                end.conn.resume()

    def finish(self, reason: str | None) -> None:
        """Both directions have ended, or the pair is cut."""
        if self._done:
            return
        self._done = True
        for end in (self.client, self.member):
            conn = end.conn
            if reason is None:
                conn.close()
            else:
                conn.reset()
        on_end, self._on_end = self._on_end, None
        on_end(reason)


class End:
    """One of the two connections, as a side."""

    __slots__ = ("_full", "conn", "ended_input", "other", "tunnel")

    def __init__(self, tunnel: Tunnel, conn: Connection) -> None:
        self.tunnel = tunnel
        self.conn = conn
        self.other: Any = None
        self.ended_input = False
        self._full = 0

    def _pumped(self, count: int, taken: bool) -> None:
        tunnel = self.tunnel
        conn = self.conn
        if self is tunnel.client:
            tunnel.to_member += count
        else:
            tunnel.to_client += count
        conn.deadline = self.other.conn.deadline = conn.loop.now + tunnel.idle

    def received(self, data: bytes) -> None:
        """Pass it on."""
        tunnel = self.tunnel
        other: End = self.other
        if self is tunnel.client:
            tunnel.to_member += len(data)
        else:
            tunnel.to_client += len(data)
        conn = self.conn
        conn.deadline = other.conn.deadline = conn.loop.now + tunnel.idle
        if not other.conn.write(data, conn.last):
            conn.pause()
        elif not conn.events & READ and not self.ended_input:
            conn.resume()
        if len(data) == READ_SIZE:
            self._full += 1
            if self._full == BULK:
                pump(conn, other.conn, None, self._pumped, _never)

    def ended(self) -> None:
        """No more input here: no more output there."""
        self.ended_input = True
        other: End = self.other
        if other.ended_input:
            self.tunnel.finish(None)
        elif not other.conn.out:
            other.conn.end_output()

    def drained(self) -> None:
        """What came from the other side has been taken."""
        other: End = self.other
        if other.ended_input:
            self.conn.end_output()
        else:
            other.conn.resume()

    def lost(self) -> None:
        """This connection broke: so does the other."""
        reason = "client_abort" if self is self.tunnel.client else "member_reset"
        self.tunnel.finish(reason)

    def failed(self) -> None:
        """An exception of ours."""
        self.tunnel.finish("internal")

    def leave_if_idle(self) -> None:
        """A tunnel is never idle: it is waited for."""

    def cut_short(self) -> None:
        """The process does not wait for it any longer."""
        self.tunnel.finish("shutting_down")

    def connected(self) -> None:
        """Never told here: a tunnel begins with both connections open."""

    def refused(self, error: int) -> None:
        """Never told here."""

    def expired(self, now: float) -> None:
        """Idle for too long, unless the other direction says otherwise."""
        other = self.other.conn
        if other.deadline > now and other.deadline != NEVER:
            self.conn.deadline = other.deadline
        else:
            self.tunnel.finish("tunnel_timeout")


def _never() -> None:
    """A direction of a tunnel has no number of bytes after which it is done."""
