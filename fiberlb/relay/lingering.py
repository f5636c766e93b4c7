"""
Closing so that the peer can read the last answer.

A socket closed with unread input resets the connection, and the reset may
overtake the answer that explains it (RFC 9112, 9.6). So output is ended
first, and input is read and dropped for a bounded while.
"""

from __future__ import annotations

from typing import Final

from fiberlb.relay.connection import LAST_BYTES, Connection

#: Seconds, and octets, that are waited for and dropped.
PATIENCE: Final = 2.0
MOST_DROPPED: Final = 1 << 20


class Lingering:
    """The last side of a connection whose peer may still be sending."""

    __slots__ = ("_conn", "_dropped")

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._dropped = 0
        if conn.closed:
            return
        conn.side = self
        if conn.out:
            # The last answer is still on its way: its reader has as long as it reads.
            conn.hasten(conn.loop.now + LAST_BYTES)
        else:
            self.drained()
        conn.resume()

    def received(self, data: bytes) -> None:
        """Dropped, up to a bound."""
        self._dropped += len(data)
        if self._dropped > MOST_DROPPED:
            self._conn.abort()

    def ended(self) -> None:
        """The peer is done too."""
        self._conn.close()

    def drained(self) -> None:
        """The answer has been taken."""
        conn = self._conn
        conn.end_output()
        conn.hasten(conn.loop.now + PATIENCE)

    def lost(self) -> None:
        """The peer did not wait."""

    def leave_if_idle(self) -> None:
        """Its own patience is short enough."""

    def connected(self) -> None:
        """Never told here."""

    def refused(self, error: int) -> None:
        """Never told here."""

    def expired(self, now: float) -> None:
        """Long enough."""
        conn = self._conn
        if conn.out and conn.moved + LAST_BYTES > now:
            conn.deadline = conn.moved + LAST_BYTES
        else:
            conn.abort()

    def failed(self) -> None:
        """An exception of ours."""
        self._conn.abort()
