"""TLS towards members: how a pool's connections are encrypted and who they are believed to be."""

from __future__ import annotations

import ipaddress
import re
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.convert import AllOr
from fiberlb.model.fields import Flag, Loading, OneOf, Optional, Reference, field
from fiberlb.model.listener import TLS_SPELLINGS, TlsVersion

_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
#: Characters of a host name (RFC 1035 section 2.3.4, without the final dot).
_LONGEST = 253


@attrs.frozen
class ServerName:
    """The one name that a server's certificate must be for: a DNS name, or an IP address."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, str):
            return loading.refuse(path, "must be a host name")
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            pass
        name = value.lower().removesuffix(".")
        if "*" in name:
            return loading.refuse(path, "is the name of one server, without wildcards")
        if not name.isascii():
            return loading.refuse(
                path, f"{value!r} must be written in ASCII (its A-labels)", _encoded(name)
            )
        # A last label of digits alone is an address that is written wrongly (RFC 3696 section 2).
        if len(name) > _LONGEST or not _NAME.fullmatch(name) or re.search(r"(^|\.)\d+$", name):
            return loading.refuse(path, f"{value!r} is not a host name")
        return name

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": _LONGEST + 1}


def _encoded(name: str) -> str | None:
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return None


@attrs.frozen(kw_only=True)
class PoolTlsConfig:
    """
    How a pool's members are spoken to, and verified.

    @ivar server_name: asked for (SNI) and looked for in the certificate; an IP address
        is looked for and not asked for; C{None}: each member's own address.
    @ivar ca_certificate_id: a C{client_ca} that must have signed the members' certificates;
        C{None}: C{system}, the authorities that this machine trusts.
    @ivar client_certificate_id: shown to members that ask for one.
    @ivar insecure_skip_verify: anybody is taken for a member; the one switch that does so.
    """

    server_name: str | None = field(Optional(ServerName()), None)
    ca_certificate_id: str | None = field(AllOr(Reference("certificates"), "system"), None)
    client_certificate_id: str | None = field(Optional(Reference("certificates")), None)
    min_version: TlsVersion = field(OneOf(TlsVersion, TLS_SPELLINGS), TlsVersion.TLS12)
    insecure_skip_verify: bool = field(Flag(), False)
