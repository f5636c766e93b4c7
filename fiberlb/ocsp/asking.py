"""
One question to a responder over HTTP (RFC 6960, appendix A).

What answers may be anybody: the way to a responder is not protected, only the
answer is, by its signature. So everything is bounded, and nothing is followed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, succeed
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer

from fiberlb import __version__
from fiberlb.model.ocsp import MOST_RESPONSE

#: Seconds for all of it.
PATIENCE = 15.0

#: An address and a request to the octets of a response.
Ask = Callable[[str, bytes], Awaitable[bytes]]


class Unanswered(Exception):
    """No response has come; the message is a sentence about the responder."""


_DONE = Failure(ResponseDone())


class _Loses(Protocol):
    def loseConnection(self) -> None:
        """Close."""


def asker(reactor: Any) -> Ask:
    """
    What asks by way of a reactor, without a proxy, each time on a connection of its own.

    Twisted's agent as it is: C{treq} would unpack what is compressed, to any size.
    """
    pool = HTTPConnectionPool(reactor, persistent=False)
    agent = Agent(reactor, connectTimeout=PATIENCE, pool=pool)

    async def ask(url: str, request: bytes) -> bytes:
        body = _Body()
        work = Deferred.fromCoroutine(_asked(agent, body, url, request))
        try:
            return await work.addTimeout(PATIENCE, reactor)
        except Unanswered:
            raise
        except TimeoutError:
            raise Unanswered(f"did not answer in {PATIENCE:.0f} s") from None
        except CancelledError:
            raise
        except Exception as why:
            if _given_up(why):
                raise Unanswered(f"did not answer in {PATIENCE:.0f} s") from None
            raise Unanswered(f"cannot be reached: {_words(why)}") from None
        finally:
            body.leave()
            # Where its head was enough, nobody minds how the rest ends.
            body.done.addErrback(lambda why: None)

    return ask


async def _asked(agent: Any, body: _Body, url: str, request: bytes) -> bytes:
    headers = Headers(
        {"Content-Type": ["application/ocsp-request"], "User-Agent": [f"FiberLB/{__version__}"]}
    )
    answer = await agent.request(b"POST", url.encode("ascii"), headers, _Question(request))
    answer.deliverBody(body)
    if answer.code != 200:
        raise Unanswered(f"answered with status {answer.code}")
    return await body.done


@implementer(IBodyProducer)
class _Question:
    """What is sent, at once."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer: Any) -> Deferred[None]:
        """Send it."""
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        """It is sent already."""

    def resumeProducing(self) -> None:
        """It is sent already."""

    def stopProducing(self) -> None:
        """It is sent already."""


class _Body(TwistedProtocol):
    """What an answer holds, as far as it may."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred()
        self._pieces: list[bytes] = []
        self._left = MOST_RESPONSE

    def dataReceived(self, data: bytes) -> None:
        """Another piece."""
        if self.done.called:
            return
        self._left -= len(data)
        if self._left < 0:
            self._pieces.clear()
            self.done.errback(Unanswered("sent more than a response can have"))
            self.leave()
            return
        self._pieces.append(data)

    def connectionLost(self, reason: Failure = _DONE) -> None:
        """That was all, or it was cut."""
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(b"".join(self._pieces))
        else:
            self.done.errback(Unanswered("was cut off in its answer"))

    def leave(self) -> None:
        """Nothing more is wanted."""
        transport: _Loses | None = getattr(self, "transport", None)
        if transport is not None:
            transport.loseConnection()


def _given_up(why: Exception) -> bool:
    """Whether a connection has failed because nobody waited for it any longer."""
    reasons = getattr(why, "reasons", ())
    return isinstance(why, ConnectingCancelledError) or any(
        r.check(CancelledError) for r in reasons
    )


def _words(why: Exception) -> str:
    reasons = getattr(why, "reasons", None)
    first = reasons[0].value if reasons else why
    text = "".join(c if c.isprintable() else " " for c in str(first) or type(first).__name__)
    return text if len(text) <= 200 else text[:199] + "…"
