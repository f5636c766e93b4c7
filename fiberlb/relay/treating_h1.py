"""Requests on routes with a treatment that looks at each of them: gates, then edits."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from fiberlb.errors import Fault
from fiberlb.relay.connection import NEVER
from fiberlb.relay.mirrored import copy, too_large
from fiberlb.relay.runtime import Cell, Plan, Route
from fiberlb.relay.uploading_h1 import Uploading
from fiberlb.routing.request import Request
from fiberlb.treatment.draft import Reply
from fiberlb.treatment.mirroring import Mirror


class Treating(Uploading):
    """The part of a client connection between the choice of a route and that of a member."""

    __slots__ = ("mirror",)

    def __init__(self, cell: Cell, peer: str, peer_port: int) -> None:
        super().__init__(cell, peer, peer_port)
        self.mirror: Mirror | None = None

    def whole(self) -> None:
        """See L{Uploading.whole}; now there is something to be copied, where it was to be."""
        mirror, self.mirror = self.mirror, None
        if mirror is not None and self.busy:
            if self.held is None:
                too_large(mirror)
            else:
                copy(self, mirror, self.out + b"".join(self.held))
        super().whole()

    def believed(self, plan: Plan, authority: bytes) -> Request:
        """The request in progress, as gates look at it."""
        raise AssertionError

    def treat(self, route: Route) -> None:
        """
        Have the gates look at the request, then send it on.

        Refusals, and what FiberLB answers without a policy having said so (the redirect of a
        whole listener to https, challenges of an authority), pass no gate: there is nothing
        behind it to be guarded.
        """
        if not self.left and self.chunks is None:
            self.conn.deadline = NEVER
        treatment, decision = route.treatment, route.decision
        assert treatment is not None
        guarded = route.pool is not None or (
            decision.policy is not None and decision.reason is None
        )
        if not treatment.gates or not guarded:
            self._pass_on(route, False)
            return
        plan = self.plan
        assert plan is not None
        self.ask_gates(route, self.believed(plan, self.authority), 0, False)

    def ask_gates(self, route: Route, request: Request, number: int, waited: bool) -> None:
        """The gates from this one on; C{waited}: an earlier one has taken its time."""
        treatment = route.treatment
        assert treatment is not None
        gates = treatment.gates
        while number < len(gates):
            found = gates[number](self, request)
            number += 1
            if isinstance(found, Deferred):
                wait = Wait(self, route, request, number, found)
                self.waiting = wait
                wait.begin()
                return
            if found is not None:
                self._answer_with(found)
                return
        self._pass_on(route, waited)

    def _answer_with(self, reply: Reply) -> None:
        self.skip_body()
        self.reply(reply)

    def decided(self, route: Route, request: Request, number: int, found: Any) -> None:
        """A gate that was waited for has found out; C{number}: of the next one."""
        if found is None:
            self.ask_gates(route, request, number, True)
        else:
            self._answer_with(found)

    def _pass_on(self, route: Route, waited: bool) -> None:
        treatment = route.treatment
        assert treatment is not None
        try:
            self.out = treatment.request(self, self.out)
        except Fault as fault:
            self.detail = fault.detail
            self.refuse(fault.reason)
            return
        if route.pool is None:
            self.skip_body()
            self.answer(route, self.authority)
            return
        mirror = treatment.mirror
        if mirror is None or self.upgrade or not mirror.wants():
            self.dispatch()
        elif self.left or self.chunks is not None:
            # What is held for sending it again is held for the copy, too.
            self.held = []
            self.mirror = mirror
            self.dispatch()
        else:
            out = self.out
            self.dispatch()
            copy(self, mirror, out)
        if self.busy and (self.left or self.chunks is not None):
            data, self.buffer = self.buffer, b""
            if waited:
                self._begin_body()
                if not self.half_closed:
                    self.conn.resume()
            if data:
                self.take_body(data)


class Wait:
    """A request that waits for a gate; it stands where a queue does for others."""

    def __init__(
        self, exchange: Treating, route: Route, request: Request, number: int, found: Any
    ) -> None:
        self._exchange: Treating | None = exchange
        self._route = route
        self._request = request
        self._number = number
        self._found = found

    def begin(self) -> None:
        """Go on when the gate knows; perhaps it does already."""
        self._found.addCallbacks(self._decided, self._failed)

    def leave(self, exchange: Any) -> None:
        """The exchange waits no longer: the client is gone, or the process ends."""
        self._exchange = None
        exchange.waiting = None
        self._found.cancel()

    def _left(self) -> Treating | None:
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.waiting = None
        return exchange

    def _decided(self, found: Any) -> None:
        exchange = self._left()
        if exchange is None:
            return
        try:
            exchange.decided(self._route, self._request, self._number, found)
        except Exception:
            exchange.conn.loop.fault(exchange.conn)

    def _failed(self, why: Any) -> None:
        exchange = self._left()
        if exchange is None or why.check(CancelledError) is not None:
            return
        try:
            exchange.detail = f"a gate has failed: {why.type.__name__}"
            exchange.refuse("internal")
        except Exception:
            exchange.conn.loop.fault(exchange.conn)
