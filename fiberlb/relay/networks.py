"""Whether an address is in a list of networks, asked once per connection; what ends are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

from fiberlb.model.addresses import UNIX, at


def member_of(networks: Sequence[str]) -> Callable[[str], bool] | None:
    """
    A test of addresses, C{None} for an empty list.

    IPv4 addresses are found by their octets, whatever way they were written:
    a client on a dual-stack socket counts as the IPv4 client it is. One on a
    Unix socket has none; it is called C{unix:}, as in nginx, and found by that.
    """
    if not networks:
        return None
    parsed = [_plain_network(network) for network in networks if network != UNIX]
    local = UNIX in networks

    def test(address: str) -> bool:
        try:
            found: IPv4Address | IPv6Address = ip_address(address)
        except ValueError:
            return local and address == UNIX
        if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in parsed)

    return test


def _plain_network(text: str) -> IPv4Network | IPv6Network:
    """A network; one of IPv4 addresses within IPv6 is the one that they are of."""
    network = ip_network(text)
    mapped = getattr(network.network_address, "ipv4_mapped", None)
    if mapped is None:
        return network
    return IPv4Network((mapped, network.prefixlen - 96))


def plain_address(host: str) -> str:
    """An address as it is shown and compared: no IPv4 in IPv6 clothing, no scope."""
    if host.startswith("::ffff:") and "." in host:
        return host[7:]
    return host.partition("%")[0]


def local_port(sock: Any) -> int:
    """Where a client came in, as the system knows it; 0 on a Unix socket."""
    name = sock.getsockname()
    return int(name[1]) if isinstance(name, tuple) else 0


def local_name(sock: Any) -> bytes:
    """What a client of HTTP/1.0 must have meant when it named no host."""
    name = sock.getsockname()
    if not isinstance(name, tuple):
        return b"localhost"
    return _named(name[0], name[1])


@lru_cache(maxsize=256)
def _named(host: str, port: int) -> bytes:
    return at(plain_address(host), port).encode()
