"""The member's side of HTTP/1.1: its answers, read strictly and handed to the exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fiberlb.errors import Fault
from fiberlb.relay.amending import amended
from fiberlb.relay.member_connection import MemberConnection
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.pipes import WORTHWHILE
from fiberlb.relay.splice import pump
from fiberlb.wire import response_head
from fiberlb.wire.chunked import Chunked
from fiberlb.wire.fields import CHUNKED, UNTIL_CLOSE, list_elements

if TYPE_CHECKING:
    from fiberlb.relay.exchange import Exchange

_HEAD: Final = 0
_LENGTH: Final = 1
_CHUNKS: Final = 2
_CLOSE: Final = 3
_BODILESS: Final = frozenset({204, 304})


class Upstream(MemberConnection):
    """One connection to a member that speaks HTTP/1.1."""

    __slots__ = (
        "_buffer",
        "_chunks",
        "_informational",
        "_left",
        "_memo",
        "_memo_head",
        "_state",
    )

    def __init__(self, member: MemberState, services: Any) -> None:
        super().__init__(member, services)
        self._state = _HEAD
        self._left = 0
        self._buffer = b""
        self._chunks: Chunked | None = None
        self._informational = 0
        self._memo_head = b""
        self._memo: tuple[int, bytes, int, float] = (0, b"", 0, 0.0)

    def received(self, data: bytes) -> None:
        """Bytes of an answer."""
        client = self.client
        if client is None:
            self.disqualify()
            return
        state = self._state
        if state == _HEAD:
            self._head(client, data)
            return
        conn = self.conn
        assert conn is not None
        conn.deadline = conn.loop.now + self.body_idle
        try:
            whole = self._body(data)
        except Fault:
            self._misanswered(client)
            return
        piece, ended = whole
        if ended:
            if piece:
                client.body(piece)
            self._complete(client)
        elif not client.body(piece):
            conn.pause()

    def _body(self, data: bytes) -> tuple[bytes, bool]:
        """The part of C{data} that belongs to the body, and whether it ends there."""
        state = self._state
        if state == _LENGTH:
            size = len(data)
            left = self._left
            if size < left:
                self._left = left - size
                return data, False
            self._left = 0
            if size > left:
                self.keep = 0.0
                data = data[:left]
            return data, True
        if state == _CHUNKS:
            chunks = self._chunks
            assert chunks is not None
            piece = chunks.feed(data)
            if chunks.rest:
                self.keep = 0.0
            return piece, chunks.done
        return data, False

    def _head(self, client: Exchange, data: bytes) -> None:
        """The head of an answer; several, when the first ones are informational."""
        if self._buffer:
            start = len(self._buffer)
            data = self._buffer + data
            if not response_head.worth_parsing(data, start, client.cell.plan.limits):
                self._buffer = data
                return
            self._buffer = b""
        memo = self._memo_head
        if memo and data.startswith(memo):
            status, prefix, length, keep = self._memo
            self._answer(client, status, prefix, length, keep, data[len(memo) :])
            return
        while True:
            try:
                parsed = response_head.parse(data, client.cell.plan.limits)
            except Fault as fault:
                client.detail = fault.detail
                self._misanswered(client, fault.reason)
                return
            if parsed is None:
                self._buffer = data
                return
            end, status, reason, block, length, keep, upgrade = parsed
            prefix = b"".join((b"HTTP/1.1 %d" % status, reason or b" ", block))
            if status >= 200:
                break
            data = data[end:]
            if status == 101:
                self._switch(client, prefix, upgrade, data)
                return
            self._informational += 1
            if self._informational > client.cell.plan.limits.informational:
                self._misanswered(client)
                return
            client.inform(prefix)
            if not data:
                return
        self._memo_head = data[:end]
        self._memo = (status, prefix, length, keep)
        self._answer(client, status, prefix, length, keep, data[end:])

    def _answer(
        self, client: Exchange, status: int, prefix: bytes, length: int, keep: float, data: bytes
    ) -> None:
        """The final head is there: what follows, and is it all here already?"""
        self.keep = keep
        client.answered_at = client.conn.loop.now
        if self.member.suspect is not None:
            self.member.answered(status, client.head_at, self.services)
        framing = length
        treatment = client.route.treatment  # type: ignore[union-attr]
        if treatment is not None:
            prefix = amended(client, treatment, status, prefix, length)
            if client.filter is not None:
                framing = UNTIL_CLOSE
        if length > 0 and client.method != b"HEAD" and status not in _BODILESS:
            size = len(data)
            if size < length:
                self._left = length - size
                self._state = _LENGTH
                taken = client.respond(status, prefix, framing, data, False)
                self._stream(client, taken)
                if taken and self._left >= WORTHWHILE and framing == length:
                    pump(self.conn, client.conn, self._left, self._pumped, self._pumped_all)
                return
            if size > length:
                self.keep = 0.0
                data = data[:length]
        elif length == 0 or client.method == b"HEAD" or status in _BODILESS:
            if data:
                self.keep = 0.0
            framing = 0
            data = b""
        else:
            self._unsized(client, status, prefix, length, data)
            return
        client.respond(status, prefix, framing, data, True)
        self._complete(client)

    def _unsized(
        self, client: Exchange, status: int, prefix: bytes, length: int, data: bytes
    ) -> None:
        """A body whose end is found by reading it."""
        if length == UNTIL_CLOSE:
            self._state = _CLOSE
            self.keep = 0.0
            self._stream(client, client.respond(status, prefix, length, data, False))
            return
        limits = client.cell.plan.limits
        decode = client.minor == 0 or client.filter is not None
        self._chunks = Chunked(limits.trailers, limits.chunk_extension, decode)
        self._state = _CHUNKS
        try:
            data, ended = self._body(data)
        except Fault:
            self._misanswered(client)
            return
        framing = CHUNKED if client.filter is None else UNTIL_CLOSE
        taken = client.respond(status, prefix, framing, data, ended)
        if ended:
            self._complete(client)
        else:
            self._stream(client, taken)

    def _stream(self, client: Exchange, taken: bool) -> None:
        conn = self.conn
        assert conn is not None
        conn.deadline = conn.loop.now + self.body_idle
        if conn.deadline < conn.due:
            conn.hasten(conn.deadline)
        if not taken:
            conn.pause()

    def _pumped(self, count: int, taken: bool) -> None:
        """The kernel has moved some of the body."""
        client, conn = self.client, self.conn
        assert client is not None and conn is not None
        self._left -= count
        client.sent_octets += count
        if taken:
            conn.deadline = conn.loop.now + self.body_idle
        else:
            client.blocked()

    def _pumped_all(self) -> None:
        client = self.client
        assert client is not None
        client.unblocked()
        self._complete(client)

    def _switch(self, client: Exchange, prefix: bytes, upgrade: bytes, rest: bytes) -> None:
        chosen = list_elements(upgrade.lower())
        # Only what the client has offered (RFC 9110, 7.8).
        if not chosen or not set(chosen) <= set(list_elements(client.upgrade.lower())):
            self._misanswered(client)
            return
        if self.member.suspect is not None:
            self.member.answered(101, client.head_at, self.services)
        client.switched(prefix, upgrade, rest)

    def _complete(self, client: Exchange) -> None:
        """The answer is whole: give the connection back, then tell the exchange."""
        self.client = None
        self._state = _HEAD
        self._chunks = None
        self._informational = 0
        self.give_back(client)
        try:
            client.completed()
        except Exception:
            # What goes wrong from here on is the client's trouble.
            client.conn.loop.fault(client.conn)

    def ended(self) -> None:
        """The member closed its side."""
        client = self.client
        if client is None:
            self.disqualify()
        elif self._state == _CLOSE and self.conn is not None and not self.conn.cut:
            self._complete(client)
        else:
            self._broken(client, "member_closed")

    def lost(self) -> None:
        """The connection broke."""
        client = self.client
        if client is None:
            self.disqualify()
        elif self.conn is not None and self.conn.failure:
            # In TLS 1.3 a member tells what it thinks of our certificate only now.
            client.detail = self.conn.failure
            self._broken(client, "member_tls")
        else:
            self._broken(client, "member_reset")

    def expelled(self) -> None:
        """The member drains, and its time is over: what waits for it may go to another one."""
        client, conn = self.client, self.conn
        if client is not None and conn is not None and not conn.connecting:
            self._part(client, "member_closed")

    def _broken(self, client: Exchange, reason: str) -> None:
        self.member.failures += 1
        # One that was idle may just have been closed for that.
        if self._state == _HEAD and not self.reused:
            self.member.struck(reason, client.head_at, self.services)
        self._part(client, reason)

    def _part(self, client: Exchange, reason: str) -> None:
        untouched = self._state == _HEAD and not self._buffer and not self._informational
        self.client = None
        self.drop()
        if untouched:
            self.tell(client, client.unanswered, reason, self.reused)
        else:
            self.tell(client, client.fail, reason)

    def expired(self, now: float) -> None:
        """A deadline of the member has passed."""
        client, conn = self.client, self.conn
        if client is None or conn is None:
            self.disqualify()
        elif conn.connecting:
            self.client = None
            self.drop()
            self.member.failures += 1
            self.member.struck("connect_timeout", client.head_at, self.services)
            self.tell(client, client.not_connected, "connect_timeout", self._unsent)
        elif self._state == _HEAD and client.uploading:
            # The answer is waited for from the end of the request on, but the member has to
            # take the request meanwhile.
            stalled = conn.out or (conn.end is not None and conn.end.stalled)
            since = conn.moved if stalled else now
            if since + self._response <= now:
                self._timed_out(client)
            else:
                conn.deadline = since + self._response
        elif conn.paused:
            # It is the client that does not read; its own deadline is running.
            conn.deadline = now + self.body_idle
        else:
            self._timed_out(client)

    def _misanswered(self, client: Exchange, reason: str = "member_bad_response") -> None:
        """What has come is no answer."""
        self.member.struck(reason, client.head_at, self.services)
        client.fail(reason)

    def _timed_out(self, client: Exchange) -> None:
        self.member.failures += 1
        if self._state == _HEAD:
            self.member.struck("member_timeout", client.head_at, self.services)
        client.fail("member_timeout")
