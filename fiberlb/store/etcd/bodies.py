"""The bodies of a question to an etcd and of its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import IBodyProducer
from zope.interface import implementer


class Cut(Exception):
    """An answer that ended before it was whole."""


@implementer(IBodyProducer)
class Question:
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


class Answer(Protocol):
    """
    An answer, handed on in pieces.

    @ivar ended: fires when it is whole; L{Cut} when it never will be.
    """

    def __init__(self, take: Callable[[bytes], object]) -> None:
        self._take = take
        self._left = False
        self.ended: Deferred[None] = Deferred(lambda _: self.leave())

    def dataReceived(self, data: bytes) -> None:
        """Another piece."""
        if not self._left:
            self._take(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """That was all, or it was cut."""
        if self.ended.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.ended.callback(None)
        else:
            self.ended.errback(Cut())

    def leave(self) -> None:
        """Nothing more is wanted; the connection is closed."""
        self._left = True
        if self.transport is not None:
            self.transport.loseConnection()
