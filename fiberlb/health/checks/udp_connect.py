"""A check by UDP: nobody says that nobody is there."""

from __future__ import annotations

import errno
import os
import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from fiberlb.health.checks.failure import OURS, REASONS, CheckFailed, CheckImpossible
from fiberlb.health.checks.target import Check, target
from fiberlb.model.health_monitor import HealthMonitor, IntroducedMonitor
from fiberlb.model.pool import Member

#: The part of a check's time in which a refusal is waited for; silence for so long is success.
_PART = 0.75


def udp_connect_check(reactor: Any) -> Check:
    """
    Checks that send an empty datagram, and fail when it is refused (as Octavia's UDP-CONNECT).

    A member that says nothing passes: most do, to nothing. One that has the pool's
    C{proxy_protocol} gets a header about nobody.

    @param reactor: has C{IReactorFDSet} and C{IReactorTime}.
    """

    async def check(member: Member, monitor: HealthMonitor) -> None:
        address = target(member, monitor)
        preface = b""
        if isinstance(monitor, IntroducedMonitor) and address == member.place:
            preface = monitor.preface
        try:
            probe = _Probe(reactor, address, preface, monitor.timeout * _PART)
        except OSError as why:
            raise _explained(why) from why
        await probe.done

    return check


def _explained(why: OSError) -> CheckFailed | CheckImpossible:
    number = why.errno or 0
    text = os.strerror(number).lower()
    if number in OURS:
        return CheckImpossible(text)
    return CheckFailed(REASONS.get(number) or f"cannot send: {text}")


class _Probe:
    """
    One datagram on its way, as the reactor's reader.

    @ivar done: fires when the check is over.
    """

    def __init__(
        self, reactor: Any, address: tuple[str, int], probe: bytes, patience: float
    ) -> None:
        """@raise OSError: it cannot be sent."""
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._reactor = reactor
        self._sock = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._sock.connect(address)
            self._sock.send(probe)
        except OSError:
            self._sock.close()
            raise
        self.done: Deferred[None] = Deferred(lambda _: self._end())
        self._patience = reactor.callLater(patience, self._over, None)
        reactor.addReader(self)

    def fileno(self) -> int:
        """Of the socket."""
        return self._sock.fileno()

    def logPrefix(self) -> str:
        """For the log."""
        return "udp_connect"

    def doRead(self) -> None:
        """An answer, whatever it says, or a refusal."""
        try:
            self._sock.recv(1)
        except BlockingIOError:
            return
        except OSError as why:
            self._over(_explained(why))
        else:
            self._over(None)

    def connectionLost(self, reason: Any) -> None:
        """The reactor has found an error, or ends."""
        if self._sock.fileno() < 0:
            return
        number = self._sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._over(_explained(OSError(number or errno.ECONNREFUSED, "")))

    def _over(self, why: Exception | None) -> None:
        self._end()
        if not self.done.called:
            if why is None:
                self.done.callback(None)
            else:
                self.done.errback(Failure(why))

    def _end(self) -> None:
        if self._sock.fileno() >= 0:
            self._reactor.removeReader(self)
            self._sock.close()
        if self._patience.active():
            self._patience.cancel()
