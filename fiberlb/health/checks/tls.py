"""TLS of the checks: the same settings, and the same verification, as the requests have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IHandshakeListener,
    IOpenSSLClientConnectionCreator,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed
from zope.interface import implementer

from fiberlb.health.checks.failure import CheckFailed, explain
from fiberlb.health.checks.target import Check, addressee, endpoint
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member
from fiberlb.tls.member_link import MemberSsl, PoolTls
from fiberlb.tls.words import failure_words

#: What is in use for a pool, by its id: C{fiberlb.tls.member_contexts.MemberContexts.of}.
TlsOf = Callable[[str], PoolTls | None]


@implementer(IOpenSSLClientConnectionCreator)
class Secure:
    """
    TLS of one check, always with a full handshake: a session would hide what has expired.

    @param address: of the member, or its name; what is verified where the pool names no server.
    """

    def __init__(self, tls: PoolTls, address: str, protocols: Sequence[bytes] = ()) -> None:
        """@param protocols: offered by ALPN."""
        self._protocols = list(protocols)
        self._tls = tls
        self._address = address
        self._made: MemberSsl | None = None

    @property
    def server_name(self) -> str | None:
        """The name that is asked for, and looked for."""
        return self._tls.plan.server_name

    def clientConnectionForTLS(self, tlsProtocol: Any) -> SSL.Connection:
        """See Twisted's interface."""
        self._made = made = self._tls.connection(None, self._address)
        if self._protocols:
            made.set_alpn_protos(self._protocols)
        return made

    def explain(self, why: Exception) -> Exception:
        """What an error of a check on this connection means, in words about TLS if it is of TLS."""
        made = self._made
        if made is not None and made.expected.failure:
            return CheckFailed(made.expected.failure)
        cause = why
        if isinstance(why, ResponseFailed) and why.reasons:
            cause = why.reasons[0].value
        if isinstance(cause, SSL.Error) and not isinstance(cause, SSL.SysCallError):
            return CheckFailed(failure_words(cause))
        return explain(why)


def secured(
    reactor: Any,
    tls_of: TlsOf,
    member: Member,
    monitor: HealthMonitor,
    protocols: Sequence[bytes] = (),
) -> tuple[IStreamClientEndpoint, Secure]:
    """
    Where to connect for a check by TLS, and what explains its errors.

    @raise CheckFailed: the pool has no settings of TLS (they are gone with a change).
    """
    tls = tls_of(member.pool_id)
    if tls is None:
        raise CheckFailed("no settings of TLS")
    secure = Secure(tls, addressee(member, monitor)[0], protocols)
    return _Wrapped(reactor, secure, endpoint(reactor, member, monitor)), secure


@implementer(IStreamClientEndpoint)
class _Wrapped:
    """
    An endpoint whose connections speak TLS.

    Twisted's own wrapper keeps what is written for a turn of the global reactor.
    """

    def __init__(self, reactor: Any, secure: Secure, where: Any) -> None:
        self._reactor = reactor
        self._secure = secure
        self._where = where

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        factory = TLSMemoryBIOFactory(self._secure, True, protocolFactory, self._reactor)
        connected: Deferred[Any] = self._where.connect(factory)
        return connected.addCallback(lambda protocol: protocol.wrappedProtocol)


@implementer(IHandshakeListener)
class _Hello(Protocol):
    """Shakes hands, says goodbye."""

    def __init__(self) -> None:
        self.done: Deferred[None] = Deferred(lambda _: self._give_up())

    def _give_up(self) -> None:
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def handshakeCompleted(self) -> None:
        """Verified, or it would not have come to this."""
        assert self.transport is not None
        self.transport.loseConnection()
        if not self.done.called:
            self.done.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Before that: it has failed."""
        if not self.done.called:
            self.done.errback(reason)


def tls_hello_check(reactor: Any, tls_of: TlsOf) -> Check:
    """
    Checks that a member finishes a TLS handshake and is who it should be; nothing is asked.

    @param reactor: has C{IReactorTCP} and C{IReactorTime}.
    """
    factory = Factory.forProtocol(_Hello)
    factory.noisy = False

    async def check(member: Member, monitor: HealthMonitor) -> None:
        where, secure = secured(reactor, tls_of, member, monitor)
        try:
            protocol: Any = await where.connect(factory)
            await protocol.done
        except Exception as why:
            raise secure.explain(why) from why

    return check
