"""
One question to one DNS server, and its answer.

The codec is that of twisted.names. Its client is not used: it takes an answer from
anybody who guesses a number of 16 bits, whereas a connected socket is answered by
the server alone, and tells at once when nobody is there.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.protocol import Factory, connectionDone
from twisted.names import dns
from twisted.protocols.basic import Int16StringReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from fiberlb.names.found import Family, Found, NoAnswer, found

#: Seconds for an answer by datagram; asked again in the middle of it.
PATIENCE: Final = 3.0
AGAIN: Final = 1.0
#: Seconds for an answer that was too long for a datagram, by TCP.
STREAM_PATIENCE: Final = 5.0
_LARGEST: Final = 4096
Server = tuple[str, int]


class _Question:
    """What is asked; C{answered} fires with the message, or fails with L{NoAnswer}."""

    def __init__(self, name: str, family: Family, number: int) -> None:
        message = dns.Message(id=number, recDes=1)
        message.addQuery(name.encode("ascii"), int(family))
        self.data = message.toStr()
        self._query = message.queries[0]
        self._number = number

    def answer(self, data: bytes) -> dns.Message | None:
        """What was received, if it answers this; anything else is not minded."""
        message = dns.Message()
        try:
            message.fromStr(data)
        except Exception:
            # Octets of a stranger; the decoder raises whatever it stumbles over.
            return None
        fits = message.answer and message.id == self._number and message.queries == [self._query]
        return message if fits else None


@implementer(IReadDescriptor)
class _Datagram:
    """
    The question by datagram, on a socket of its own, which no answer is taken from but one.

    A reader of the reactor: its UDP ports tell the log of each beginning and end.
    """

    def __init__(self, reactor: Any, server: Server, question: _Question) -> None:
        """@raise OSError: there is no way to the server."""
        self._reactor = reactor
        self._question = question
        self.answered: Deferred[dns.Message] = Deferred(lambda _: self._close())
        family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
        kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        self._socket = socket.socket(family, kind)
        try:
            self._socket.connect(server)
            self._socket.send(question.data)
        except OSError:
            self._socket.close()
            raise
        reactor.addReader(self)
        self._again = reactor.callLater(AGAIN, self._send)

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "names"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends before it."""

    def _send(self) -> None:
        try:
            self._socket.send(self._question.data)
        except OSError as why:
            self._end(NoAnswer(reason_of(why)))

    def doRead(self) -> None:
        """Take what there is, until it is an answer."""
        try:
            while not self.answered.called:
                message = self._question.answer(self._socket.recv(_LARGEST))
                if message is not None:
                    self._end(message)
        except BlockingIOError:
            pass
        except OSError as why:
            self._end(NoAnswer(reason_of(why)))

    def _end(self, result: dns.Message | NoAnswer) -> None:
        self._close()
        if isinstance(result, NoAnswer):
            self.answered.errback(result)
        else:
            self.answered.callback(result)

    def _close(self) -> None:
        if self._again.active():
            self._again.cancel()
        self._reactor.removeReader(self)
        self._socket.close()


def reason_of(why: OSError) -> str:
    """An error of the system in its words, in lower case as within a sentence."""
    text = why.strerror or str(why)
    return text[:1].lower() + text[1:]


class _Stream(Int16StringReceiver):
    """RFC 1035 4.2.2: each message with its length before it."""

    def __init__(self, question: _Question) -> None:
        self._question = question
        self.answered: Deferred[dns.Message] = Deferred(lambda _: self._close())

    def connectionMade(self) -> None:
        self.sendString(self._question.data)

    def stringReceived(self, string: bytes) -> None:
        message = self._question.answer(string)
        if message is not None and not self.answered.called:
            self._close()
            self.answered.callback(message)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.answered.called:
            self.answered.errback(NoAnswer("the server hung up"))

    def missed(self) -> None:
        """There is no connection."""
        if not self.answered.called:
            self.answered.errback(NoAnswer("the answer needs TCP, there is none"))

    def _close(self) -> None:
        if self.transport is not None:
            transport: Any = self.transport
            transport.abortConnection()


def _timed_out(result: object, timeout: float) -> Failure:
    return Failure(NoAnswer("no answer in time"))


def _by_datagram(reactor: Any, server: Server, question: _Question) -> Deferred[dns.Message]:
    return _Datagram(reactor, server, question).answered.addTimeout(PATIENCE, reactor, _timed_out)


async def _by_stream(reactor: Any, server: Server, question: _Question) -> dns.Message:
    protocol = _Stream(question)
    factory: Any = Factory()
    factory.noisy = False
    factory.buildProtocol = lambda address: protocol
    factory.clientConnectionFailed = lambda connector, reason: protocol.missed()
    factory.clientConnectionLost = lambda connector, reason: None
    factory.startedConnecting = lambda connector: None
    connector = reactor.connectTCP(*server, factory, timeout=STREAM_PATIENCE)
    try:
        return await protocol.answered.addTimeout(STREAM_PATIENCE, reactor, _timed_out)
    finally:
        connector.disconnect()


async def ask(
    reactor: Any, number: Callable[[], int], server: Server, name: str, family: Family
) -> Found:
    """
    Ask one server for the addresses of one family of one name.

    @param reactor: has C{IReactorFDSet}, C{IReactorTCP} and C{IReactorTime}.
    @param number: gives numbers of 16 bits that nobody guesses.

    @raise NoAnswer: why there is none.
    """
    question = _Question(name, family, number())
    try:
        message = await _by_datagram(reactor, server, question)
        if message.trunc:
            message = await _by_stream(reactor, server, question)
    except OSError as why:
        raise NoAnswer(reason_of(why)) from why
    return found(message, name, family)
