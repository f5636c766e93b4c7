"""What a message of a DNS server says of one name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, Final

import attrs
from twisted.names import dns

#: Addresses of a name that are used, of those that an answer holds.
MOST: Final = 256
_NO_SUCH_NAME: Final = 3
#: What the codes of RFC 1035 4.1.1 mean.
_WORDS: Final = {
    1: "the server could not read the question",
    2: "the server failed",
    4: "the server does not answer such questions",
    5: "the server refuses to answer",
}


class Family(IntEnum):
    """Which addresses are asked for: the number of the record that holds them."""

    IPV4 = 1
    IPV6 = 28


class NoAnswer(Exception):
    """
    Nothing was learned about a name.

    @ivar reason: why, in words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@attrs.frozen
class Found:
    """
    An answer.

    @ivar addresses: in no order that means anything; empty: there are none.
    @ivar ttl: seconds for which it is good; of an empty one 0.
    @ivar exists: the name does; it may have other records.
    """

    addresses: tuple[str, ...]
    ttl: float = 0.0
    exists: bool = True


def found(message: dns.Message, name: str, family: Family) -> Found:
    """
    The addresses of a name in an answer, aliases (CNAME) followed within it.

    @raise NoAnswer: the server says that it has none.
    """
    if message.rCode == _NO_SUCH_NAME:
        return Found((), exists=False)
    if message.rCode:
        raise NoAnswer(_WORDS.get(message.rCode, f"the server answers with error {message.rCode}"))
    names, ttls = {name}, []
    records = [(_text(r.name), r.type, r.ttl, _value(r)) for r in message.answers]
    while new := [r for r in records if r[1] == dns.CNAME and r[0] in names and r[3] not in names]:
        names.update(alias[3] for alias in new)
        ttls += [alias[2] for alias in new]
    given = [record for record in records if record[1] == family and record[0] in names]
    good = ordered(record[3] for record in given)
    ttls += [record[2] for record in given]
    return Found(good, float(min(ttls)) if good else 0.0)


def _text(name: dns.Name) -> str:
    return name.name.decode("latin-1").lower().removesuffix(".")


def _value(record: dns.RRHeader) -> str:
    """The address that a record holds, or the name that it leads to; empty for other ones."""
    payload: Any = record.payload
    if record.type == dns.CNAME:
        return _text(payload.name)
    if record.type == Family.IPV4:
        return str(payload.dottedQuad())
    return str(ipaddress.IPv6Address(payload.address)) if record.type == Family.IPV6 else ""


def ordered(addresses: Iterable[str]) -> tuple[str, ...]:
    """
    Those that a server can be at, IPv4 first, then by number: however they came.

    Left out are 0.0.0.0 and ::, which would be this machine, groups, and
    link-local IPv6, which says nothing without an interface.
    """
    plain = set()
    for text in addresses:
        address = ipaddress.ip_address(text)
        mapped = getattr(address, "ipv4_mapped", None)
        address = address if mapped is None else mapped
        local = address.version == 6 and address.is_link_local
        if not (address.is_unspecified or address.is_multicast or local):
            plain.add(address)
    several = sorted(plain, key=lambda each: (each.version, int(each)))
    return tuple(str(each) for each in several[:MOST])
