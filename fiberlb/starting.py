"""Why a process does not start, in words."""

from __future__ import annotations

from twisted.internet.error import CannotListenError

from fiberlb.control.refusals import StoreAway
from fiberlb.errors import AddressInUse, ConfigurationError
from fiberlb.store.interface import StoreError
from fiberlb.store.lock import StateDirectoryError
from fiberlb.store.sealed import SealError
from fiberlb.workers.nursery import TemplateGone


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
    return str(why) or type(why).__name__
