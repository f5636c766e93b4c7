"""Who is asked for the addresses of members that are given by name."""

from __future__ import annotations

import ipaddress
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.addresses import at
from fiberlb.model.fields import REFUSED, Loading, Several, field
from fiberlb.model.quantities import Duration

#: Where servers answer (RFC 1035 4.2).
PORT = 53
SYSTEM = "system"


@attrs.frozen
class _Server:
    """C{ADDRESS[:PORT]}, an IPv6 address with a port in brackets; the model holds both."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        text = value if isinstance(value, str) else ""
        host, port = text, str(PORT)
        if text.startswith("["):
            host, closed, rest = text[1:].partition("]")
            port = rest.removeprefix(":") if rest else port
            host = host if closed and (not rest or rest.startswith(":")) else ""
        elif text.count(":") == 1:
            host, _, port = text.partition(":")
        try:
            address = str(ipaddress.ip_address(host))
        except ValueError:
            message = f"{value!r} is not an IP address, perhaps with a port"
            return loading.refuse(path, message)
        if not (port.isascii() and port.isdecimal() and 0 < int(port) <= 65535):
            return loading.refuse(path, f"{port!r} is not a port")
        return at(address, int(port))

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


_SERVERS = Several(_Server(), single=True, most=8)


@attrs.frozen
class _Servers:
    """C{system}, which the model holds as an empty list, or one server or a list of them."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if value == SYSTEM:
            return ()
        found = _SERVERS.load(value, path, loading)
        if found is not REFUSED and not found:
            message = "must be system, or name at least one server"
            return loading.refuse(path, message, SYSTEM)
        return found

    def dump(self, value: Any) -> Any:
        return list(value) if value else SYSTEM

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"const": SYSTEM}, _SERVERS.schema()]}


@attrs.frozen(kw_only=True)
class ResolverSettings:
    """
    How names are resolved; of the process.

    @ivar servers: asked in this order, as C{address:port}; empty: those of the machine.
    @ivar minimum_ttl: seconds for which an answer is not asked for again, whatever it says; also
        between two attempts while there is none.
    @ivar maximum_ttl: seconds after which it is, whatever it says.
    """

    LATER: ClassVar[frozenset[str]] = frozenset()

    servers: tuple[str, ...] = field(_Servers(), ())
    minimum_ttl: float = field(Duration(), 5.0)
    maximum_ttl: float = field(Duration(), 300.0)

    def check(self, path: Path, loading: Loading) -> None:
        """The bounds must be in order."""
        if self.minimum_ttl > self.maximum_ttl:
            loading.refuse((*path, "minimum_ttl"), "must not be longer than maximum_ttl")

    def bounded(self, ttl: float) -> float:
        """For how long an answer of this age is used."""
        return min(max(ttl, self.minimum_ttl), self.maximum_ttl)
