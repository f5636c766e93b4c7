"""The HTTP check: one request on a connection of its own, and what must come back."""

from __future__ import annotations

from typing import Any

from treq.client import HTTPClient
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import HTTPConnectionPool, ProxyAgent, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer, IResponse
from zope.interface import implementer

from fiberlb.health.checks.failure import CheckFailed, explain
from fiberlb.health.checks.target import Check, addressee, authority, endpoint
from fiberlb.health.checks.tls import TlsOf, secured
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member
from fiberlb.model.quantities import Codes

#: Bytes of a body that are read, and thrown away. An answer that is longer was not made for
#: checks: reading on could take this process's time for as long as the timeout allows.
BODY_LIMIT = 1024 * 1024

#: Octets of an answer up to the end of its head, informational answers before it included, and as
#: a whole. Each field, each of those answers and each chunk costs far more than the member that
#: sends it.
HEAD_LIMIT = 128 * 1024
WHOLE_LIMIT = 2 * BODY_LIMIT

USER_AGENT = "fiberlb-health-check"


@implementer(IAgent)
class _Verbatim:
    """
    Sends the target and the fields of the monitor, whatever URL and fields it is given.

    A URL would be taken apart and put together again on its way, and the client
    above adds C{Accept-Encoding}; a check sends what its monitor says, byte by byte.
    """

    def __init__(self, agent: IAgent, uri: bytes, headers: Headers) -> None:
        self._agent = agent
        self._uri = uri
        self._headers = headers

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        sent = self._agent.request(method, self._uri, self._headers, bodyProducer)
        return sent.addCallback(self._bare)

    @staticmethod
    def _bare(response: IResponse) -> IResponse:
        # The client must not unpack what is thrown away: a small body may unpack to a huge one.
        response.headers.removeHeader(b"Content-Encoding")
        return response


@implementer(IStreamClientEndpoint)
class _Bounded:
    """
    An endpoint whose connection brings no more than it may, and is cut then.

    @ivar left: octets that may still come.
    """

    def __init__(self, endpoint: Any) -> None:
        self._endpoint = endpoint
        self.left = HEAD_LIMIT

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        return self._endpoint.connect(protocolFactory).addCallback(self._bound)

    def _bound(self, protocol: Any) -> Any:
        take = protocol.dataReceived

        def taken(data: bytes) -> None:
            self.left -= len(data)
            if self.left >= 0:
                take(data)
            else:
                protocol.transport.abortConnection()

        protocol.dataReceived = taken
        return protocol

    def explain(self, why: Exception) -> Exception:
        """What is said of a failure, if it is this one."""
        return CheckFailed("answer too long") if self.left < 0 else why


class _Body(Protocol):
    """
    Throws a body away, and looks for what has to stand in it.

    @ivar found: it does.
    @ivar ended: fires at its end; cancelling it closes the connection.
    """

    def __init__(self, limit: int, wanted: bytes = b"") -> None:
        self._left = limit
        self._wanted = wanted
        self._tail = b""
        self.found = not wanted
        self._over = False
        self.ended: Deferred[None] = Deferred(lambda _: self._stop())

    def dataReceived(self, data: bytes) -> None:
        if not self.found:
            seen = self._tail + data
            self.found = self._wanted in seen
            # What is looked for may come in pieces.
            self._tail = seen[-len(self._wanted) :]
        self._left -= len(data)
        if self._left < 0 and not self._over:
            self._stop()
            self.ended.errback(CheckFailed(f"answer longer than {BODY_LIMIT // 1048576}MiB"))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self._over:
            return
        self._over = True
        # Without a length the end of the connection is the end of the body (RFC 9112 6.3).
        if reason.check(ResponseDone, PotentialDataLoss):
            self.ended.callback(None)
        else:
            self.ended.errback(reason)

    def _stop(self) -> None:
        self._over = True
        assert self.transport is not None
        self.transport.loseConnection()


def fields(member: Member, monitor: HealthMonitor, name: str | None = None) -> Headers:
    """
    The header fields of a check's request, apart from those about the connection.

    @param name: the server name that TLS asks for.
    """
    headers = Headers({"User-Agent": [USER_AGENT]})
    for name, value in monitor.headers:
        headers.setRawHeaders(name, [value])
    host = monitor.host_header or name or authority(*addressee(member, monitor))
    headers.setRawHeaders("Host", [host])
    return headers


def http_check(reactor: Any) -> Check:
    """
    Checks that send one request on a new connection.

    Redirects are answers like others, cookies are neither sent nor kept. The
    check ends with the body, of which at most L{BODY_LIMIT} bytes are read.

    @param reactor: has C{IReactorTCP} and C{IReactorTime}.
    """
    # A pool of its own: the global one keeps connections and a timer of minutes.
    pool = HTTPConnectionPool(reactor, persistent=False)

    async def check(member: Member, monitor: HealthMonitor) -> None:
        where = _Bounded(endpoint(reactor, member, monitor))
        try:
            await _asked(reactor, pool, where, fields(member, monitor), monitor)
        except Exception as why:
            raise explain(where.explain(why)) from why

    return check


def https_check(reactor: Any, tls_of: TlsOf) -> Check:
    """
    The same by TLS, with the settings of the pool.

    @param tls_of: finds them.
    """
    pool = HTTPConnectionPool(reactor, persistent=False)

    async def check(member: Member, monitor: HealthMonitor) -> None:
        wrapped, secure = secured(reactor, tls_of, member, monitor)
        where = _Bounded(wrapped)
        lines = fields(member, monitor, secure.server_name)
        try:
            await _asked(reactor, pool, where, lines, monitor)
        except Exception as why:
            raise secure.explain(where.explain(why)) from why

    return check


async def _asked(
    reactor: Any,
    pool: HTTPConnectionPool,
    where: _Bounded,
    lines: Headers,
    monitor: HealthMonitor,
) -> None:
    agent = _Verbatim(
        # The agent for proxies is the one that sends the target as it is given.
        ProxyAgent(where, reactor, pool),
        monitor.url_path.encode("ascii"),
        lines,
    )
    response = await HTTPClient(agent).request(
        monitor.method,
        "http://member/",
        allow_redirects=False,
        unbuffered=True,
        reactor=reactor,
    )
    where.left = WHOLE_LIMIT
    await _judge(response, monitor)


async def _judge(response: IResponse, monitor: HealthMonitor) -> None:
    problem = _problem(response, monitor)
    body = _Body(0 if problem else BODY_LIMIT, (monitor.body_contains or "").encode())
    response.deliverBody(body)
    if problem:
        body.ended.addErrback(lambda _: None)
        body.ended.cancel()
        raise CheckFailed(problem)
    await body.ended
    if not body.found:
        raise CheckFailed("the body does not have what is expected")


def _problem(response: IResponse, monitor: HealthMonitor) -> str | None:
    if response.version[:2] != (b"HTTP", 1):
        return "invalid response"
    if not any(low <= response.code <= high for low, high in monitor.expected_codes):
        return f"status {response.code}, expected {Codes().dump(monitor.expected_codes)}"
    return None
