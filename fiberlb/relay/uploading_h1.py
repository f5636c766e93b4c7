"""Bodies of requests: taken from the client as fast as the member takes them."""

from __future__ import annotations

from typing import Final

from fiberlb.errors import Fault
from fiberlb.relay.answering_h1 import Answering
from fiberlb.relay.connection import NEVER, READ_SIZE
from fiberlb.relay.exchange import REPLAYABLE
from fiberlb.relay.loop import READ
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.pipes import WORTHWHILE
from fiberlb.relay.runtime import Cell, Plan
from fiberlb.relay.splice import pump
from fiberlb.wire.chunked import Chunked
from fiberlb.wire.fields import CHUNKED

#: Fewer octets of a body than this in C{RATE_SPAN} seconds count as silence.
RATE_OCTETS: Final = 5000
RATE_SPAN: Final = 10.0
#: After so many small chunks of a body only so many octets of it are read at a time: they cost
#: many times what others do, and nobody is to wait for them.
MANY_SMALL: Final = 1000
SHORT_READ: Final = 4096


class Uploading(Answering):
    """
    The half of a client connection that reads bodies.

    While one is being read the connection counts as one that closes: an
    answer that begins before the request is whole says so, as nobody knows
    whether the rest will ever come.
    """

    __slots__ = ("_stays",)

    def __init__(self, cell: Cell, peer: str, peer_port: int) -> None:
        super().__init__(cell, peer, peer_port)
        self._stays = False

    def inform(self, prefix: bytes) -> None:
        """See L{Exchange.inform}; a client that has waited for 100 has its time from now on."""
        super().inform(prefix)
        if self.left or self.chunks is not None:
            self.expecting = False
            self._begin_body()

    def expect_body(self, plan: Plan, length: int, expecting: bool) -> None:
        """
        A body follows the head.

        @param length: its octets, or C{CHUNKED}.
        @param expecting: the client may send it only after an answer of 100.

        @raise Fault: C{body_too_large}.
        """
        limits = plan.limits
        if length == CHUNKED:
            self.chunks = Chunked(limits.trailers, limits.chunk_extension)
        elif limits.body is not None and length > limits.body:
            raise Fault("body_too_large")
        else:
            self.left = length
        if self.method in REPLAYABLE:
            self.held = []
        self.expecting = expecting
        self._stays = self.keep
        self.keep = False
        self._begin_body()

    def _begin_body(self) -> None:
        """The client's time for the body begins."""
        conn = self.conn
        now = conn.loop.now
        self.body_at = self.body_since = now
        self.body_mark = self.received_octets
        idle = self.cell.plan.timeouts.client_body_idle
        conn.hasten(now + (RATE_SPAN if idle is None else min(idle, RATE_SPAN)))

    def placed(self, member: MemberState) -> None:
        """See L{Exchange.placed}; what has come of the body meanwhile follows the head."""
        unsent, self.unsent = self.unsent, None
        self.tries += 1
        self.take(member)
        idle = member.idle
        if unsent is None and idle and self.method in REPLAYABLE:
            self.up = up = idle.pop()
            up.begin(self, self.out)
        else:
            self.connect(member, self.out if unsent is None else unsent)
        if self.left or self.chunks is not None:
            data, self.buffer = self.buffer, b""
            self._begin_body()
            if not self.half_closed:
                self.conn.resume()
            if data:
                self.take_body(data)

    def skip_body(self) -> None:
        """An answer of ours needs no body: one that has come whole already does no harm."""
        if 0 < self.left <= len(self.buffer):
            self.received_octets = self.left
            self.buffer = self.buffer[self.left :]
            self.left = 0
            self.keep = self._stays

    def take_body(self, data: bytes) -> None:
        """Bytes while a body is expected; what follows it waits."""
        if self.waiting is not None:
            self.hold(data)
            return
        self.body_at = self.conn.loop.now
        self.expecting = False
        chunks = self.chunks
        if chunks is not None:
            try:
                piece = chunks.feed(data)
            except Fault as fault:
                self.detail = fault.detail
                self.fail(fault.reason)
                return
            if chunks.small > MANY_SMALL:
                self.conn.most = SHORT_READ
            self.received_octets = chunks.received
            rest = chunks.rest
            if chunks.done:
                self.chunks = None
        else:
            left = self.left
            piece, rest = (data, b"") if len(data) <= left else (data[:left], data[left:])
            self.left = left - len(piece)
            self.received_octets += len(piece)
        most = self.cell.plan.limits.body
        if most is not None and self.received_octets > most:
            self.fail("body_too_large")
            return
        if piece and not self.send_body(piece):
            self.conn.pause()
        if not self.left and self.chunks is None:
            self.whole()
        elif self.left >= WORTHWHILE:
            self.splice_body()
        if rest and self.busy:
            self.hold(rest)

    def splice_body(self) -> None:
        """
        Have the kernel move the rest of the body, where much is left of it and it comes fast.

        Not before what may have to be sent again is too much to be held, and
        never more than what is left: what follows is the next request.
        """
        up = self.up
        if (
            up is not None
            and up.conn is not None
            and self.held is None
            and not self.upgrade
            and self.received_octets - self.body_mark >= WORTHWHILE
        ):
            pump(self.conn, up.conn, self.left, self._moved, self.whole, self._came)

    def _came(self, count: int) -> None:
        """The kernel has taken so much of the body from the client."""
        self.received_octets += count
        self.body_at = self.conn.loop.now

    def _moved(self, count: int, taken: bool) -> None:
        """The kernel has given so much of the body to the member."""
        self.left -= count

    def whole(self) -> None:
        """The request is whole: it is the member's turn."""
        self.conn.most = READ_SIZE
        if not self.conn.out:
            self.conn.deadline = NEVER
        if not self.head_sent:
            self.keep = self._stays
        if self.up is not None:
            self.up.await_answer()

    def hold(self, data: bytes) -> None:
        """Requests that have to wait for the one in progress; a head's worth of them, no more."""
        self.buffer += data
        if len(self.buffer) > self.cell.plan.limits.head:
            self.conn.pause()

    def too_slow(self, now: float) -> bool:
        """Whether a body has stopped, or only drips; sets when to look again."""
        conn = self.conn
        idle = self.cell.plan.timeouts.client_body_idle
        waits = self.expecting or self.waiting is not None
        if idle is None or waits or not conn.events & READ:
            # No limit, or it is we who do not read, or the member who has not asked for it.
            self.body_since = self.body_at = now
            self.body_mark = self.received_octets
            conn.deadline = now + RATE_SPAN
            return False
        if self.body_at + idle <= now:
            return True
        if self.body_since + RATE_SPAN <= now:
            count = self.received_octets - self.body_mark
            if count < RATE_OCTETS:
                return True
            if count < WORTHWHILE and conn.end is not None:
                # It only trickles by now, and others may need the pipe.
                conn.end.spare()
            self.body_since = now
            self.body_mark = self.received_octets
        conn.deadline = min(self.body_at + idle, self.body_since + RATE_SPAN)
        return False
