"""
What changes while traffic flows, kept apart from the snapshot.

Members and pools (L{fiberlb.relay.pool_state}) have one state object each for as long
as their id is configured, whatever snapshots come and go: idle connections, balancer
position, health and figures survive a change. Connections hold a listener's
L{Cell} and read C{cell.plan} at each request, never a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fiberlb.model.bounds import Limits, Timeouts
from fiberlb.model.convert import overlaid
from fiberlb.relay.agreement import agreeing
from fiberlb.relay.datagram_figures import Datagrams
from fiberlb.relay.pool_state import PoolState
from fiberlb.relay.splitting import Choice, SplitCookie
from fiberlb.relay.tls_connection import TlsConnection
from fiberlb.routing.actions import Decision
from fiberlb.snapshot import ListenerPlan
from fiberlb.treatment.draft import Surroundings
from fiberlb.treatment.treatment import Treatment, treatment
from fiberlb.wire.forwarded import is_claim
from fiberlb.wire.request_head import ParsedRequest


class Route:
    """
    A decision with what it needs at hand; made once per plan and decision.

    @ivar pool: C{None}: FiberLB answers by itself, or C{choice} says who gets the request.
    @ivar choice: L{fiberlb.relay.splitting.Choice}, also of the routes that it chooses from: what
        was chosen for one request is not for the next one. C{None}: there is none.
    @ivar timeouts: the listener's, the pool's and the policy's, in this order.
    @ivar treatment: what is done to requests and answers; C{None}: nothing.
    """

    __slots__ = ("choice", "decision", "policy", "pool", "timeouts", "treatment")

    def __init__(
        self,
        decision: Decision,
        pool: PoolState | None,
        timeouts: Timeouts,
        treatment: Treatment | None = None,
    ) -> None:
        self.decision = decision
        self.pool = pool
        self.choice: Any = None
        self.policy = decision.policy_name
        self.timeouts = timeouts
        self.treatment = treatment


class Plan:
    """
    What a listener does with its connections, until the next change.

    @ivar decide: request -> L{Decision}; not called where C{only} is set.
    @ivar only: the one route when no policy can match.
    @ivar heads: what connections of strangers have begun with lately, and what it means.
    @ivar trusted: whether a peer's forwarded fields are believed.
    @ivar introduced: connections begin with a PROXY header.
    @ivar speaks_http, passes_tls: as the listener's, looked at for each connection.
    @ivar hides: rules look at such fields, and are not to see those of others.
    @ivar allowed: whether a peer may connect; C{None}: everyone may.
    @ivar client_limit: connections of one client; -1: any number.
    @ivar guarded: not everybody may connect (L{fiberlb.relay.welcome}).
    @ivar client_fields: names of the fields that tell members of the client's certificate.
    @ivar treatment: what is done to answers of ours that have no route.
    @ivar receive_tls: makes the connection of a client that speaks TLS, as L{TlsConnection}.
    """

    __slots__ = (
        "_around",
        "_pools",
        "_routes",
        "allowed",
        "client_fields",
        "client_limit",
        "decide",
        "guarded",
        "heads",
        "hides",
        "insert",
        "introduced",
        "limits",
        "name",
        "only",
        "passes_tls",
        "port",
        "receive_tls",
        "secure",
        "source",
        "speaks_http",
        "timeouts",
        "treatment",
        "trusted",
    )

    def __init__(
        self,
        source: ListenerPlan,
        pools: Mapping[str, PoolState],
        trusted: Callable[[str], bool] | None,
        allowed: Callable[[str], bool] | None,
        insert: tuple[str, ...],
        client_fields: tuple[str, ...] = (),
        around: Surroundings | None = None,
    ) -> None:
        self.source = source
        self.name = source.listener.name
        self.port = source.listener.port or 0
        self.introduced = source.listener.accept_proxy_protocol
        self.secure = source.tls is not None
        self.speaks_http = source.listener.speaks_http
        self.passes_tls = source.listener.passes_tls
        self.receive_tls: Callable[..., TlsConnection] = TlsConnection
        self.limits: Limits = source.limits
        self.timeouts: Timeouts = source.timeouts
        self.decide = source.routes.decide
        self.hides = any(map(is_claim, source.routes.fields))
        self.trusted = trusted
        self.allowed = allowed
        self.client_limit = source.listener.client_connection_limit
        self.guarded = allowed is not None or self.client_limit >= 0
        self.insert = insert
        self.client_fields = client_fields
        self._pools = pools
        self._around = around or Surroundings(None, pools)
        self.treatment = treatment(source.listener, None, None, self._around)
        self._routes: dict[Decision, Route] = {}
        self.heads: dict[bytes, ParsedRequest] = {}
        only = source.routes.only
        client = source.tls.client if source.tls else None
        if client is not None:
            only = None
            self.decide = agreeing(self.decide, client)
        self.only = None if only is None else self.route(only)

    def route(self, decision: Decision) -> Route:
        """The route of a decision; decisions are shared, so this is a look-up."""
        found = self._routes.get(decision)
        if found is None:
            chosen = decision.pools or decision.failover_pool_id
            found = self._choosing(decision) if chosen else self._to(decision, decision.pool_id)
            self._routes[decision] = found
        return found

    def _to(self, decision: Decision, ident: str | None) -> Route:
        pool = self._pools.get(ident) if ident else None
        levels = (pool.plan.pool.timeouts if pool else (), decision.timeouts)
        timeouts = overlaid(self.timeouts, *levels)
        configured = pool.plan.pool if pool else None
        treated = treatment(self.source.listener, configured, decision.policy, self._around)
        return Route(decision, pool, timeouts, treated)

    def _choosing(self, decision: Decision) -> Route:
        """The route of a decision that leaves a choice of pools."""
        weights = decision.pools or ((decision.pool_id or "", 1),)
        routes = [self._to(decision, ident) for ident, _ in weights]
        first = routes[0].pool
        assert first is not None
        instead = decision.failover_pool_id
        failover = self._to(decision, instead) if instead else None
        shares = [weight for _, weight in weights]
        kept, cookie = decision.persistence, None
        if kept is not None:
            names = [ident for ident, _ in weights]
            cookie = SplitCookie(kept, names, shares, first.memory, self.secure)
        all_routes = [*routes, *([failover] if failover is not None else [])]
        alike = not any(_treats(route.pool) for route in all_routes)
        choice = Choice(routes, shares, failover, cookie, first.sources.random(), alike)
        made = Route(decision, None, self.timeouts)
        for route in (made, *all_routes):
            route.choice = choice
        return made


def _treats(pool: PoolState | None) -> bool:
    """Whether something is done to requests for this pool that is not done for others."""
    return pool is not None and any(one is not None for one in pool.plan.pool.treatments)


class Cell:
    """
    A listener as its connections see it.

    @ivar plan: read anew for each request.
    @ivar draining: answers end their connections, or some do (L{Cell.ends}).
    @ivar connections: open now.
    @ivar accepted: connections so far.
    @ivar requests: requests so far.
    @ivar answers: requests that have ended, by the first digit of the answer's status; 0: none.
    @ivar sent, received: octets of bodies to and from clients so far.
    @ivar bound: L{fiberlb.relay.bound.Bound}; C{None} without a limit of connections.
    @ivar relief: L{fiberlb.relay.shedding.Shedding}, while the process is too slow; else C{None}.
    @ivar datagrams: what UDP listeners count beside.
    @ivar log: where requests are written down.
    @ivar services: what connections need of the process.
    """

    __slots__ = (
        "accepted",
        "answers",
        "bound",
        "connections",
        "datagrams",
        "draining",
        "id",
        "log",
        "plan",
        "received",
        "relief",
        "requests",
        "sent",
        "services",
    )

    def __init__(self, ident: str, plan: Plan, log: Any, services: Any) -> None:
        self.id = ident
        self.plan = plan
        self.log = log
        self.services = services
        self.draining = False
        self.connections = 0
        self.accepted = 0
        self.requests = 0
        self.answers = [0] * 10
        self.sent = 0
        self.received = 0
        self.bound: Any = None
        self.relief: Any = None
        self.datagrams = Datagrams()

    def left(self, place: Any = None) -> None:
        """
        One of its connections has ended: there may be room for one that waits.

        @param place: L{fiberlb.relay.crowd.Place} of its client, if it has one.
        """
        self.connections -= 1
        if place is not None:
            place.left()
        if self.bound is not None:
            self.bound.left()

    def ends(self) -> bool:
        """Whether an answer ends its connection, while C{draining}."""
        relief = self.relief
        return True if relief is None else bool(relief.ends())

    def figures(self) -> dict[str, int]:
        """What it has counted, by name."""
        answers = self.answers
        return {
            "connections": self.connections,
            "accepted": self.accepted,
            "requests": self.requests,
            "answers_none": answers[0],
            "answers_1xx": answers[1],
            "answers_2xx": answers[2],
            "answers_3xx": answers[3],
            "answers_4xx": answers[4],
            "answers_5xx": sum(answers[5:]),
            "sent": self.sent,
            "received": self.received,
            **(self.datagrams.figures() if self.datagrams.received else {}),
        }
