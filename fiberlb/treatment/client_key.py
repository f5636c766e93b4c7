"""Which clients count as one."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address


def client_key(address: str) -> bytes:
    """
    What a client is counted by: its address; of IPv6 the first 64 bits, since that is what one
    customer has at least (RFC 6177), and may change the rest of at will.

    @param address: as connections have it: IPv4 within IPv6 is IPv4.
    """
    return _network(address) if ":" in address else address.encode()


@lru_cache(maxsize=4096)
def _network(address: str) -> bytes:
    try:
        return IPv6Address(address).packed[:8]
    except ValueError:
        # A client on a Unix socket.
        return address.encode()
