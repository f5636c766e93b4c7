"""What a connection to a member begins with, where the member is to know whom it is for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from fiberlb.model.pool import ProxyVersion
from fiberlb.relay.networks import plain_address
from fiberlb.wire import proxy_protocol
from fiberlb.wire.proxy_protocol import ALPN, AUTHORITY, Ends

#: An exchange -> the header that its connection to a member begins with.
Introduce = Callable[[Any], bytes]


def version_1(exchange: Any) -> bytes:
    """The PROXY protocol, version 1."""
    return proxy_protocol.text(_ends(exchange))


def version_2(exchange: Any) -> bytes:
    """Version 2, with the server name and the protocol that the client's handshake had."""
    fields = []
    if exchange.cell.plan.secure and exchange.alpn:
        # Where TLS is passed through the member itself will choose.
        fields.append((ALPN, exchange.alpn[0]))
    if exchange.sni:
        fields.append((AUTHORITY, exchange.sni))
    return proxy_protocol.binary(_ends(exchange), fields)


def _ends(exchange: Any) -> Ends | None:
    """The client as it is known, and where it has connected to."""
    client: str = exchange.client
    # Of a client that a trusted proxy tells of in a field, the port is not known.
    port = exchange.peer_port if client == exchange.peer else 0
    destination = exchange.destination
    if destination is None:
        name = exchange.conn.sock.getsockname()
        if not isinstance(name, tuple):
            return None
        destination = plain_address(name[0]), name[1]
    return (client, port), destination


INTRODUCTIONS: Final[Mapping[ProxyVersion, Introduce]] = {
    ProxyVersion.V1: version_1,
    ProxyVersion.V2: version_2,
}
