"""
Connections of the admin address: how slow a client may be, and how many there are.

Twisted counts the time in which a connection is idle; a byte now and then would keep one for ever.
Here a head and a body have to be whole in time, whatever comes of them meanwhile.
"""

from __future__ import annotations

import json
from typing import Any

from OpenSSL import SSL
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel

from fiberlb.api.rest.problem import PROBLEM_TYPE, Refused

#: Seconds that a connection may wait for its next request.
IDLE = 60.0
#: Seconds from the first byte of a request, or from the start (with the handshake of TLS), to the
#: end of its head.
HEAD = 10.0
#: Seconds for a body.
BODY = 60.0
#: Connections of all admin addresses together.
MOST = 512

_LINE = 16384
_SAID = Refused(431, "head_too_large", f"a line of the head is over {_LINE} bytes").document()
_BODY = json.dumps(_SAID).encode()
#: The whole answer to a line that is too long (RFC 6585, section 5).
_TOO_LONG = (
    "HTTP/1.1 431 Request Header Fields Too Large\r\n"
    f"Content-Type: {PROBLEM_TYPE}\r\n"
    f"Content-Length: {len(_BODY)}\r\n"
    "Connection: close\r\n\r\n"
).encode() + _BODY


class Connections:
    """
    The connections of all admin addresses.

    Where there are too many the one that has waited longest for a request makes room, so that
    those who only connect cannot keep others out.

    @ivar most: how many there may be.
    """

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        #: Those that wait for a request, the longest first; a dict, for its order.
        self._waiting: dict[AdminChannel, None] = {}
        self._busy: set[AdminChannel] = set()

    def __len__(self) -> int:
        """How many there are."""
        return len(self._waiting) + len(self._busy)

    def begun(self, channel: AdminChannel) -> bool:
        """There is one more, which waits; whether it may stay."""
        if len(self) >= self.most:
            oldest = next(iter(self._waiting), None)
            if oldest is None:
                return False
            self.ended(oldest)
            oldest.abort()
        self._waiting[channel] = None
        return True

    def waits(self, channel: AdminChannel) -> None:
        """It waits for a request."""
        if channel in self._busy:
            self._busy.discard(channel)
            self._waiting[channel] = None

    def works(self, channel: AdminChannel) -> None:
        """A request of it has come."""
        if channel in self._waiting:
            del self._waiting[channel]
            self._busy.add(channel)

    def ended(self, channel: AdminChannel) -> None:
        """It is gone."""
        self._waiting.pop(channel, None)
        self._busy.discard(channel)

    def close(self) -> None:
        """End those that wait for a request now, the others when they are answered."""
        for channel in [*self._waiting]:
            channel.abort()
        for channel in self._busy:
            channel.persistent = False


class AdminChannel(HTTPChannel):
    """HTTP of one connection, with a time for each part of a request."""

    MAX_LENGTH = _LINE
    site: Any
    _begun = False
    _answered = False

    def connectionMade(self) -> None:
        """It begins, if there is room."""
        super().connectionMade()
        self.setTimeout(HEAD)
        self._begun = True
        if not self.site.connections.begun(self):
            self.abort()

    def abort(self) -> None:
        """End it at once."""
        transport: Any = self.transport
        transport.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        """Bytes; the first ones of a request start its time."""
        if data and not self._begun and not self._handlingRequest:
            self._begun = True
            self.setTimeout(HEAD)
        super().dataReceived(data)

    def resetTimeout(self) -> None:
        """A byte buys no time."""

    def allHeadersReceived(self) -> None:
        """The head is whole: the body's time begins."""
        self.setTimeout(BODY)
        self.site.connections.works(self)
        super().allHeadersReceived()

    def requestDone(self, request: Any) -> None:
        """It was answered; what waits in the buffer begins the next one."""
        self.site.connections.waits(self)
        self._savedTimeOut = IDLE
        self._begun = False
        super().requestDone(request)
        if not self.persistent:
            # Who does not read the answer does not stay either.
            self._answered = True
            self.setTimeout(IDLE)

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line of a head is longer than C{MAX_LENGTH}: say so, and go."""
        # Where one is being answered, this would be taken for its answer.
        if not self._handlingRequest:
            self.write(_TOO_LONG)
        self.loseConnection()

    def timeoutConnection(self) -> None:
        """Some time is over."""
        if self._answered:
            self.abort()
        else:
            super().timeoutConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        self.site.connections.ended(self)
        if reason.check(SSL.Error):
            self.site.handshake_failed(self, reason.value)
        super().connectionLost(reason)
