"""What is said to members about the client (product page, decision 13)."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from functools import lru_cache
from ipaddress import ip_address
from typing import Final

from fiberlb.wire import grammar

#: The pseudonym in Via (RFC 9110, 7.6.3).
VIA: Final = (b"Via: 1.0 fiberlb\r\n", b"Via: 1.1 fiberlb\r\n")
_claim: Final = re.compile(grammar.CLAIM).fullmatch
_unclaimed: Final = re.compile(rb"\n(?:" + grammar.CLAIM + rb"):[^\r]*+\r").sub
_given: Final = re.compile(rb"\n(x-forwarded-(?:proto|port|host)):", re.I).findall


def tails(client: bytes, secure: bool, port: int, insert: tuple[str, ...]) -> tuple[bytes, bytes]:
    """
    The fields put after every request of one connection, with the end of the head.

    @param client: the peer's address as text; empty where it has none: it is not told.
    @param port: the port that the client connected to; 0 where there is none: it is not told.
    @param insert: which of the X-Forwarded fields are sent.

    @return: for a request of HTTP/1.0, for one of HTTP/1.1.
    """
    before, ten, eleven = _frame(secure, port, insert)
    if not client:
        before = b""
    elif before:
        before += client + b"\r\n"
    return before + ten, before + eleven


@lru_cache(maxsize=4096)
def _frame(secure: bool, port: int, insert: tuple[str, ...]) -> tuple[bytes, bytes, bytes]:
    """What stands before the address, and after it for either version; the same for a listener."""
    others = b"".join(
        name.encode() + b": " + value + b"\r\n"
        for name, value in _own(b"", secure, port, insert)
        if name != "X-Forwarded-For" and value
    )
    before = b"X-Forwarded-For: " if "X-Forwarded-For" in insert else b""
    return before, others + VIA[0] + b"\r\n", others + VIA[1] + b"\r\n"


def hop_by_hop(upgrade: bytes, trailers: bool) -> bytes:
    """
    What this hop says to the next one about itself.

    @param upgrade: the protocols that the client would switch to; empty: none.
    @param trailers: it takes trailers.
    """
    named = b"Upgrade" if upgrade else b""
    lines = b"Upgrade: " + upgrade + b"\r\n" if upgrade else b""
    if trailers:
        named += b", TE" if named else b"TE"
        lines += b"TE: trailers\r\n"
    return b"Connection: " + named + b"\r\n" + lines


def trusted_tail(
    block: bytes,
    forwarded: bytes,
    minor: int,
    own: tuple[bytes, bool, int, Collection[str]],
) -> bytes:
    """
    The same for one request of a trusted peer.

    X-Forwarded-For is appended to, or passed on where none is inserted;
    X-Forwarded-Proto and -Port are ours only where the peer said nothing.

    @param forwarded: what the peer sent as X-Forwarded-For, C{b""} for nothing.
    @param own: the arguments of L{tails}.
    """
    given = {name.lower() for name in _given(block)}
    lines = []
    if forwarded and "X-Forwarded-For" not in own[3]:
        lines.append(b"X-Forwarded-For: " + forwarded + b"\r\n")
    for name, value in _own(*own):
        if name == "X-Forwarded-For" and forwarded:
            value = forwarded + b", " + value if value else forwarded
        if value and name.lower().encode() not in given:
            lines.append(name.encode() + b": " + value + b"\r\n")
    return b"".join(lines) + VIA[minor] + b"\r\n"


def _own(client: bytes, secure: bool, port: int, insert: Iterable[str]) -> list[tuple[str, bytes]]:
    values = {
        "X-Forwarded-For": client,
        "X-Forwarded-Proto": b"https" if secure else b"http",
        "X-Forwarded-Port": b"%d" % port if port else b"",
    }
    return [(name, values[name]) for name in insert]


def client_address(peer: str, forwarded: bytes, trusted: Callable[[str], bool]) -> str:
    """
    The address of the client: the first from the right that is not trusted.

    IPv4 addresses within IPv6 are told as the IPv4 addresses that they are.

    @param peer: who connected, and is trusted.
    @param forwarded: the X-Forwarded-For that it sent; what is no address ends the search.
    """
    address = peer
    for element in reversed(forwarded.split(b",")):
        text = element.strip(b" \t").decode("latin-1")
        try:
            found = ip_address(text)
        except ValueError:
            break
        mapped = getattr(found, "ipv4_mapped", None)
        address = text if mapped is None else str(mapped)
        if not trusted(address):
            break
    return address


def is_claim(name: str) -> bool:
    """Whether a field of this name says who the client is."""
    return _claim(name.encode()) is not None


def unclaimed(block: bytes) -> bytes:
    """The block without such fields: what rules see of a peer that is not trusted."""
    return _unclaimed(b"", block)
