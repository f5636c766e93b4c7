"""
The client's side of HTTP/1.1: one connection, its requests one after the other.

A connection is idle, or one request is in progress::

    idle --head--> exchange --answer complete--> idle
                      |--answer cannot be given--> answer of ours, then closed

While a request is in progress the bytes that follow it wait in C{buffer}.
Nothing here recurses along the input: L{Downstream.serve} takes head after
head, and at most L{BURST} of them before others get their turn.
"""

from __future__ import annotations

from typing import Any, Final

from fiberlb.errors import Fault
from fiberlb.model.addresses import UNIX
from fiberlb.relay.connection import NEVER, Connection
from fiberlb.relay.first_heads import remember
from fiberlb.relay.networks import local_name, local_port
from fiberlb.relay.pipes import WORTHWHILE
from fiberlb.relay.runtime import Cell, Plan, Route
from fiberlb.relay.uploading_h1 import Uploading
from fiberlb.tls.shown import told
from fiberlb.wire import forwarded, request_head
from fiberlb.wire.fields import cut_named
from fiberlb.wire.request_head import (
    EXPECT_CONTINUE,
    KEEP_ALIVE,
    TRAILERS,
    UPGRADE,
    ParsedRequest,
)

#: Requests served in one go.
BURST: Final = 16
_CR: Final = 13


class Downstream(Uploading):
    """
    One client connection.

    @ivar cell: the listener it came in by.
    @ivar conn: its socket.
    """

    __slots__ = (
        "_about",
        "_memo_head",
        "_memo_out",
        "_memo_route",
        "_scheduled",
        "_told",
        "_trusted",
    )

    def __init__(self, cell: Cell, peer: str, peer_port: int) -> None:
        super().__init__(cell, peer, peer_port)
        self._memo_head = b""
        self._memo_out = b""
        self._memo_route: Route | None = None
        self._told = b""
        self._about = b""
        self._trusted = False
        self._scheduled = False

    def attach(self, conn: Connection) -> None:
        """
        The connection stands (its handshake, if any, included): the first head is due.

        The deadline is set, the wheel is not told: mostly the head is there already.
        """
        self.conn = conn
        now = self.started = conn.loop.now
        plan = self.cell.plan
        if plan.allowed is not None and not plan.allowed(self.peer):
            self._malformed("denied_address", "")
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

    def _introduce(self, plan: Plan) -> None:
        """A plan seen for the first time: what it says to members about this client."""
        self.plan = plan
        self._memo_head = b""
        self._memo_route = None
        self.client = self.peer
        self._trusted = plan.trusted is not None and plan.trusted(self.peer)
        self._about = told(self.shown, plan.client_fields) if plan.client_fields else b""
        self._told = self._about + forwarded.tails(*self._own(plan))[1]

    def _own(self, plan: Plan) -> tuple[bytes, bool, int, tuple[str, ...]]:
        client = b"" if self.peer == UNIX else self.peer.encode()
        return client, plan.secure, plan.port or local_port(self.conn.sock), plan.insert

    # What the connection tells.

    def received(self, data: bytes) -> None:
        """Bytes of a head, of a body, or of requests that have to wait."""
        if self.busy:
            if self.left or self.chunks is not None:
                self.take_body(data)
            else:
                self.hold(data)
            return
        if data == self._memo_head and self.cell.plan is self.plan:
            self._again()
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
            self._read_on()
            self.serve()

    def member_ready(self) -> None:
        """The member takes bytes again."""
        if self.left >= WORTHWHILE:
            self.splice_body()
        self._read_on()

    def _read_on(self) -> None:
        if not self.half_closed:
            self.conn.resume()

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
            self._malformed("header_timeout", "")
        else:
            self._rest(now)

    def _rest(self, now: float) -> None:
        """Nothing has come for a while: hold no more than is needed, or end the wait."""
        idle = self.cell.plan.timeouts.keep_alive
        until = NEVER if idle is None else self.started + idle
        if not self.method or until <= now:
            self.leave()
            return
        self._memo_head = self._memo_out = self._told = self.target = b""
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

    # Heads.

    def serve(self) -> None:
        """Take head after head until one has to be waited for."""
        self.serving = True
        try:
            self._take_heads()
        finally:
            self.serving = False

    def _take_heads(self) -> None:
        for _ in range(BURST):
            if self.busy or self._closed:
                return
            if self.conn.out:
                # The client takes no answers: it gets no further ones until it does.
                self.conn.pause()
                return
            if not self.buffer:
                self.wait()
                return
            try:
                if not self._next():
                    return
            except Fault as fault:
                self._malformed(fault.reason, fault.detail)
                return
        if not self.busy and not self._scheduled:
            self._scheduled = True
            self.conn.pause()
            self.conn.loop.soon(self._serve_on)

    def _malformed(self, reason: str, detail: str) -> None:
        """A head that is no request, or one that may not be served: the connection ends with it."""
        if not self.busy:
            self.method = self.target = self.raw = b""
            self.busy = True
        self.route = None
        self.detail = detail
        self.keep = False
        self.refuse(reason)

    def _serve_on(self) -> None:
        self._scheduled = False
        if self._closed:
            return
        self._read_on()
        try:
            self.serve()
        except Exception:
            self.conn.loop.fault(self.conn)

    def _next(self) -> bool:
        """Begin the request at the start of the buffer; false when it is not all there."""
        data = self.buffer
        if data[0] == _CR:
            data = self.buffer = request_head.after_empty_lines(data)
            if not data:
                if self.conn.deadline == NEVER:
                    self.wait()
                return False
        plan = self.cell.plan
        if plan is not self.plan:
            self._introduce(plan)
        first = not self.method and not self._trusted
        parsed = plan.heads.get(data) if first else None
        if parsed is None:
            parsed = request_head.parse(data, plan.limits, self._trusted)
            if first and parsed is not None:
                remember(plan.heads, data, parsed)
        if parsed is None:
            self._wait_for_rest(plan)
            return False
        self._begin(plan, data, parsed)
        return True

    def _wait_for_rest(self, plan: Plan) -> None:
        """A head has begun; the first one of a connection has had its time since the accept."""
        # What comes next is not a head from its beginning, whatever it looks like.
        self._memo_head = b""
        if self.half_closed:
            self.leave()
        elif self.method:
            header = plan.timeouts.client_header
            self.conn.hasten(NEVER if header is None else self.started + header)

    def _begin(self, plan: Plan, data: bytes, parsed: ParsedRequest) -> None:
        """A whole head: route it and send it on."""
        end, method, target, minor, block, raw, length, flags, authority, xff, upgrade = parsed
        self.busy = True
        self.method = method
        self.target = target
        self.minor = minor
        self.raw = raw
        self.upgrade = upgrade
        self.keep = bool(flags & KEEP_ALIVE)
        self.head_at = self.conn.loop.now
        self.buffer = rest = data[end:]
        self.cell.requests += 1
        tail = self._told
        if self._trusted and plan.trusted is not None:
            self.client = forwarded.client_address(self.peer, xff, plan.trusted)
            tail = self._about + forwarded.trusted_tail(block, xff, minor, self._own(plan))
            if plan.client_fields:
                block = cut_named(block, [name.encode() for name in plan.client_fields])
        elif not minor:
            tail = self._about + forwarded.tails(*self._own(plan))[0]
        if flags & (TRAILERS | UPGRADE):
            tail = forwarded.hop_by_hop(upgrade, bool(flags & TRAILERS)) + tail
        if not authority:
            block = b"\r\nHost: " + local_name(self.conn.sock) + block
        self.out = b"".join((method, b" ", target, b" HTTP/1.1", block, tail))
        if length:
            self.expect_body(plan, length, bool(flags & EXPECT_CONTINUE))
        self.route = route = plan.only or self._decide(plan, authority)
        if route.pool is not None and route.pool.reads is not None:
            self.out = route.pool.reads.take(self, self.out)
        if length or rest or not minor or upgrade or not self.keep or self._memo_route is None:
            # The first request of a connection is often its only one, and not worth the memory.
            self._memo_head = self._memo_out = b""
        else:
            self._memo_head = data
            self._memo_out = self.out
        self._memo_route = route
        if route.pool is None:
            self.skip_body()
            self.answer(route, authority)
            return
        self.conn.deadline = NEVER if not length else self.conn.deadline
        self.dispatch()
        if length and rest and self.busy:
            self.buffer = b""
            self.take_body(rest)

    def _decide(self, plan: Plan, authority: bytes) -> Route:
        request = self.request(plan, authority)
        if plan.hides and not self._trusted:
            request.block = forwarded.unclaimed(request.block)
        return plan.route(plan.decide(request))

    def _again(self) -> None:
        """The same head as before, under the same plan: nothing needs to be found out anew."""
        route = self._memo_route
        conn = self.conn
        if route is None or route.pool is None or conn.out or conn.closing:
            self.buffer = self._memo_head
            self._memo_head = b""
            self.started = conn.loop.now
            self.serve()
            return
        self.busy = True
        self.started = self.head_at = conn.loop.now
        conn.deadline = NEVER
        self.out = self._memo_out
        self.route = route
        self.keep = True
        self.cell.requests += 1
        self.dispatch()

    def block(self) -> bytes:
        """See L{Exchange.block}; of a request that came again it is part of the memo."""
        if self.raw or not self.method:
            return self.raw
        return b"\r\n" + self._memo_head.partition(b"\r\n")[2][:-2]
