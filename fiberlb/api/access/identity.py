"""
Who a request is from.

The door of the admin address finds it out (L{fiberlb.api.access.gate}) and leaves it on the
request; whatever answers, in whichever dialect, reads it there with L{identity_of}.
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import attrs

from fiberlb.model.access import Role


class Source(Enum):
    """What somebody was known by."""

    NOBODY = "nobody"
    UNIX = "unix"
    LOOPBACK = "loopback"
    TOKEN = "token"
    CERTIFICATE = "certificate"


@attrs.frozen
class Identity:
    """
    Who asks.

    @ivar name: for the history and the log.
    @ivar role: what they may do; C{None}: nothing but what is open to everybody.
    @ivar project: the only one they may see, of faces that know projects; C{None}: any.
    """

    name: str
    role: Role | None
    project: str | None = None
    source: Source = Source.TOKEN


#: Who has not said who they are.
NOBODY = Identity("nobody", None, source=Source.NOBODY)
#: Who reaches the process in a way that only people of this machine have.
LOCAL = "local"


class Denied(Exception):
    """
    Somebody may not do what they asked for.

    @ivar status: of HTTP: 401, 403 or 429.
    @ivar code: a stable word for programs.
    @ivar headers: fields that the answer needs.
    """

    def __init__(
        self, status: int, code: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def identify(request: Any, identity: Identity) -> None:
    """Note who a request is from."""
    request.fiberlb_identity = identity


def identity_of(request: Any) -> Identity:
    """Who a request is from; nobody, unless it came through the door."""
    found: Identity = getattr(request, "fiberlb_identity", NOBODY)
    return found


def note_refusal(request: Any, code: str) -> None:
    """Note why a request is refused, for the log."""
    request.fiberlb_refusal = code


def refusal_of(request: Any) -> str:
    """Why a request was refused; empty, where nobody has noted it."""
    found: str = getattr(request, "fiberlb_refusal", "")
    return found


def permit(identity: Identity, needed: Role | None) -> None:
    """
    Make sure that somebody may do what takes a role.

    @param needed: C{None}: nothing is needed.
    @raise Denied: 403, they may not.
    """
    if needed is None or (identity.role is not None and identity.role.allows(needed)):
        return
    has = "no role" if identity.role is None else f"the role {identity.role.value}"
    detail = f"this takes the role {needed.value}, and {identity.name} has {has}"
    raise Denied(403, "forbidden", detail)
