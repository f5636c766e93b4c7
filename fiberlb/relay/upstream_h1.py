"""
The member's side of HTTP/1.1: one connection, used by one exchange at a time.

Between exchanges it stands in its member's C{idle} list, still registered for
reading: that costs nothing to borrow and to give back, and the end of the
connection is seen at once. Any byte received while idle disqualifies it.
"""

from __future__ import annotations

from typing import Any

from fiberlb.errors import Fault
from fiberlb.relay.connecting import reason_of
from fiberlb.relay.connection import NEVER, Connection
from fiberlb.relay.loop import READ
from fiberlb.relay.runtime import MemberState
from fiberlb.wire import response_head
from fiberlb.wire.chunked import Chunked
from fiberlb.wire.fields import CHUNKED, UNTIL_CLOSE

_HEAD, _LENGTH, _CHUNKS, _CLOSE = range(4)
_BODILESS = frozenset({204, 304})
#: Octets of a request kept for a member that is still being connected before the client must wait.
_MOST_UNSENT = 65536


class Upstream:
    """
    One connection to a member.

    @ivar client: the exchange that uses it, C{None} while it is idle.
    @ivar reused: it has carried an exchange before this one.
    @ivar used: when it was last given back.
    """

    __slots__ = (
        "_body_idle",
        "_buffer",
        "_chunks",
        "_informational",
        "_keep",
        "_left",
        "_limits",
        "_memo",
        "_memo_head",
        "_response",
        "_state",
        "_unsent",
        "client",
        "conn",
        "member",
        "reused",
        "services",
        "used",
    )

    def __init__(self, member: MemberState, services: Any) -> None:
        self.member = member
        self.services = services
        self.client: Any = None
        self.conn: Any = None
        self.reused = False
        self.used = 0.0
        self._state = _HEAD
        self._keep = 0.0
        self._left = 0
        self._buffer = b""
        self._unsent = b""
        self._chunks: Chunked | None = None
        self._informational = 0
        self._memo_head = b""
        self._memo: tuple[int, bytes, int, float] = (0, b"", 0, 0.0)
        self._response = self._body_idle = NEVER
        self._limits: Any = None

    # What the exchange calls.

    def open(self, client: Any, unsent: bytes) -> None:
        """Connect, then send; the exchange hears L{Exchange.not_connected} if that fails."""
        self.client = client
        self._unsent = unsent
        self._take(client)
        self.member.sessions += 1
        connect = client.route.timeouts.member_connect
        self.conn = self.services.dial(self.services.loop, self.member, self, connect)

    def begin(self, client: Any, out: bytes) -> None:
        """Send a request on a connection that was idle."""
        self.client = client
        self.reused = True
        if client.route is not self._limits:
            self._take(client)
        conn = self.conn
        deadline = conn.loop.now + self._response
        conn.deadline = deadline
        if deadline < conn.due:
            conn.hasten(deadline)
        conn.write(out)

    def _take(self, client: Any) -> None:
        """What this exchange's route allows in time."""
        timeouts = client.route.timeouts
        self._limits = client.route
        self._response = NEVER if timeouts.member_response is None else timeouts.member_response
        idle = timeouts.member_body_idle
        self._body_idle = NEVER if idle is None else idle

    def send(self, data: bytes) -> bool:
        """Send a piece of the request's body; whether it was taken."""
        conn = self.conn
        if conn is None or conn.connecting:
            self._unsent += data
            return len(self._unsent) < _MOST_UNSENT
        return bool(conn.write(data))

    def cancel(self) -> None:
        """The exchange is over for another reason: the member is to see that nobody listens."""
        self.client = None
        if self.conn is not None:
            self._drop()

    def give_away(self) -> Connection:
        """Hand the connection over to a tunnel; the member's session goes with it."""
        conn: Connection = self.conn
        self.conn = None
        self.client = None
        return conn

    def discard(self) -> None:
        """Close an idle connection; it must be out of the idle list already."""
        self._drop()

    # What the connection tells.

    def connected(self) -> None:
        """The member answers: send what has gathered."""
        client = self.client
        conn = self.conn
        client.connected_at = conn.loop.now
        unsent, self._unsent = self._unsent, b""
        conn.hasten(conn.loop.now + self._response)
        if conn.write(unsent):
            client.member_ready()

    def refused(self, error: int) -> None:
        """The member could not be reached."""
        client = self.client
        self.member.sessions -= 1
        self.conn = None
        if client is not None:
            self.client = None
            client.not_connected(reason_of(error), self._unsent)

    def received(self, data: bytes) -> None:
        """Bytes of an answer."""
        client = self.client
        if client is None:
            self._disqualify()
            return
        state = self._state
        if state == _HEAD:
            self._head(client, data)
            return
        conn = self.conn
        conn.deadline = conn.loop.now + self._body_idle
        try:
            whole = self._body(data)
        except Fault:
            client.fail("member_bad_response")
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
                self._keep = 0.0
                data = data[:left]
            return data, True
        if state == _CHUNKS:
            chunks = self._chunks
            assert chunks is not None
            piece = chunks.feed(data)
            if chunks.rest:
                self._keep = 0.0
            return piece, chunks.done
        return data, False

    def _head(self, client: Any, data: bytes) -> None:
        """The head of an answer; several, when the first ones are informational."""
        if self._buffer:
            data = self._buffer + data
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
                client.fail(fault.reason)
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
                client.fail("member_bad_response")
                return
            client.inform(prefix)
            if not data:
                return
        self._memo_head = data[:end]
        self._memo = (status, prefix, length, keep)
        self._answer(client, status, prefix, length, keep, data[end:])

    def _answer(
        self, client: Any, status: int, prefix: bytes, length: int, keep: float, data: bytes
    ) -> None:
        """The final head is there: what follows, and is it all here already?"""
        self._keep = keep
        client.answered_at = client.conn.loop.now
        if length > 0 and client.method != b"HEAD" and status not in _BODILESS:
            size = len(data)
            if size < length:
                self._left = length - size
                self._state = _LENGTH
                self._stream(client, client.respond(status, prefix, length, data, False))
                return
            if size > length:
                self._keep = 0.0
                data = data[:length]
        elif length == 0 or client.method == b"HEAD" or status in _BODILESS:
            if data:
                self._keep = 0.0
            length = 0
            data = b""
        else:
            self._unsized(client, status, prefix, length, data)
            return
        client.respond(status, prefix, length, data, True)
        self._complete(client)

    def _unsized(self, client: Any, status: int, prefix: bytes, length: int, data: bytes) -> None:
        """A body whose end is found by reading it."""
        if length == UNTIL_CLOSE:
            self._state = _CLOSE
            self._keep = 0.0
            self._stream(client, client.respond(status, prefix, length, data, False))
            return
        limits = client.cell.plan.limits
        self._chunks = Chunked(limits.trailers, limits.chunk_extension, client.minor == 0)
        self._state = _CHUNKS
        try:
            data, ended = self._body(data)
        except Fault:
            client.fail("member_bad_response")
            return
        taken = client.respond(status, prefix, CHUNKED, data, ended)
        if ended:
            self._complete(client)
        else:
            self._stream(client, taken)

    def _stream(self, client: Any, taken: bool) -> None:
        conn = self.conn
        conn.deadline = conn.loop.now + self._body_idle
        if conn.deadline < conn.due:
            conn.hasten(conn.deadline)
        if not taken:
            conn.pause()

    def _switch(self, client: Any, prefix: bytes, upgrade: bytes, rest: bytes) -> None:
        if not client.upgrade or not upgrade:
            client.fail("member_bad_response")
            return
        client.switched(prefix, upgrade, rest)

    def _complete(self, client: Any) -> None:
        """The answer is whole: give the connection back, then tell the exchange."""
        self.client = None
        self._state = _HEAD
        self._chunks = None
        self._informational = 0
        member = self.member
        conn = self.conn
        keep = self._keep
        if keep and not member.gone and not client.left and client.chunks is None and not conn.out:
            if not conn.events & READ:
                conn.resume()
            now = conn.loop.now
            self.used = now
            limit = client.route.timeouts.member_keep_alive
            conn.deadline = deadline = now + min(keep, NEVER if limit is None else limit)
            if deadline < conn.due:
                conn.hasten(deadline)
            member.idle.append(self)
        else:
            self._drop()
        client.completed()

    def drained(self) -> None:
        """The member takes bytes again."""
        if self.client is not None:
            self.client.member_ready()

    def ended(self) -> None:
        """The member closed its side."""
        client = self.client
        if client is None:
            self._disqualify()
        elif self._state == _CLOSE:
            self._complete(client)
        else:
            self._broken(client, "member_closed")

    def lost(self) -> None:
        """The connection broke."""
        client = self.client
        if client is None:
            self._disqualify()
        else:
            self._broken(client, "member_reset")

    def _broken(self, client: Any, reason: str) -> None:
        untouched = self._state == _HEAD and not self._buffer and not self._informational
        self.client = None
        self._drop()
        if untouched:
            client.unanswered(reason, self.reused)
        else:
            client.fail(reason)

    def expired(self, now: float) -> None:
        """A deadline of the member has passed."""
        client = self.client
        conn = self.conn
        if client is None:
            self._disqualify()
        elif conn.connecting:
            self.client = None
            self._drop()
            client.not_connected("connect_timeout", self._unsent)
        elif self._state == _HEAD and (client.left or client.chunks is not None):
            # The answer is waited for from the end of the request on.
            conn.deadline = now + self._response
        elif not conn.events & READ:
            # It is the client that does not read; its own deadline is running.
            conn.deadline = now + self._body_idle
        else:
            client.fail("member_timeout")

    def _disqualify(self) -> None:
        """An idle connection that cannot be used any more."""
        try:
            self.member.idle.remove(self)
        except ValueError:
            pass
        self._drop()

    def _drop(self) -> None:
        conn = self.conn
        if conn is not None:
            self.conn = None
            self.member.sessions -= 1
            conn.abort()
