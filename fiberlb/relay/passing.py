"""
TLS passed through: the hello is read, a member is chosen by it, and both are joined.

Nothing is decrypted. The member gets every octet that the client has sent, the
hello first; a client that cannot be served is told so by a TLS alert, as a
server would.
"""

from __future__ import annotations

from typing import Any, Final

from fiberlb.relay.connection import NEVER, Connection
from fiberlb.relay.lingering import Lingering
from fiberlb.relay.loop import READ
from fiberlb.relay.runtime import Cell
from fiberlb.relay.tcp import Session
from fiberlb.relay.welcome import unwelcome
from fiberlb.routing.request import Request
from fiberlb.wire import client_hello
from fiberlb.wire.client_hello import ClientHello, HelloRefused

#: What the client is told, by reason code; a fault of ours or of the members by default.
_ALERTS: Final = {
    "no_route": client_hello.UNRECOGNIZED_NAME,
    "rate_limited": client_hello.ACCESS_DENIED,
    "rejected": client_hello.ACCESS_DENIED,
}
#: Ends that leave nothing to tell: a client that is refused by its address or its silence, and
#: a process that is about to end.
_SILENT: Final = frozenset({"denied_address", "header_timeout", "shutting_down"})


class Passing(Session):
    """One client of a listener that passes TLS through; logged as one line when it ends."""

    __slots__ = ("_alert", "_hello")

    def __init__(self, cell: Cell, peer: str, peer_port: int) -> None:
        super().__init__(cell, peer, peer_port)
        self._hello: ClientHello | None = None
        self._alert = client_hello.INTERNAL_ERROR

    def attach(self, conn: Connection) -> None:
        """The client is there: wait for its hello."""
        self.conn = conn
        self.started = conn.loop.now
        plan = self.cell.plan
        why = unwelcome(self, plan) if plan.guarded else ""
        if why:
            self.refuse(why)
            return
        limit = plan.timeouts.client_header
        conn.hasten(NEVER if limit is None else conn.loop.now + limit)

    def _begin(self) -> None:
        """What counts as a request: a client that has said something, or was refused."""
        if not self.busy:
            self.busy = True
            self.cell.requests += 1
            self.head_at = self.conn.loop.now

    def received(self, data: bytes) -> None:
        """A piece of the hello."""
        hello = self._hello
        if hello is None:
            hello = self._hello = ClientHello()
        self.received_octets += len(data)
        try:
            whole = hello.feed(data)
        except HelloRefused as why:
            self._alert = why.alert
            self.detail = why.detail
            self.refuse("bad_request")
            return
        if whole:
            self._route(hello)

    def _route(self, hello: ClientHello) -> None:
        """The hello is there: who gets it."""
        conn = self.conn
        self._begin()
        self._hello = None
        conn.pause()
        conn.hasten(NEVER)
        self.first = hello.raw
        # Counted again by the tunnel.
        self.received_octets = 0
        name = hello.server_name
        self.sni = None if name is None else name.lower().removesuffix(b".")
        self.alpn = hello.protocols
        plan = self.cell.plan
        route = plan.only or plan.route(plan.decide(self._request()))
        if route.choice is not None:
            route = route.choice.choose(self)
        self.route = route
        if route.pool is None:
            self.refuse(route.decision.reason or "no_route")
        else:
            self.begin(route)

    def _request(self) -> Request:
        """The connection as rules look at it."""
        plan = self.cell.plan
        port, client = plan.port, self.client
        return Request(b"", b"/", b"", b"\r\n", self.sni, True, port, client, self.alpn)

    def refuse(self, reason: str, status: int | None = None) -> None:
        """Tell the client by an alert, where it would understand one."""
        self._begin()
        number = _ALERTS.get(reason, self._alert)
        if self._silent(reason, number):
            self.conn.reset()
        else:
            conn = self.conn
            conn.write(client_hello.alert(number))
            self.sent_octets = len(client_hello.alert(number))
            # What the client has sent on may not be read, and the alert would be lost to a reset.
            Lingering(conn)
        self.over(reason)

    def _silent(self, reason: str, number: int) -> bool:
        conn: Any = self.conn
        return reason in _SILENT or not number or conn.closed

    def ended(self) -> None:
        """The client has ended before its hello was whole."""
        self.conn.close()
        if self._hello is None:
            self._leave()
        else:
            self._begin()
            self.over("client_abort")

    def lost(self) -> None:
        """The client went away, perhaps while a member was being connected."""
        if self.busy or self._hello is not None:
            self._begin()
            super().lost()
        else:
            self._leave()

    def _leave(self) -> None:
        """Somebody has connected and said nothing, as health checks do."""
        self.cell.left(self.place)

    def expired(self, now: float) -> None:
        """The hello takes too long; after it the attempt has a deadline of its own."""
        if self.busy or not self.conn.events & READ:
            self.conn.deadline = NEVER
        else:
            self.refuse("header_timeout")

    def leave_if_idle(self) -> None:
        """A client that has said nothing is told to go; one that waits for a member is not."""
        if not self.busy and self._hello is None and not self.conn.closed:
            self.conn.close()
            self._leave()
