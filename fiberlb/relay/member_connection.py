"""
A connection to a member: opened, borrowed by one exchange at a time, given back.

Between exchanges it stands in its member's C{idle} list, still registered for
reading: that costs nothing to borrow and to give back, and the end of the
connection is seen at once. Any byte received while idle disqualifies it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from fiberlb.relay.connecting import reason_of
from fiberlb.relay.connection import NEVER, Connection
from fiberlb.relay.loop import READ
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.runtime import Route
from fiberlb.wire.host_line import hosted

if TYPE_CHECKING:
    from fiberlb.relay.exchange import Exchange

#: Octets of a request kept for a member that is still being connected before the client must wait.
_MOST_UNSENT: Final = 65536


class MemberConnection:
    """
    What has nothing to do with the version of HTTP that is spoken.

    @ivar client: the exchange that uses it, C{None} while it is idle.
    @ivar reused: it has carried an exchange before this one.
    @ivar used: when it was last given back.
    @ivar keep: seconds for which the member keeps it open, 0: it is not used again.
    """

    __slots__ = (
        "_home",
        "_hosted",
        "_response",
        "_route",
        "_unsent",
        "body_idle",
        "client",
        "conn",
        "keep",
        "member",
        "reused",
        "services",
        "used",
    )

    def __init__(self, member: MemberState, services: Any) -> None:
        self.member = member
        self.services = services
        # A member that has gone has no home, and nothing is like this object itself.
        self._home: object = self if member.home is None else member.home
        self.client: Exchange | None = None
        self.conn: Connection | None = None
        self.reused = False
        self._hosted = False
        self.used = 0.0
        self.keep = 0.0
        self._unsent = b""
        self._response = self.body_idle = NEVER
        self._route: Route | None = None

    # What the exchange calls.

    def open(self, client: Exchange, unsent: bytes) -> None:
        """Connect, then send; the exchange hears L{Exchange.not_connected} if that fails."""
        self.client = client
        self._take(client)
        self._unsent = hosted(unsent, self.member.host) if self._hosted else unsent
        self.member.sessions += 1
        route = self._route
        assert route is not None
        connect = route.timeouts.member_connect
        introduce = None if route.pool is None else route.pool.introduce
        loop = self.services.loop
        if introduce is None:
            self.conn = self.services.dial(loop, self.member, self, connect)
        else:
            # It belongs to this client, and is nobody else's afterwards.
            self._home = self
            self.conn = self.services.dial(loop, self.member, self, connect, introduce(client))

    def begin(self, client: Exchange, out: bytes) -> None:
        """Send a request on a connection that was idle."""
        self.client = client
        self.reused = True
        if client.route is not self._route:
            self._take(client)
        conn = self.conn
        assert conn is not None
        deadline = conn.loop.now + self._response
        conn.deadline = deadline
        if deadline < conn.due:
            conn.hasten(deadline)
        conn.write(hosted(out, self.member.host) if self._hosted else out)

    def _take(self, client: Exchange) -> None:
        """What this exchange's route allows in time."""
        self._route = route = client.route
        assert route is not None
        timeouts = route.timeouts
        self._hosted = route.treatment is not None and route.treatment.hosted
        self._response = NEVER if timeouts.member_response is None else timeouts.member_response
        idle = timeouts.member_body_idle
        self.body_idle = NEVER if idle is None else idle

    def send(self, data: bytes) -> bool:
        """Send a piece of the request's body; whether it was taken."""
        conn = self.conn
        if conn is None or conn.connecting:
            self._unsent += data
            return len(self._unsent) < _MOST_UNSENT
        return bool(conn.write(data))

    def await_answer(self) -> None:
        """The request's body is whole: the member's time to answer begins."""
        conn, client = self.conn, self.client
        if conn is None or conn.connecting or client is None:
            return
        if not client.head_sent:
            conn.hasten(conn.loop.now + self._response)

    def cancel(self) -> None:
        """The exchange is over for another reason: the member is to see that nobody listens."""
        self.client = None
        if self.conn is not None:
            self.drop()

    def give_away(self) -> Connection:
        """Hand the connection over to a tunnel; the member's session goes with it."""
        conn = self.conn
        assert conn is not None
        self.conn = None
        self.client = None
        return conn

    def discard(self) -> None:
        """Close an idle connection; it must be out of the idle list already."""
        self.drop()

    # What the connection tells.

    def connected(self) -> None:
        """The member answers: send what has gathered."""
        client, conn = self.client, self.conn
        assert client is not None and conn is not None
        client.connected_at = conn.loop.now
        unsent, self._unsent = self._unsent, b""
        conn.hasten(conn.loop.now + self._response)
        if conn.write(unsent):
            client.member_ready()

    def refused(self, error: int) -> None:
        """The member could not be reached, or is not who it should be."""
        client = self.client
        failure = "" if self.conn is None else self.conn.failure
        self.member.sessions -= 1
        self.conn = None
        if client is not None:
            self.client = None
            self.member.failures += 1
            client.detail = failure
            reason = reason_of(error)
            self.member.struck(reason, client.head_at, self.services)
            self.tell(client, client.not_connected, reason, self._unsent)

    def tell(self, client: Exchange, what: Callable[..., None], *about: Any) -> None:
        """
        Tell an exchange that this connection has nothing to do with any more.

        What goes wrong there is the client's trouble, not that of this connection.
        """
        try:
            what(*about)
        except Exception:
            client.conn.loop.fault(client.conn)

    def failed(self) -> None:
        """An exception of ours, here or in the exchange."""
        client = self.client
        if client is None:
            self.disqualify()
        else:
            client.fail("internal")

    def give_back(self, client: Exchange) -> None:
        """The exchange has its answer: wait for the next one, or close."""
        member = self.member
        conn, route = self.conn, self._route
        assert conn is not None and route is not None
        keep = self.keep
        if (
            not keep
            or self._home is not member.home
            or client.left
            or client.chunks is not None
            or conn.out
        ):
            self.drop()
            return
        if not conn.events & READ:
            conn.resume()
        now = conn.loop.now
        self.used = now
        limit = route.timeouts.member_keep_alive
        conn.deadline = deadline = now + min(keep, NEVER if limit is None else limit)
        if deadline < conn.due:
            conn.hasten(deadline)
        member.idle.append(self)

    def drained(self) -> None:
        """The member takes bytes again."""
        if self.client is not None:
            self.client.member_ready()

    def disqualify(self) -> None:
        """An idle connection that cannot be used any more."""
        try:
            self.member.idle.remove(self)
        except ValueError:
            pass
        self.drop()

    def drop(self) -> None:
        """Close the connection; the exchange, if there is one, knows."""
        conn = self.conn
        if conn is not None:
            self.conn = None
            self.member.sessions -= 1
            conn.abort()
