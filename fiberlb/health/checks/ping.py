"""The ping: an ICMP echo that comes back (RFC 792, RFC 4443 4)."""

from __future__ import annotations

import errno
import os
import socket
import struct
from itertools import count
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from fiberlb.health.checks.failure import CheckFailed, CheckImpossible, explain
from fiberlb.health.checks.target import Check, target
from fiberlb.model.addresses import named
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member

_HEAD: Final = struct.Struct("!BBHHH")
#: Request and reply of each version.
_TYPES: Final = {socket.AF_INET: (8, 0), socket.AF_INET6: (128, 129)}
_PROTOCOLS: Final = {
    int(socket.AF_INET): socket.IPPROTO_ICMP,
    int(socket.AF_INET6): socket.IPPROTO_ICMPV6,
}
#: Octets that are sent along, as the command of this name does.
_SIZE: Final = 56
_FORBIDDEN: Final = (
    "ping is not allowed: it takes CAP_NET_RAW, or a group within net.ipv4.ping_group_range"
)


def ping_check(reactor: Any) -> Check:
    """
    Checks that a machine answers an echo request; nothing of what it serves is asked.

    @param reactor: has C{IReactorFDSet}.
    """
    numbers = count(os.getpid())

    async def check(member: Member, monitor: HealthMonitor) -> None:
        address, _ = target(member, monitor)
        if named(address):
            raise CheckFailed("a socket of this machine cannot be pinged")
        try:
            echo = _Echo(reactor, address, next(numbers) & 0xFFFF)
            await echo.done
        except OSError as why:
            raise explain(ConnectError(why.errno, str(why))) from why

    return check


@implementer(IReadDescriptor)
class _Echo:
    """
    One request and its reply.

    @ivar done: fires when that has come; cancelling it ends the wait.
    """

    def __init__(self, reactor: Any, address: str, number: int) -> None:
        """@raise OSError: there is no way to it."""
        self._reactor = reactor
        self._number = number
        self.done: Deferred[None] = Deferred(lambda _: self._close())
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._request, self._reply = _TYPES[family]
        self._socket, self._raw = _open(family)
        self._payload = b"%-*d" % (_SIZE, number)
        try:
            self._socket.setblocking(False)
            # Errors that the network reports are told to a socket that is connected.
            self._socket.connect(socket.getaddrinfo(address, None, family)[0][4])
            self._socket.send(self._packet(family))
        except OSError:
            self._socket.close()
            raise
        reactor.addReader(self)

    def _packet(self, family: int) -> bytes:
        head = _HEAD.pack(self._request, 0, 0, self._number, 1)
        if self._raw and family == socket.AF_INET:
            # Only here the system leaves it to us.
            head = _HEAD.pack(self._request, 0, _sum(head + self._payload), self._number, 1)
        return head + self._payload

    def fileno(self) -> int:
        """See Twisted's interface."""
        return self._socket.fileno()

    def logPrefix(self) -> str:
        """See Twisted's interface."""
        return "ping"

    def doRead(self) -> None:
        """Something has come: the reply, or another packet of that address."""
        try:
            packet = self._socket.recv(2048)
        except BlockingIOError:
            return
        except OSError as why:
            self._end(Failure(explain(ConnectError(why.errno, str(why)))))
            return
        if self._raw and self._reply == 0:
            packet = packet[(packet[0] & 15) * 4 :] if packet else b""
        if len(packet) < _HEAD.size:
            return
        kind, _, _, number, _ = _HEAD.unpack_from(packet)
        # The number of a socket that is not raw is the system's own.
        ours = number == self._number or not self._raw
        if kind == self._reply and ours and packet[_HEAD.size :] == self._payload:
            self._end(None)

    def connectionLost(self, reason: Any) -> None:
        """The reactor found an error, which is the socket's to tell."""
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        number = number or errno.EHOSTUNREACH
        self._end(Failure(explain(ConnectError(number, os.strerror(number)))))

    def _end(self, result: Any) -> None:
        self._close()
        if not self.done.called:
            self.done.callback(result)

    def _close(self) -> None:
        if self._socket.fileno() != -1:
            self._reactor.removeReader(self)
            self._socket.close()


def _open(family: int) -> tuple[socket.socket, bool]:
    """
    A socket for echoes, and whether it is a raw one.

    @raise CheckImpossible: neither kind is allowed.
    """
    for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            made = socket.socket(family, kind | socket.SOCK_CLOEXEC, _PROTOCOLS[family])
        except PermissionError:
            continue
        return made, kind == socket.SOCK_RAW
    raise CheckImpossible(_FORBIDDEN)


def _sum(data: bytes) -> int:
    """The Internet checksum of an even number of octets (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
