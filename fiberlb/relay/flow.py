"""
A flow: the datagrams between one client and the member that it has got.

It begins with a client's first datagram and ends when neither side has sent
one for the listener's C{udp_idle}. Each flow has a socket of its own that is
connected to the member: only the member can answer, and the system tells
when nobody is there.
"""

from __future__ import annotations

import errno
from collections.abc import Container
from typing import Any, Final

from fiberlb.relay.connecting import reason_of
from fiberlb.relay.datagram_sockets import connected
from fiberlb.relay.leg import LATE, Leg
from fiberlb.relay.member_state import MAINTENANCE, MemberState
from fiberlb.relay.pool_state import PoolState
from fiberlb.relay.runtime import Cell, Plan

#: Octets of a question that is held until its answer comes, to be asked of another member.
MOST_HELD: Final = 4096
_FULL: Final = frozenset({errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM})


class Flow:
    """
    One client's datagrams.

    @ivar port: L{fiberlb.relay.udp.DatagramPort} that they come in at.
    @ivar key: what it is found by there.
    @ivar address: of the client, for the system.
    @ivar local: our address that the client sends to; see L{datagram_sockets.local_of}.
    @ivar source: ancillary data of answers.
    @ivar client: the client's address, in its plain form.
    @ivar used: when a datagram went either way last.
    @ivar waiting: the client has sent something since the last answer.
    @ivar held: what it has sent, where that was one small datagram.
    @ivar preface: what the next datagram to the member begins with.
    """

    __slots__ = (
        "_asked_at", "_first_at", "address", "cell", "client", "closed", "destination", "due",
        "held", "introduce", "key", "leg", "local", "member", "peer", "peer_port", "plan", "pool",
        "port", "preface", "received_octets", "sent_octets", "source", "started", "tried",
        "tries", "used", "waiting",
    )  # fmt: skip

    def __init__(self, port: Any, key: Any, address: Any, local: bytes, client: str) -> None:
        self.port = port
        self.cell: Cell = port.cell
        self.plan: Plan | None = self.cell.plan
        self.key = key
        self.address = address
        self.local = local
        self.source = port.source(local)
        self.client = self.peer = client
        self.peer_port: int = address[1]
        self.due = 0.0
        self.closed = self.waiting = False
        self.held: bytes | None = None
        self.pool: PoolState | None = None
        self.member: MemberState | None = None
        self.leg: Leg | None = None
        self.introduce: Any = None
        self.preface = b""
        self.tried: tuple[str, ...] = ()
        self.tries = self.sent_octets = self.received_octets = 0
        self.started = self.used = port.loop.now
        self._asked_at = self._first_at = 0.0

    @property
    def side(self) -> Flow:
        """What is asked to leave when the process ends."""
        return self

    # Whom it goes to.

    def choose(self, pool: PoolState, tried: Container[str] = ()) -> str | None:
        """
        Get a member, the one whose turn it is; what the flow had before stays if there is none.

        @return: the reason code of there being none.
        """
        refused: tuple[str, ...] = ()
        why = ""
        while len(refused) <= pool.attempts:
            skipped = refused or tried
            member = pool.pick(skipped) if pool.key is None else pool.pick_for(self, skipped)
            if member is None:
                return why or pool.missing()
            try:
                sock = connected(member)
            except OSError as error:
                why = reason_of(error.errno or errno.ENETUNREACH)
                if why == "overloaded":
                    return why
                member.failures += 1
                member.struck(why, self.port.loop.now, self.cell.services)
                refused = (*refused, member.id)
                continue
            self.join(pool, member, sock)
            return None
        return why

    def join(self, pool: PoolState, member: MemberState, sock: Any, shared: bool = False) -> None:
        """From now on this member has it."""
        before = self.leg
        self._leave_member()
        if before is not None:
            before.linger()
        self.pool, self.member = pool, member
        self.leg = Leg(self, member, sock, shared)
        self.tries += 1
        member.in_flight += 1
        if not shared:
            member.requests += 1
        member.relays.add(self)
        self.introduce = pool.introduce
        self.preface = b"" if pool.introduce is None else self.port.introduction(self)

    def _leave_member(self) -> None:
        member = self.member
        if member is not None:
            self.member = None
            member.in_flight -= 1
            member.relays.discard(self)

    def settled(self) -> bool:
        """Whether there is a member to send to, now that something has changed."""
        port = self.port
        cell: Cell = port.cell
        plan = cell.plan
        if plan.allowed is not None and not plan.allowed(self.client):
            port.refuse("denied", "denied_address", self.client, self.peer_port)
            return False
        if cell is not self.cell:
            self.cell.left()
            cell.connections += 1
            self.cell = cell
        pool = plan.only.pool if plan.only is not None else None
        member, leg, had = self.member, self.leg, self.pool
        if pool is None or member is None or leg is None or had is None:
            self.plan = None
            port.refuse("no_member", "no_route", self.client, self.peer_port)
            return False
        stays = pool.id == had.id and pool.introduce is self.introduce and pool.plan.pool.enabled
        serves = member.up and not member.gone and member.mode != MAINTENANCE
        if stays and serves and leg.address is member.address:
            self.pool = pool
        else:
            why = self.choose(pool)
            if why is not None:
                self.plan = None
                port.refuse("no_member", why, self.client, self.peer_port)
                return False
        self.plan = plan
        return True

    # Datagrams.

    def forward(self, piece: Any) -> None:
        """One from the client, of which nothing is kept."""
        port = self.port
        member: Any = self.member
        changed = self.plan is not port.cell.plan or not member.up or member.mode == MAINTENANCE
        if changed and not self.settled():
            return
        self.used = now = port.loop.now
        size = len(piece)
        self.received_octets += size
        self.cell.received += size
        if self.waiting:
            self.held = None
        else:
            self.waiting = True
            self._asked_at = now
            if size <= MOST_HELD:
                self.held = bytes(piece)
        self.tried = ()
        try:
            if self.preface:
                self._introduce(piece)
            else:
                self.leg.sock.send(piece)  # type: ignore[union-attr]
        except OSError as why:
            self._not_sent(why.errno or errno.ENETUNREACH, piece)

    def _introduce(self, piece: Any) -> None:
        self.leg.sock.sendmsg([self.preface, piece])  # type: ignore[union-attr]
        self.preface = b""

    def _not_sent(self, number: int, piece: Any) -> None:
        if number in _FULL:
            self._drop("buffer_full")
        elif number == errno.EMSGSIZE:
            self._drop("too_large")
        else:
            self.unreachable(number, piece)

    def _drop(self, why: str) -> None:
        self.cell.datagrams.drops[why] += 1

    def unreachable(self, number: int, piece: Any) -> None:
        """
        The system says that nobody is there: another member gets what went nowhere.

        @param piece: what could not be sent; C{None}: the error is about what was sent before.
        """
        member, pool = self.member, self.pool
        if self.closed or member is None or pool is None:
            return
        member.failures += 1
        member.struck(reason_of(number), self.port.loop.now, self.cell.services)
        if member.latency is not None:
            member.latency.fail(self.port.loop.now)
        again = self.held if piece is None else piece
        self.tried = (*self.tried, member.id)
        moved = len(self.tried) <= pool.attempts and self.choose(pool, self.tried) is None
        if again is None or (not moved and piece is None):
            self._lost(number)
            return
        try:
            # The error is told once: the same member may be there again.
            if self.preface:
                self._introduce(again)
            else:
                self.leg.sock.send(again)  # type: ignore[union-attr]
        except OSError as why:
            if moved:
                self._not_sent(why.errno or errno.ENETUNREACH, again)
            else:
                self._lost(number)

    def _lost(self, number: int) -> None:
        self.held = None
        self._drop("unreachable")
        reasons = self.cell.services.reasons
        reason = reason_of(number)
        reasons[reason] = reasons.get(reason, 0) + 1

    def answer(self, piece: Any) -> None:
        """One from a member."""
        now = self.port.loop.now
        cell = self.cell
        self.used = now
        if self.waiting:
            self.waiting = False
            self.held = None
            if not self._first_at:
                self._first_at = now
            member = self.member
            if member is not None and member.suspect is not None:
                member.answered(0, now, cell.services)
            if member is not None and member.latency is not None:
                member.latency.observe(now, max(0.0, now - self._asked_at))
        size = len(piece)
        try:
            self.port.send(piece, self)
        except OSError as why:
            number = why.errno
            full = number in _FULL
            self._drop(
                "buffer_full" if full
                else "too_large" if number == errno.EMSGSIZE
                else "unreachable"
            )  # fmt: skip
            return
        self.sent_octets += size
        cell.sent += size
        cell.datagrams.sent += 1

    # The end.

    def visit(self, now: float) -> float:
        """See L{fiberlb.relay.timer_wheel.Timed}."""
        port = self.port
        due: float = self.used + (LATE if port.closed else port.cell.plan.timeouts.udp_idle)
        if due > now:
            return due
        self.finish(None)
        return 0.0

    def dismiss(self) -> None:
        """Nothing more is read from the client: an answer that is on its way may still come."""
        if self.waiting:
            self.port.loop.wheel.set(self, self.port.loop.now + LATE)
        else:
            self.finish(None)

    def leave_if_idle(self) -> None:
        """The process ends: an answer is waited for, not for long."""
        if not self.waiting or self.used + LATE <= self.port.loop.now:
            self.finish(None)

    def cut_short(self) -> None:
        """The process does not wait for it any longer."""
        self.finish("shutting_down")

    def abort(self) -> None:
        """The process ends."""
        self.finish("shutting_down")

    def end(self) -> None:
        """The member is not the one any more that this client should talk to."""
        self.finish("member_closed")

    def finish(self, reason: str | None) -> None:
        """It is over: log it and let go of everything."""
        if self.closed:
            return
        member = "" if self.member is None else self.member.name
        self.forget()
        if self.leg is not None:
            self.leg.close()
        self.port.note(self, member, reason)
        self.port.rest()

    def forget(self) -> None:
        """Leave the tables; the socket to the member stays."""
        self.closed = True
        port = self.port
        port.loop.wheel.remove(self)
        port.flows.pop(self.key, None)
        self._leave_member()
        self.cell.left()

    def times(self) -> tuple[float, float]:
        """Seconds from the first question to the first answer (0: none came), and of all of it."""
        response = self._first_at - self.started if self._first_at else 0.0
        return max(0.0, response), max(0.0, self.port.loop.now - self.started)
