"""
Questions to other servers over HTTP, each with a bound on its time and on its answer.

Twisted's agent as it is: C{treq} would unpack what is compressed, to any size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers

#: Idle connections to one server.
_IDLE: Final = 16
#: Seconds for which an idle connection stays; servers close theirs after five or more.
_IDLE_FOR: Final = 4.0

Fields = list[tuple[bytes, bytes]]


class Unanswered(Exception):
    """There is no usable answer; a sentence about the server."""


@attrs.frozen
class Answer:
    """
    What a server has said.

    @ivar fields: name and value, as they came.
    """

    status: int
    fields: Fields
    body: bytes


#: An address, further fields, the most octets of a body, the seconds for all of it -> the answer.
#: Fails with L{Unanswered} only; may be cancelled.
Ask = Callable[[str, Iterable[tuple[bytes, bytes]], int, float], Deferred[Answer]]


def asker(reactor: Any) -> Ask:
    """What asks by C{GET} by way of a reactor; it keeps connections, and follows no redirects."""
    pool: Any = HTTPConnectionPool(reactor, persistent=True)
    pool.maxPersistentPerHost = _IDLE
    pool.cachedConnectionTimeout = _IDLE_FOR
    agent: Any = Agent(reactor, connectTimeout=30, pool=pool)

    def ask(
        url: str, fields: Iterable[tuple[bytes, bytes]], most: int, patience: float
    ) -> Deferred[Answer]:
        work = Deferred.fromCoroutine(_asked(agent, url, fields, most))
        return work.addTimeout(patience, reactor, lambda why, limit: _late(why, limit))

    def _late(why: Any, limit: float) -> Any:
        raise Unanswered(f"has not answered within {limit:g} s")

    return ask


async def _asked(agent: Any, url: str, fields: Iterable[tuple[bytes, bytes]], most: int) -> Answer:
    headers = Headers()
    for name, value in fields:
        headers.addRawHeader(name, value)
    try:
        answer = await agent.request(b"GET", url.encode("ascii"), headers)
        body = _Body(most)
        answer.deliverBody(body)
        content = await body.done
    except Unanswered:
        raise
    except Exception as why:
        raise Unanswered(f"cannot be asked: {_words(why)}") from None
    found = [(name, v) for name, vs in answer.headers.getAllRawHeaders() for v in vs]
    return Answer(answer.code, found, content)


def _words(why: Exception) -> str:
    reasons = getattr(why, "reasons", None)
    first = reasons[0].value if reasons else why
    text = "".join(c if c.isprintable() else " " for c in str(first) or type(first).__name__)
    return text[:200]


class _Body(Protocol):
    """What an answer holds, as far as it may."""

    def __init__(self, most: int) -> None:
        self.done: Deferred[bytes] = Deferred(lambda done: self._leave())
        self._pieces: list[bytes] = []
        self._left = most

    def dataReceived(self, data: bytes) -> None:
        """Another piece."""
        self._left -= len(data)
        if self._left >= 0:
            self._pieces.append(data)
        elif not self.done.called:
            self.done.errback(Unanswered("has sent too long an answer"))
            self._leave()

    def connectionLost(self, reason: Failure = Failure(ResponseDone())) -> None:  # noqa: B008
        """That was all, or it was cut."""
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(b"".join(self._pieces))
        else:
            self.done.errback(Unanswered("was cut off in its answer"))

    def _leave(self) -> None:
        transport: Any = self.transport
        if transport is not None:
            getattr(transport, "abortConnection", transport.loseConnection)()
