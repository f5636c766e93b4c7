"""The start of a process: why it does not, in words, and how one is broken off."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import CannotListenError

from fiberlb.control.refusals import StoreAway
from fiberlb.errors import AddressInUse, ConfigurationError
from fiberlb.store.interface import StoreError
from fiberlb.store.lock import StateDirectoryError
from fiberlb.store.sealed import SealError
from fiberlb.workers.nursery import TemplateGone
from fiberlb.workers.takeover import living
from fiberlb.workers.worker import LIVING

#: What a start fails with that was broken off.
BROKEN_OFF = CancelledError
#: Seconds that a start gets to take workers over when the process is asked to end.
TAKE_OVER = 20.0


class CannotStart(Exception):
    """Why the process does not start, in lines for a person."""


#: What a start is refused for; anything else is a defect.
EXPECTED: tuple[type[Exception], ...] = (
    AddressInUse,
    CannotStart,
    ConfigurationError,
    SealError,
    StateDirectoryError,
    StoreAway,
    StoreError,
    TemplateGone,
    OSError,
    CannotListenError,
)


def sentence(why: BaseException) -> str:
    """An exception, told to a person."""
    if isinstance(why, CannotListenError):
        host = why.interface or ""
        reason = getattr(why.socketError, "strerror", why.socketError)
        return f"the admin API cannot listen on {host}:{why.port}: {reason}"
    if isinstance(why, OSError) and why.filename:
        return f"{why.filename}: {why.strerror}"
    if isinstance(why, ConfigurationError):
        return "\n".join(why.told())
    return str(why) or type(why).__name__


async def break_off(starting: Deferred[None], reactor: Any, directory: str | None) -> None:
    """
    End a start that is under way; one that is over is left alone.

    Workers of a process that is gone would go on without one: it takes them over first.

    @param starting: its failures are looked after.
    @param directory: the state directory; C{None}: there are no workers.
    """
    if starting.called:
        return
    if directory is not None and living(directory, LIVING):
        starting.addTimeout(TAKE_OVER, reactor)
        await starting
    starting.cancel()
