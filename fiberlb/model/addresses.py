"""
Kinds of values that are addresses and networks.

Beside IP addresses there are sockets with a name: C{unix:/path} in the file
system, and C{fd:NUMBER} or C{fd:NAME} handed to the process when it was
started. They have no port, and go with port 0 where pairs are kept.
"""

from __future__ import annotations

import ipaddress
import posixpath
import re
from typing import Any

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading

#: Why an address with an interface is refused: it would mean another one on every machine.
SCOPED = "link-local addresses with an interface (%eth0): known, not supported by this version"
#: How a Unix socket begins; alone it stands for every client of one, which has no address.
UNIX = "unix:"
FD = "fd:"
#: How the address of a datagram socket begins where it stands beside those of streams: both
#: may have the same port.
UDP = "udp:"
#: Octets of a path that the system takes (unix(7)).
LONGEST_PATH = 107


def named(address: str) -> bool:
    """Whether it is a socket with a name, which has no port."""
    return address.startswith((UNIX, FD))


def bare(address: str) -> str:
    """An address without the word that it is one of datagrams."""
    return address.removeprefix(UDP)


def line(address: str, port: int) -> tuple[bool, int]:
    """A port, those of datagrams being others than those of streams."""
    return address.startswith(UDP), port


def at(address: str, port: int | None) -> str:
    """Address and port as a person writes them: an IPv6 address in brackets, UDP behind it."""
    if address.startswith(UDP):
        return f"{at(bare(address), port)}/udp"
    if named(address):
        return address
    if address.startswith("dns:"):
        return f"{address}:{port}"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def unix_path(value: str) -> str | None:
    """C{unix:/path} in its shortest form; C{None} when it is none that a socket can have."""
    path = value.removeprefix(UNIX)
    if not path.startswith("/") or path.endswith("/") or re.search(r"[\x00-\x1f\x7f]", path):
        return None
    try:
        length = len(path.encode())
    except UnicodeEncodeError:
        return None
    return f"{UNIX}/{posixpath.normpath(path).lstrip('/')}" if length <= LONGEST_PATH else None


def load_unix(value: str, path: Path, loading: Loading) -> Any:
    """C{unix:/path}; what is wrong with it is noted."""
    found = unix_path(value)
    if found is not None:
        return found
    return loading.refuse(
        path, f"{value!r} is not unix: and an absolute path of at most {LONGEST_PATH} octets"
    )


def needs_port(address: Any) -> tuple[str, ...]:
    """C{("port",)} for an address, or several, of which one has a port, in order or not."""
    several = address if isinstance(address, (tuple, list)) and address else (address,)
    alone = all(isinstance(each, str) and named(each) for each in several)
    return () if alone else ("port",)


def check_port(address: list[str], port: int | None, path: Path, loading: Loading) -> None:
    """A port for addresses that have one, none for the others."""
    if port is None and any(not named(each) for each in address):
        loading.refuse((*path, "port"), "is needed", code="missing")
    elif port is not None and address and all(map(named, address)):
        loading.refuse((*path, "port"), f"does not go with {address[0]}, which has no port")


def plain_ip(text: str) -> str:
    """
    An IP address in its shortest form; one of IPv4 within IPv6 is the IPv4 address that it is.

    @raise ValueError: it is none.
    """
    found = ipaddress.ip_address(text)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(found if mapped is None else mapped)


def unbracketed(value: Any) -> str | None:
    """What to write for an IPv6 address in brackets, which belong to a port; else C{None}."""
    text = value[1:-1] if isinstance(value, str) and re.fullmatch(r"\[[^\[\]]*\]", value) else ""
    try:
        return plain_ip(text)
    except ValueError:
        return None


@attrs.frozen
class Address:
    """An IPv4 or IPv6 address without brackets, in its shortest form."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        try:
            return plain_ip(value if isinstance(value, str) else "")
        except ValueError:
            return loading.refuse(path, f"{value!r} is not an IP address", unbracketed(value))

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@attrs.frozen
class Network:
    """
    An address range in CIDR form; an address alone is a range of one. The model holds text.

    C{unix:} stands for clients that come over Unix sockets.
    """

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if value == UNIX:
            return UNIX
        try:
            return str(ipaddress.ip_network(value if isinstance(value, str) else ""))
        except ValueError as why:
            return loading.refuse(path, f"{value!r} is not a network: {why}")

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}
