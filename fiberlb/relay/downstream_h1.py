"""
The client's side of HTTP/1.1: one connection, its requests one after the other.

A connection is idle, or one request is in progress::

    idle --head--> exchange --answer complete--> idle
                      |--answer cannot be given--> answer of ours, then closed

While a request is in progress the bytes that follow it wait in C{buffer}.
"""

from __future__ import annotations

from typing import Any

from fiberlb.relay.connection import NEVER, Connection
from fiberlb.relay.pipes import WORTHWHILE
from fiberlb.relay.reading_h1 import Reading
from fiberlb.relay.welcome import unwelcome
from fiberlb.wire import request_head


class Downstream(Reading):
    """
    One client connection.

    @ivar cell: the listener it came in by.
    @ivar conn: its socket.
    """

    __slots__ = ()

    def attach(self, conn: Connection) -> None:
        """
        The connection stands (its handshake, if any, included): the first head is due.

        The deadline is set, the wheel is not told: mostly the head is there already.
        """
        self.conn = conn
        now = self.started = conn.loop.now
        plan = self.cell.plan
        if plan.guarded:
            why = unwelcome(self, plan)
            if why:
                self.malformed(why, "")
                return
        header = plan.timeouts.client_header
        conn.deadline = NEVER if header is None else now + header

    def connected(self) -> None:
        """The TLS handshake is done: what was agreed on, and the time for a head begins."""
        conn: Any = self.conn
        self.sni = conn.sni
        protocol = conn.protocol
        self.alpn = (protocol,) if protocol else ()
        self.shown = conn.shown
        self.attach(conn)
        if not conn.closed:
            conn.hasten(conn.deadline)

    def refused(self, error: int) -> None:
        """There was no TLS handshake; the connection is closed."""
        self.leave()

    # What the connection tells.

    def received(self, data: bytes) -> None:
        """Bytes of a head, of a body, or of requests that have to wait."""
        if self.busy:
            if self.left or self.chunks is not None:
                self.take_body(data)
            else:
                self.hold(data)
            return
        if data == self.memo_head and self.cell.plan is self.plan:
            self.again()
            return
        if self.buffer:
            start = len(self.buffer)
            self.buffer += data
            if not request_head.worth_parsing(self.buffer, start, self.cell.plan.limits):
                return
        else:
            self.buffer = data
            self.started = self.conn.loop.now
        self.serve()

    def ended(self) -> None:
        """The client sends no more: it gets its answer, if it has asked for one in full."""
        self.half_closed = True
        if not self.busy:
            self.leave()
        elif self.waiting is not None:
            # It may read on, but most that end now do not; no member is to work for those.
            self.abandon("client_abort")
        elif self.left or self.chunks is not None:
            self.detail = "the body was not sent to its end"
            self.abandon("client_abort")

    def drained(self) -> None:
        """The client takes bytes again."""
        if self.busy:
            if self.up is not None and self.up.conn is not None:
                self.up.conn.resume()
            if not self.left and self.chunks is None:
                self.conn.deadline = NEVER
        else:
            self.read_on()
            self.serve()

    def member_ready(self) -> None:
        """The member takes bytes again."""
        if self.left >= WORTHWHILE:
            self.splice_body()
        self.read_on()

    def lost(self) -> None:
        """The client is gone."""
        if self.busy:
            self.abandon("client_abort")
        else:
            self.leave()

    def failed(self) -> None:
        """An exception of ours: say so if there is somebody to say it to."""
        if not self.busy:
            self.conn.break_off()
        elif self.head_sent or self._closed:
            self.abandon("internal")
        else:
            self.keep = False
            self.refuse("internal")

    def cut_short(self) -> None:
        """The process does not wait for this answer any longer."""
        if self.waiting is not None:
            self.refuse("shutting_down")
        elif self.busy:
            self.abandon("shutting_down")
        else:
            self.leave()

    def expired(self, now: float) -> None:
        """A deadline of the client has passed."""
        conn = self.conn
        if conn.out or (conn.end is not None and conn.end.stalled):
            self._expired_writing(now)
        elif self.busy:
            if not self.left and self.chunks is None:
                conn.deadline = NEVER
            elif self.too_slow(now):
                self.fail("body_timeout")
        elif self.buffer:
            self.malformed("header_timeout", "")
        else:
            self._rest(now)

    def _rest(self, now: float) -> None:
        """Nothing has come for a while: hold no more than is needed, or end the wait."""
        idle = self.cell.plan.timeouts.keep_alive
        until = NEVER if idle is None else self.started + idle
        if not self.method or until <= now:
            self.leave()
            return
        self.memo_head = self._memo_out = self._told = self.target = self.authority = b""
        self.plan = self.route = self._memo_route = None
        self.conn.deadline = until

    def _expired_writing(self, now: float) -> None:
        """The client has not taken what was written; it has time as long as it takes something."""
        idle = self.cell.plan.timeouts.client_write_idle
        if idle is None:
            self.conn.deadline = NEVER
        elif self.conn.moved + idle > now:
            self.conn.deadline = self.conn.moved + idle
        elif self.busy:
            self.abandon("client_write_timeout")
        else:
            # The request is over and in the log.
            self.conn.reset()
            self.leave()
