"""
A listener while an authority asks: its challenges are answered, all else goes its way.

A listener's plan is replaced by one that looks for challenges, and by a plain
one again afterwards: at other times nobody looks.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from OpenSSL import SSL

from fiberlb.model.challenges import Challenges
from fiberlb.relay.loop import Loop
from fiberlb.relay.runtime import Plan
from fiberlb.relay.tls_connection import TlsConnection
from fiberlb.routing.actions import Decision
from fiberlb.routing.request import Request
from fiberlb.tls.challenge import ChallengeContexts
from fiberlb.wire.client_hello import MOST, ClientHello, HelloRefused

#: What is good for this moment only.
_FIELDS = b"Content-Type: application/octet-stream\r\nCache-Control: no-store\r\n"
_METHODS = frozenset({b"GET", b"HEAD"})


class Answers:
    """What is answered now, ready to be used by plans."""

    def __init__(self, challenges: Challenges) -> None:
        self._decisions = {
            path.encode(): Decision(status=200, content=body, fields=_FIELDS)
            for path, body in challenges.answers.items()
        }
        self._contexts = (
            ChallengeContexts(challenges.certificates) if challenges.certificates else None
        )

    def within(self, plan: Plan) -> Plan:
        """Have a plan that is not in use yet answer them before all else."""
        if self._decisions:
            only = plan.only.decision if plan.only is not None else None
            plan.decide = _decider(self._decisions, only, plan.decide)
            plan.only = None
        if self._contexts is not None and plan.secure:
            plan.receive_tls = partial(ChallengedConnection, self._contexts)
        return plan


def _decider(
    decisions: Mapping[bytes, Decision],
    only: Decision | None,
    decide: Callable[[Request], Decision],
) -> Callable[[Request], Decision]:
    def chosen(request: Request) -> Decision:
        found = decisions.get(request.uri)
        if found is not None and request.method in _METHODS:
            return found
        return decide(request) if only is None else only

    return chosen


class ChallengedConnection(TlsConnection):
    """
    A TLS connection that looks at the ClientHello before OpenSSL does.

    OpenSSL has the certificate chosen before it tells what ALPN offers, so
    the hello is read without taking it out of the socket.
    """

    __slots__ = ("_contexts", "_peeked")

    def __init__(
        self,
        contexts: ChallengeContexts,
        loop: Loop,
        sock: Any,
        ssl: SSL.Connection,
        side: Any,
        limit: float | None,
    ) -> None:
        super().__init__(loop, sock, ssl, side, limit)
        self._contexts = contexts
        #: Octets seen so far, -1 when there is nothing more to look for.
        self._peeked = 0

    def _opened(self) -> None:
        if self._peeked < 0 or self._look():
            super()._opened()

    def _look(self) -> bool:
        """Whether the handshake can go on: its first message is there, or will never be."""
        try:
            data: bytes = self.sock.recv(MOST, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return self._seen()
        hello = ClientHello()
        try:
            whole = hello.feed(data)
        except HelloRefused:
            # OpenSSL says what is wrong with it.
            return self._seen()
        if not whole and len(data) > self._peeked:
            self._peeked = len(data)
            # What was seen would be reported over and over: not before there is more.
            self._wait_for(len(data) + 1)
            return False
        if whole:
            name = (hello.server_name or b"").lower()
            answering = self._contexts.connection(self.sock, name, hello.protocols)
            if answering is not None:
                self._answer(answering)
        return self._seen()

    def _seen(self) -> bool:
        if self._peeked:
            self._wait_for(1)
        self._peeked = -1
        return True

    def _wait_for(self, octets: int) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, octets)

    def _answer(self, answering: SSL.Connection) -> None:
        """It is a challenge: the handshake is all there is to it (RFC 8737, 3)."""
        self.ssl = answering
        self.recv = answering.recv
        self.send = answering.send
        self.side = _Shown(self, self.side)


class _Shown:
    """The side of a connection that a challenge is answered on."""

    def __init__(self, conn: ChallengedConnection, before: Any) -> None:
        self._conn = conn
        self._before = before

    def connected(self) -> None:
        """The certificate was shown."""
        self._before.leave()
        self._conn.close()

    def refused(self, error: int) -> None:
        """It was not; the connection is closed."""
        self._before.leave()

    def received(self, data: bytes) -> None:
        """Nothing is expected."""

    def ended(self) -> None:
        """The authority has seen it."""

    def drained(self) -> None:
        """All was sent."""

    def lost(self) -> None:
        """The authority has gone."""

    def expired(self, now: float) -> None:
        """Long enough."""
        self._conn.abort()

    def failed(self) -> None:
        """An exception of ours."""
        self._conn.abort()

    def leave_if_idle(self) -> None:
        """Its own patience is short enough."""

    def cut_short(self) -> None:
        """The process does not wait."""
        self._conn.abort()
