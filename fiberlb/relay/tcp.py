"""
TCP listeners: a client, a member, and the bytes between them.

The client's bytes are read only once a member is connected, so nothing is
held that could be lost, and a member that cannot be reached costs the client
nothing but the time of the next attempt.
"""

from __future__ import annotations

import errno
import socket
from typing import Any

from fiberlb.relay.connecting import reason_of
from fiberlb.relay.connection import NEVER, Connection
from fiberlb.relay.exchange import Exchange
from fiberlb.relay.loop import PEER_CLOSED
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.runtime import Cell, Route
from fiberlb.relay.tunnel import Tunnel
from fiberlb.relay.welcome import unwelcome


class Session(Exchange):
    """
    One client of a TCP listener; logged as one line when it ends.

    @ivar first: what has been read of the client already.
    @ivar place: L{fiberlb.relay.crowd.Place}, where clients have a limit.
    """

    __slots__ = ("_attempt", "_tunnel", "first", "place")

    def __init__(self, cell: Cell, peer: str, peer_port: int) -> None:
        super().__init__(cell, peer, peer_port)
        self._attempt: Attempt | None = None
        self._tunnel: Any = None
        self.place: Any = None
        self.first = b""

    def attach(self, conn: Connection) -> None:
        """The client is there: find a member for it."""
        self.conn = conn
        self.started = self.head_at = conn.loop.now
        plan = self.cell.plan
        route = plan.only
        if route is not None and route.choice is not None:
            route = route.choice.choose(self)
        self.route = route
        self.cell.requests += 1
        self.busy = True
        why = unwelcome(self, plan) if plan.guarded else ""
        if why:
            self.refuse(why)
        elif route is None or route.pool is None:
            self.refuse("no_route")
        else:
            self.begin(route)

    def begin(self, route: Route) -> None:
        """The client's route is known: serve it, unless it comes too often."""
        treatment = route.treatment
        request: Any = None
        # Nothing else is done to connections (L{fiberlb.model.treated.BEFORE_REQUESTS}).
        if treatment is not None and any(gate(self, request) for gate in treatment.gates):
            self.refuse("rate_limited")
        else:
            self.attempt(route)

    def attempt(self, route: Route) -> None:
        """Connect to a member, the one whose turn it is."""
        pool = route.pool
        assert pool is not None
        member = self.another(pool) if self.tried else self.pick(pool)
        if member is None:
            self.nobody(pool)
        else:
            self._try(member, route)

    def _try(self, member: MemberState, route: Route) -> None:
        self.tries += 1
        self.take(member)
        self._attempt = Attempt(self, member, route.timeouts.member_connect)

    def placed(self, member: MemberState) -> None:
        """See L{Exchange.placed}; a client that has gone without a word needs nobody any more."""
        assert self.route is not None
        if not self.first and _has_left(self.conn.sock):
            self.conn.abort()
            if member.room is not None:
                member.room.told()
            self.over("client_abort")
        else:
            self._try(member, self.route)

    def not_reached(self, reason: str) -> None:
        """The attempt failed; the next member, if there may be another attempt."""
        member, route = self.member, self.route
        assert member is not None and route is not None and route.pool is not None
        self._attempt = None
        member.failures += 1
        member.struck(reason, self.head_at, self.cell.services)
        self.disappointed()
        self.let_go()
        if _was_reset(self.conn.sock):
            # The loop may not watch for it yet.
            self.conn.abort()
            self.over("client_abort")
            return
        self.tried = (*self.tried, member.id)
        last = self.tries - self.elsewhere > route.pool.attempts
        if (last or self.all_tried(route.pool)) and self.stood_in(None):
            return
        if last:
            self.refuse(reason)
            return
        self.attempt(route)

    def stood_in(self, unsent: bytes | None) -> bool:
        """See L{Exchange.stood_in}."""
        other = self.stand_in()
        if other is not None:
            self.attempt(other)
        return other is not None

    def answering(self) -> float:
        """See L{Exchange.answering}; what follows the connection is not ours to judge."""
        return self.connected_at

    def reached(self, conn: Connection) -> None:
        """A member is connected: relay."""
        self._attempt = None
        self.connected_at = conn.loop.now
        assert self.route is not None
        idle = self.route.timeouts.tunnel
        member = self.member
        if member is not None:
            member.relays.add(self)
            if member.suspect is not None:
                member.answered(0, self.head_at, self.cell.services)
        self._tunnel = Tunnel(self.conn, conn, idle, self._ended)
        first, self.first = self.first, b""
        self._tunnel.begin(b"", first)
        if not first and not self.conn.closed:
            # Most clients have spoken by now.
            self.conn.readable()

    def _ended(self, reason: str | None) -> None:
        tunnel, self._tunnel = self._tunnel, None
        self.sent_octets = tunnel.to_client
        self.received_octets = tunnel.to_member
        member = self.member
        if member is not None:
            member.sessions -= 1
            member.relays.discard(self)
        self.over(reason)

    def end(self) -> None:
        """The member is not the one any more that this client should talk to."""
        if self._tunnel is not None:
            self._tunnel.finish("member_closed")

    def refuse(self, reason: str, status: int | None = None) -> None:
        """There is no way to tell the client but to close."""
        self.conn.reset()
        self.over(reason)

    def over(self, reason: str | None) -> None:
        """It has ended: log it and let go of everything."""
        self.log(reason)
        self.let_go()
        self.busy = False
        self.cell.left(self.place)

    # What the client's connection tells, until the tunnel takes over.

    def received(self, data: bytes) -> None:
        """Never told: the client is not read before a member is there."""

    def ended(self) -> None:
        """Never told: the end is found by reading."""

    def drained(self) -> None:
        """Never told: nothing is written to the client here."""

    def connected(self) -> None:
        """Never told: the client's connection was accepted."""

    def refused(self, error: int) -> None:
        """Never told: the client's connection was accepted."""

    def lost(self) -> None:
        """The client went away while a member was being connected."""
        self._cancel_attempt()
        self.over("client_abort")

    def failed(self) -> None:
        """An exception of ours."""
        self._cancel_attempt()
        self.refuse("internal")

    def leave_if_idle(self) -> None:
        """A client that waits for a member is waited for."""

    def cut_short(self) -> None:
        """The process does not wait for it any longer."""
        self._cancel_attempt()
        self.refuse("shutting_down")

    def _cancel_attempt(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            attempt.cancel()

    def expired(self, now: float) -> None:
        """The attempt has its own deadline."""
        self.conn.deadline = NEVER


def _has_left(sock: Any) -> bool:
    """Whether the peer has sent an end, and nothing before it."""
    try:
        return not sock.recv(1, socket.MSG_PEEK)
    except OSError:
        return False


def _was_reset(sock: Any) -> bool:
    """Whether the peer has broken the connection, before it said anything."""
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


class Attempt:
    """A connection to a member that is being opened for a session."""

    __slots__ = ("_conn", "_member", "_session")

    #: A member's end is told with its last bytes.
    hears = PEER_CLOSED

    def __init__(self, session: Session, member: MemberState, timeout: float | None) -> None:
        self._session: Session | None = session
        self._member = member
        member.sessions += 1
        services = session.cell.services
        route = session.route
        introduce = None if route is None or route.pool is None else route.pool.introduce
        loop = services.loop
        self._conn: Connection | None
        if introduce is None:
            self._conn = services.dial(loop, member, self, timeout)
        else:
            self._conn = services.dial(loop, member, self, timeout, introduce(session))

    def cancel(self) -> None:
        """Nobody waits for it any more."""
        self._session = None
        self._member.sessions -= 1
        if self._conn is not None:
            self._conn.abort()

    def connected(self) -> None:
        """The member answers."""
        if self._session is not None and self._conn is not None:
            self._session.reached(self._conn)

    def refused(self, error: int) -> None:
        """The member refuses."""
        session = self._session
        if session is not None:
            self._member.sessions -= 1
            self._session = None
            try:
                session.not_reached(reason_of(error))
            except Exception:
                session.conn.loop.fault(session.conn)

    def lost(self) -> None:
        """Broken before it stood."""
        self.refused(errno.ECONNREFUSED)

    def failed(self) -> None:
        """An exception of ours."""
        if self._session is not None:
            self._session.failed()

    def expired(self, now: float) -> None:
        """The member does not answer."""
        if self._conn is not None:
            self._conn.abort()
        self.refused(errno.ETIMEDOUT)

    def received(self, data: bytes) -> None:
        """Never told: it is not read before it stands."""

    def ended(self) -> None:
        """Never told."""

    def drained(self) -> None:
        """Never told."""
