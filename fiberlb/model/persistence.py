"""How clients stay with a member, and what becomes of that while the member drains."""

from __future__ import annotations

import ipaddress
import re
from enum import Enum
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading, OneOf, Optional, Text, Whole, field
from fiberlb.model.quantities import Duration
from fiberlb.model.written import plain

#: Of a persistence cookie whose pool gives it no name.
COOKIE_NAME = "SERVERID"
YEARS = 10 * 365 * 86400
TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"


class PersistenceType(Enum):
    """
    What a client is known by.

    C{COOKIE}: one of ours. C{APP_COOKIE}: one that the members set. C{SOURCE_IP}: its address.
    """

    COOKIE = "cookie"
    APP_COOKIE = "app_cookie"
    SOURCE_IP = "source_ip"


class SameSite(Enum):
    """C{SameSite} of a cookie."""

    LAX = "lax"
    STRICT = "strict"
    NONE = "none"


class DrainPersistence(Enum):
    """Whether clients that stay with a member stay with one that drains, too."""

    KEEP = "keep"
    REDISPATCH = "redispatch"
    KEEP_UNTIL_DEADLINE = "keep_until_deadline"


@attrs.frozen
class Secure:
    """C{auto}, C{true} or C{false}; the model holds C{None} for C{auto}."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        found = plain(value)
        if isinstance(found, bool):
            return found
        if isinstance(value, str) and value.lower() == "auto":
            return None
        return loading.refuse(path, "must be auto, true or false")

    def dump(self, value: Any) -> Any:
        return "auto" if value is None else value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": "auto"}, {"type": "boolean"}]}


@attrs.frozen
class Granularity:
    """
    A netmask of either family, or a number of bits, of IPv4 up to 32, of IPv6 beyond.

    The model holds the text.
    """

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        text = "" if isinstance(value, bool) else str(value).removeprefix("/")
        if kept_bits(text) is None:
            return loading.refuse(
                path, "must be a netmask such as 255.255.255.0 or ffff:ffff::, or bits such as 24"
            )
        return text

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 1, "maximum": 128}]}


def kept_bits(granularity: str) -> tuple[int, int] | None:
    """
    How many bits of an IPv4 and of an IPv6 address tell clients apart.

    @param granularity: as of L{Granularity}.
    @return: C{None} when it is none.
    """
    if re.fullmatch("[0-9]{1,3}", granularity):
        bits = int(granularity)
        if not 1 <= bits <= 128:
            return None
        return (bits, 128) if bits <= 32 else (32, bits)
    try:
        mask = ipaddress.ip_address(granularity)
    except ValueError:
        return None
    written = format(int(mask), f"0{mask.max_prefixlen}b")
    bits = written.count("1")
    if not bits or "01" in written:
        return None
    return (bits, 128) if mask.version == 4 else (32, bits)


@attrs.frozen(kw_only=True)
class SessionPersistence:
    """
    What keeps a client at the member that it has been sent to.

    @ivar cookie_name: needed with C{app_cookie}; C{None}: L{COOKIE_NAME} with C{cookie}.
    @ivar timeout_seconds: of a cookie of ours its C{Max-Age}; else how long a client is
        remembered after its last request. C{None}: as long as the browser runs, or there is room.
    @ivar granularity: clients whose addresses are alike so far are one client; C{None}: all of it.
    @ivar same_site: of a cookie of ours.
    @ivar secure: of a cookie of ours; C{None}: where the client has come by TLS.
    """

    type: PersistenceType = field(OneOf(PersistenceType, aliases={"http_cookie": "cookie"}))
    cookie_name: str | None = field(Optional(Text(255, 1, TOKEN, "the name of a cookie")), None)
    timeout_seconds: int | None = field(Optional(Whole(1, YEARS)), None)
    granularity: str | None = field(Optional(Granularity()), None)
    same_site: SameSite = field(OneOf(SameSite), SameSite.LAX)
    secure: bool | None = field(Secure(), None)

    @property
    def ours(self) -> bool:
        """Whether FiberLB sets the cookie."""
        return self.type is PersistenceType.COOKIE

    @property
    def name(self) -> str:
        """The name of the cookie, whoever sets it."""
        return self.cookie_name or COOKIE_NAME

    def check(self, path: Path, loading: Loading) -> None:
        """Nothing that has no meaning for the type."""
        kind = self.type.value
        if self.type is PersistenceType.APP_COOKIE and self.cookie_name is None:
            loading.refuse((*path, "cookie_name"), f"is needed with {kind}", code="missing")
        if self.type is PersistenceType.SOURCE_IP:
            if self.cookie_name is not None:
                loading.refuse((*path, "cookie_name"), f"does not go with {kind}")
        elif self.granularity is not None:
            loading.refuse((*path, "granularity"), f"does not go with {kind}", "type: source_ip")
        if self.type is PersistenceType.COOKIE:
            if self.same_site is SameSite.NONE and self.secure is False:
                text = "none is taken by browsers only with secure: true or auto"
                loading.refuse((*path, "same_site"), text)
            return
        for name in ("same_site", "secure"):
            if getattr(self, name) is not attrs.fields_dict(SessionPersistence)[name].default:
                text = f"does not go with {kind}: that cookie is not ours"
                loading.refuse((*path, name), text, "type: cookie")


@attrs.frozen(kw_only=True)
class Drain:
    """
    What happens to a member's clients while it drains.

    @ivar deadline: seconds until what is left is ended, where whoever drains says nothing else.
    """

    persistence: DrainPersistence = field(
        OneOf(DrainPersistence), DrainPersistence.KEEP_UNTIL_DEADLINE
    )
    deadline: float = field(Duration(), 300.0)
