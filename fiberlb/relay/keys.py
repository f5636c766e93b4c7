"""What a request's or a connection's member is chosen by: keys for algorithms that hash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fiberlb.model.hash_on import HashOn
from fiberlb.routing.request import origin_form

#: An exchange -> its key; C{None} if it has none and any member will do.
Key = Callable[[Any], "bytes | None"]


def nothing(exchange: Any) -> bytes | None:
    """No key: any member will do."""
    return None


def address(exchange: Any) -> bytes | None:
    """The client's address, as trusted proxies tell it."""
    client: str = exchange.client
    return client.encode()


def address_port(exchange: Any) -> bytes | None:
    """The client's address, and the port that it, or the proxy before us, has connected from."""
    return f"{exchange.client} {exchange.peer_port}".encode()


def hash_on(what: HashOn) -> Key:
    """The key that a pool names."""
    if what.kind == "path":
        return path
    reader = {"header": header, "cookie": cookie, "query": query}[what.kind]
    name = what.name.encode()
    return lambda exchange: reader(exchange, name)


def for_pool(kind: str | None, what: HashOn | None) -> Key | None:
    """
    The key of a pool's requests.

    @param kind: as L{fiberlb.balancing.table.Entry.key}.
    @param what: what the pool names.
    """
    if kind == "hash_on":
        return hash_on(what) if what is not None else None
    return {None: None, "address": address, "address_port": address_port}[kind]


def path(exchange: Any) -> bytes | None:
    """The path as sent, without the query."""
    return origin_form(exchange.target).partition(b"?")[0]


def query(exchange: Any, name: bytes) -> bytes | None:
    """The first parameter of this name in the query, as sent."""
    start = name + b"="
    for pair in origin_form(exchange.target).partition(b"?")[2].split(b"&"):
        if pair.startswith(start):
            return pair[len(start) :]
    return None


def header(exchange: Any, name: bytes) -> bytes | None:
    """The first field of this name."""
    block: bytes = exchange.block()
    return next(_lines(block, name), None)


def cookie(exchange: Any, name: bytes) -> bytes | None:
    """The first cookie of this name, over all fields that carry cookies."""
    block: bytes = exchange.block()
    if name not in block:
        return None
    for line in _lines(block, b"cookie"):
        for pair in line.split(b";"):
            found, sign, value = pair.partition(b"=")
            if sign and found.strip(b" \t") == name:
                return value.strip(b" \t")
    return None


def _lines(block: bytes, name: bytes) -> Any:
    """The values of every field of this name."""
    folded = block.lower()
    needle = b"\r\n%s:" % name.lower()
    at = folded.find(needle)
    while at >= 0:
        start = at + len(needle)
        at = folded.find(b"\r\n", start)
        end = at if at >= 0 else len(block)
        yield block[start:end].strip(b" \t")
        at = folded.find(needle, end)
