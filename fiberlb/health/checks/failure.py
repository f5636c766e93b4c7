"""
What a failed check says: few short sentences that stay the same over versions.

They stand in the log and in the API, so a person who was just woken up must
understand them, and a program may compare them.
"""

from __future__ import annotations

import errno
import os

from twisted.internet.error import (
    ConnectBindError,
    ConnectError,
    ConnectionDone,
    ConnectionLost,
)
from twisted.web.client import (
    RequestGenerationFailed,
    RequestTransmissionFailed,
    ResponseFailed,
    ResponseNeverReceived,
)

#: errno of a connection that could not be made -> what is said about it.
REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ETIMEDOUT: "connection timed out",
    errno.EHOSTUNREACH: "no route to host",
    errno.ENETUNREACH: "no route to host",
    errno.ECONNRESET: "connection reset",
    errno.EADDRNOTAVAIL: "no local address to connect from",
    errno.EACCES: "not allowed to connect",
    errno.ENOENT: "there is no such socket",
    errno.EPERM: "not allowed to connect",
}

#: What this process or machine lacks: it says nothing about the member.
OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

_WRAPPERS = (ResponseFailed, RequestTransmissionFailed, RequestGenerationFailed)


class CheckFailed(Exception):
    """
    A check that the member did not pass.

    @ivar reason: one of a few stable sentences without a final stop.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CheckImpossible(Exception):
    """
    A check that could not be made for want of something of our own, such as
    file descriptors; it counts neither for nor against the member.

    @ivar reason: what is missing.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def explain(why: Exception) -> CheckFailed | CheckImpossible:
    """What an error of Twisted's connecting, sending or receiving means for the check."""
    if isinstance(why, (CheckFailed, CheckImpossible)):
        return why
    if isinstance(why, ConnectError):
        return _not_connected(why)
    if isinstance(why, _WRAPPERS) and why.reasons:
        cause = why.reasons[0].value
        if isinstance(cause, ConnectionDone):
            early = isinstance(why, ResponseNeverReceived)
            return CheckFailed(
                "connection closed without an answer"
                if early
                else "connection closed before the end of the answer"
            )
        if isinstance(cause, ConnectionLost):
            return CheckFailed("connection reset")
        return CheckFailed("invalid response")
    if isinstance(why, ConnectionLost):
        return CheckFailed("connection reset")
    return CheckFailed(f"check failed ({type(why).__name__})")


def _not_connected(why: ConnectError) -> CheckFailed | CheckImpossible:
    number = why.osError
    if not isinstance(number, int):
        return CheckFailed("cannot connect")
    if number in OURS:
        return CheckImpossible(os.strerror(number).lower())
    # A socket that cannot even be made is told apart: the cause is on this machine.
    if isinstance(why, ConnectBindError):
        return CheckFailed(f"cannot connect from here: {os.strerror(number).lower()}")
    return CheckFailed(REASONS.get(number) or f"cannot connect: {os.strerror(number).lower()}")
