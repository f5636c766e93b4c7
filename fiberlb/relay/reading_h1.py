"""
Heads of requests of HTTP/1.1: read one after the other, and each put on its way.

Nothing here recurses along the input: L{Reading.serve} takes head after head,
and at most L{BURST} of them before others get their turn.
"""

from __future__ import annotations

from typing import Final

from fiberlb.errors import Fault
from fiberlb.model.addresses import UNIX
from fiberlb.relay.connection import NEVER
from fiberlb.relay.first_heads import remember
from fiberlb.relay.networks import local_name, local_port
from fiberlb.relay.runtime import Cell, Plan, Route
from fiberlb.relay.treating_h1 import Treating
from fiberlb.routing.request import Request
from fiberlb.tls.shown import told
from fiberlb.treatment.treatment import Treatment
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


class Reading(Treating):
    """The half of a client connection that reads heads."""

    __slots__ = (
        "_about",
        "_memo_out",
        "_memo_route",
        "_scheduled",
        "_told",
        "_trusted",
        "memo_head",
    )

    def __init__(self, cell: Cell, peer: str, peer_port: int) -> None:
        super().__init__(cell, peer, peer_port)
        self.memo_head = b""
        self._memo_out = b""
        self._memo_route: Route | None = None
        self._told = b""
        self._about = b""
        self._trusted = False
        self._scheduled = False

    def read_on(self) -> None:
        """Take what the client sends."""
        if not self.half_closed:
            self.conn.resume()

    def _introduce(self, plan: Plan) -> None:
        """A plan seen for the first time: what it says to members about this client."""
        self.plan = plan
        self.memo_head = b""
        self._memo_route = None
        self.client = self.peer
        self._trusted = plan.trusted is not None and plan.trusted(self.peer)
        self._about = told(self.shown, plan.client_fields) if plan.client_fields else b""
        self._told = b""

    def _tell(self, plan: Plan) -> bytes:
        """What this client's requests of HTTP/1.1 end with, the same for all of them."""
        told = self._told = self._about + forwarded.tails(*self._own(plan))[1]
        return told

    def _own(self, plan: Plan) -> tuple[bytes, bool, int, tuple[str, ...]]:
        client = b"" if self.peer == UNIX else self.peer.encode()
        return client, plan.secure, plan.port or local_port(self.conn.sock), plan.insert

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
                self.malformed(fault.reason, fault.detail)
                return
        if not self.busy and not self._scheduled:
            self._scheduled = True
            self.conn.pause()
            self.conn.loop.soon(self._serve_on)

    def malformed(self, reason: str, detail: str) -> None:
        """A head that is no request, or one that may not be served: the connection ends with it."""
        if not self.busy:
            self.method = self.target = self.raw = b""
            self.busy = True
        self.route = None
        self.authority = self.added = b""
        self.detail = detail
        self.keep = False
        self.refuse(reason)

    def _serve_on(self) -> None:
        self._scheduled = False
        if self._closed:
            return
        self.read_on()
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
        self.memo_head = b""
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
        if self._trusted and plan.trusted is not None:
            self.client = forwarded.client_address(self.peer, xff, plan.trusted)
            block, tail = self._passed_on(plan, block, xff, minor)
        elif not minor:
            tail = self._about + forwarded.tails(*self._own(plan))[0]
        else:
            tail = self._told or self._tell(plan)
        if flags & (TRAILERS | UPGRADE):
            tail = forwarded.hop_by_hop(upgrade, bool(flags & TRAILERS)) + tail
        if not authority:
            block = b"\r\nHost: " + local_name(self.conn.sock) + block
        self.out = b"".join((method, b" ", target, b" HTTP/1.1", block, tail))
        if length:
            self.expect_body(plan, length, bool(flags & EXPECT_CONTINUE))
        route = plan.only or self._decide(plan, authority)
        if route.choice is not None:
            route = route.choice.choose(self)
        self.route = route
        if route.pool is not None and route.pool.reads is not None:
            self.out = route.pool.reads.take(self, self.out)
        treatment = route.treatment
        repeats = treatment is None or self._treated(treatment, authority)
        once = length or rest or not minor or upgrade or not self.keep or not repeats
        if once or self._memo_route is None or route.choice is not None:
            # The first request of a connection is often its only one, and not worth the memory.
            self.memo_head = self._memo_out = b""
        else:
            self.memo_head = data
            self._memo_out = self.out
        self._memo_route = route
        if not repeats:
            self.treat(route)
            return
        if route.pool is None:
            self.skip_body()
            self.answer(route, authority)
            return
        self.conn.deadline = NEVER if not length else self.conn.deadline
        self.dispatch()
        if length and rest and self.busy:
            self.buffer = b""
            self.take_body(rest)

    def _passed_on(self, plan: Plan, block: bytes, xff: bytes, minor: int) -> tuple[bytes, bytes]:
        """The fields of a trusted peer's request, and what is put after them."""
        tail = self._about + forwarded.trusted_tail(block, xff, minor, self._own(plan))
        if plan.client_fields:
            block = cut_named(block, [name.encode() for name in plan.client_fields])
        return block, tail

    def _treated(self, treatment: Treatment, authority: bytes) -> bool:
        """Whether all that is done to this request has been done, and would be done again."""
        self.authority = authority
        self.added = b""
        if not treatment.repeats:
            return False
        self.out = treatment.request(self, self.out)
        return True

    def _decide(self, plan: Plan, authority: bytes) -> Route:
        return plan.route(plan.decide(self.believed(plan, authority)))

    def believed(self, plan: Plan, authority: bytes) -> Request:
        """The request in progress, without what a stranger says of itself where that matters."""
        request = self.request(plan, authority)
        if plan.hides and not self._trusted:
            request.block = forwarded.unclaimed(request.block)
        return request

    def again(self) -> None:
        """The same head as before, under the same plan: nothing needs to be found out anew."""
        route = self._memo_route
        conn = self.conn
        if route is None or route.pool is None or conn.out or conn.closing:
            self.buffer = self.memo_head
            self.memo_head = b""
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
        return b"\r\n" + self.memo_head.partition(b"\r\n")[2][:-2]
