"""What is known of one member while traffic flows."""

from __future__ import annotations

import socket
from typing import Any, Final

from fiberlb.balancing.peak_ewma import Average
from fiberlb.model.addresses import UNIX
from fiberlb.model.passive_health import PassiveHealth
from fiberlb.model.pool import Member
from fiberlb.relay.outlier_count import Tally
from fiberlb.tls.member_link import MemberLink, PoolTls
from fiberlb.wire.host_line import named

#: Since when a member is up that did not come up while this process served.
FROM_THE_START: Final = float("-inf")
#: What a member is there for: everything; clients that stay with it; nothing.
READY: Final = 0
DRAIN: Final = 1
MAINTENANCE: Final = 2


class MemberState:
    """
    One member.

    @ivar up: it may be chosen; what the health checks said last.
    @ivar address: for C{connect}: a pair, or the path of a Unix socket.
    @ivar host: what it is called where it is asked by its own name.
    @ivar home: while connections are worth keeping, one object for as long as they go to
        the same server in the same way; C{None} when the member has gone.
    @ivar link: TLS to it; C{None}: it is spoken to plainly.
    @ivar idle: connections to it that wait for a request, the newest last.
    @ivar gone: it is no longer configured; its connections are not kept.
    @ivar in_flight: requests, or relayed connections, running now.
    @ivar sessions: open connections.
    @ivar requests: requests, or relayed connections, begun.
    @ivar failures: connections refused, broken or timed out.
    @ivar room: what bounds C{in_flight} (L{fiberlb.relay.room.Room}); C{None}: nothing does.
    @ivar relays: connections relayed to it now.
    @ivar mode: C{READY}, C{DRAIN} or C{MAINTENANCE}.
    @ivar until: when what is left on it is ended, on the loop's clock.
    @ivar weight: its share of the traffic, as configured or as somebody has set it since.
    @ivar latency: how long it takes to answer; C{None} where nobody wants to know.
    @ivar tally: what it has failed at; C{None}: nobody minds.
    @ivar suspect: the same while its answers are to be looked at (L{answered}).
    @ivar since: when it came up, on the loop's clock; C{-inf}: it has been up from the start.
    """

    __slots__ = (
        "_configured",
        "_keeps",
        "_override",
        "address",
        "failures",
        "family",
        "gone",
        "home",
        "host",
        "id",
        "idle",
        "in_flight",
        "latency",
        "link",
        "mode",
        "name",
        "relays",
        "requests",
        "room",
        "sessions",
        "since",
        "suspect",
        "tally",
        "until",
        "up",
        "weight",
    )

    def __init__(self, member: Member, up: bool, tls: PoolTls | None = None) -> None:
        self.id = member.id
        self.name = member.name
        self.idle: list[Any] = []
        self.up = up
        self.gone = False
        self.in_flight = 0
        self.sessions = 0
        self.requests = 0
        self.failures = 0
        self.room: Any = None
        self.latency: Average | None = None
        self.relays: set[Any] = set()
        self.mode = READY
        self.until = float("inf")
        self.weight = self._configured = member.weight
        self._override: int | None = None
        self._keeps = True
        self.since = FROM_THE_START
        self.tally: Tally | None = None
        self.suspect: Tally | None = None
        self.address: Any = ("", 0)
        self.home: object = None
        self.link: MemberLink | None = None
        self.family = int(socket.AF_INET)
        self.describe(member, tls)

    @property
    def full(self) -> bool:
        """It takes no more for now."""
        return self.room is not None and self.room.full()

    def describe(self, member: Member, tls: PoolTls | None = None) -> None:
        """
        Take the name and address of a changed member, and the TLS of its pool.

        Idle connections to another address, or made with other TLS, go.
        """
        self.name = member.name
        self._configured = member.weight
        self.weight = member.weight if self._override is None else self._override
        unix = member.address.startswith(UNIX)
        address: Any = member.address.removeprefix(UNIX) if unix else member.place
        before = None if self.link is None else self.link.tls
        if address != self.address or tls is not before:
            self.drop_idle()
            self.address = address
            self.forgive()
            self._settle()
            self.link = None if tls is None else MemberLink(tls, member.identity)
        self.host = named(member.identity, member.place[1], 80 if tls is None else 443)
        if unix:
            self.family = int(socket.AF_UNIX)
        else:
            self.family = int(socket.AF_INET6 if ":" in member.address else socket.AF_INET)

    def order(self, mode: int, until: float, weight: int | None) -> bool:
        """
        Be there for this from now on.

        @param until: when what is left is ended, on the loop's clock.
        @param weight: C{None}: the configured one.
        @return: whether anything has changed for whoever chooses.
        """
        wanted = self._configured if weight is None else weight
        changed = mode != self.mode or wanted != self.weight
        self._override = weight
        self.weight = wanted
        self.until = until
        if mode != self.mode:
            self.mode = mode
            self._settle()
            if mode != READY:
                self.drop_idle()
        return changed

    def keep(self, keeps: bool) -> None:
        """Whether its connections may serve one client after the other."""
        self._keeps = keeps
        self._settle()

    def _settle(self) -> None:
        """One that is about to stop is left no connections that wait."""
        keeps = self._keeps and self.mode == READY and not self.gone
        self.home = self.address if keeps else None

    # Failures.

    def judge(self, policy: PassiveHealth | None) -> None:
        """How many failures are too many; what was counted by another measure is forgotten."""
        tally = self.tally
        if policy is None:
            self.tally = self.suspect = None
        elif tally is None or tally.policy != policy:
            self.tally = Tally(policy)
            self.forgive()

    def forgive(self) -> None:
        """Forget what it has failed at."""
        tally = self.tally
        if tally is not None:
            tally.clear()
            self.suspect = tally if tally.always else None

    def struck(self, cause: str, begun: float, services: Any) -> None:
        """
        It has failed a request; control is told when these are too many.

        @param cause: the reason code, or the status.
        @param begun: when the request came, on the loop's clock; from before it came up it
            says nothing.
        @param services: L{fiberlb.relay.services.Services}.
        """
        tally = self.tally
        if tally is None or not self.up or begun < self.since or cause == "overloaded":
            return
        self.suspect = tally
        told = tally.failed(cause, services.loop.now)
        if told:
            services.suspect(self.id, cause, told)

    def answered(self, status: int, begun: float, services: Any) -> None:
        """It has answered, with this status (0: not by HTTP); to be called while C{suspect}."""
        tally = self.tally
        if tally is None:
            self.suspect = None
        elif status and tally.counts(status):
            self.struck(f"status {status}", begun, services)
        else:
            tally.good(services.loop.now)
            if not tally.always:
                self.suspect = None

    def retire(self) -> None:
        """It is no longer configured: what runs may finish, nothing is kept."""
        self.gone = True
        self.home = None
        self.drop_idle()

    def end_relays(self) -> None:
        """End the relayed connections, so that their clients connect anew."""
        for relay in list(self.relays):
            relay.end()

    def drop_idle(self) -> None:
        """Close the connections that wait."""
        idle, self.idle = self.idle, []
        for upstream in idle:
            upstream.discard()
