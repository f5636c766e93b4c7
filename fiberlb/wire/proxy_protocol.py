"""
The PROXY protocol, versions 1 and 2: who a connection comes from, said in its first bytes.

Read strictly and only as far as it goes: the first octet behind the header is
the client's own.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from fiberlb.errors import Fault

#: Octets of the longest header of version 1.
MOST_TEXT: Final = 107
#: Octets behind the fixed part of version 2: addresses and further fields.
MOST_BINARY: Final = 4096
#: Where a header begins and what it consists of until its length is known.
SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
FIXED: Final = 16
#: "Nothing is known of the client": what a connection of FiberLB's own begins with.
UNKNOWN: Final = b"PROXY UNKNOWN\r\n"
LOCAL: Final = SIGNATURE + b"\x20\0\0\0"
#: Kinds of further fields.
ALPN: Final = 0x01
AUTHORITY: Final = 0x02
_CHECKSUM: Final = 0x03

_BEGINNING: Final = b"PROXY "
_TEXT: Final = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?"
    rb"|TCP(?P<kind>[46]) (?P<source>[0-9A-Fa-f.:]+) (?P<destination>[0-9A-Fa-f.:]+)"
    rb" (?P<from>0|[1-9][0-9]{0,4}) (?P<to>0|[1-9][0-9]{0,4}))\r\n"
)
_STREAM_4: Final = 0x11
_STREAM_6: Final = 0x21
#: Added to these for datagrams.
_DATAGRAMS: Final = 0x01
#: Octets of the addresses, by the upper half of the octet that names their family.
_SIZES: Final = (0, 12, 36, 216)

#: Address without brackets, and port.
Address = tuple[str, int]
#: Who has connected, and to what.
Ends = tuple[Address, Address]


def _bad(detail: str) -> Fault:
    return Fault("bad_request", detail=f"PROXY protocol: {detail}")


def parse(data: bytes) -> tuple[int, Ends | None] | None:
    """
    The header at the beginning of what has come.

    @return: where it ends, and whom it names (C{None}: it says that it does not know, or is
        about a connection of the proxy's own); C{None}: it goes on behind C{data}.
    @raise Fault: C{bad_request}: there is none, or none that may be believed.
    """
    if data[:1] == b"P":
        return _parse_text(data)
    if not data:
        return None
    if data[: len(SIGNATURE)] != SIGNATURE[: len(data)]:
        raise _bad("no header")
    return _parse_binary(data)


def _parse_text(data: bytes) -> tuple[int, Ends | None] | None:
    if data[: len(_BEGINNING)] != _BEGINNING[: len(data)]:
        raise _bad("no header")
    end = data.find(b"\n", 0, MOST_TEXT) + 1
    if not end:
        if len(data) >= MOST_TEXT:
            raise _bad("a header without an end")
        return None
    found = _TEXT.fullmatch(data, 0, end)
    if found is None:
        raise _bad("a line that is not one of version 1")
    kind = found["kind"]
    if kind is None:
        return end, None
    family = 4 if kind == b"4" else 6
    source = _written(found["source"], family), _port(found["from"])
    return end, (source, (_written(found["destination"], family), _port(found["to"])))


def _written(text: bytes, family: int) -> str:
    try:
        address = ipaddress.ip_address(text.decode("ascii"))
    except ValueError:
        raise _bad("an address that is none") from None
    if address.version != family:
        raise _bad("an address of another family")
    return _plain(address)


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """As addresses are compared and shown: IPv4 in its own form."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)


def _port(text: bytes) -> int:
    port = int(text)
    if port > 65535:
        raise _bad("a port that is none")
    return port


def _parse_binary(data: bytes) -> tuple[int, Ends | None] | None:
    if len(data) < FIXED:
        return None
    command, family = data[12], data[13]
    if command not in (0x20, 0x21):
        raise _bad("a version or command that is not known")
    if family >> 4 >= len(_SIZES) or family & 15 > 2:
        raise _bad("a family or transport that is not known")
    length = int.from_bytes(data[14:16], "big")
    if length > MOST_BINARY:
        raise _bad(f"more than {MOST_BINARY} bytes")
    end = FIXED + length
    if len(data) < end:
        return None
    if command == 0x20:
        # Of the proxy's own: whatever else it says is not to be looked at.
        return end, None
    size = _SIZES[family >> 4]
    if length < size:
        raise _bad("addresses that are cut short")
    if size or length:
        _check_fields(data[:end], FIXED + size)
    if family == _STREAM_4:
        return end, _ends(data[FIXED : FIXED + size], 4)
    if family == _STREAM_6:
        return end, _ends(data[FIXED : FIXED + size], 16)
    return end, None


def _ends(data: bytes, width: int) -> Ends:
    source = _plain(ipaddress.ip_address(data[:width]))
    destination = _plain(ipaddress.ip_address(data[width : 2 * width]))
    ports = data[2 * width :]
    source_port = int.from_bytes(ports[:2], "big")
    return (source, source_port), (destination, int.from_bytes(ports[2:], "big"))


def _check_fields(header: bytes, at: int) -> None:
    """The further fields: whole, and as their checksum says."""
    while at < len(header):
        start = at + 3
        size = int.from_bytes(header[at + 1 : start], "big")
        if start > len(header) or start + size > len(header):
            raise _bad("a field that is cut short")
        if header[at] == _CHECKSUM:
            told = header[start : start + size]
            without = header[:start] + b"\0" * size + header[start + size :]
            if size != 4 or int.from_bytes(told, "big") != checksum(without):
                raise _bad("a checksum that is wrong")
        at = start + size


def _table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        rest = octet
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
        table.append(rest)
    return tuple(table)


_CASTAGNOLI: Final = _table()


def checksum(data: bytes) -> int:
    """CRC-32C (RFC 3720, 12.1)."""
    rest = 0xFFFFFFFF
    for octet in data:
        rest = rest >> 8 ^ _CASTAGNOLI[(rest ^ octet) & 255]
    return rest ^ 0xFFFFFFFF


def text(ends: Ends | None) -> bytes:
    """
    A header of version 1.

    @param ends: C{None}: not known, as where a client has no IP address.
    """
    found = _numbers(ends)
    if found is None:
        return UNKNOWN
    source, destination, ports = found
    words = (f"TCP{source.version}", _shown(source), _shown(destination), *map(str, ports))
    return b"PROXY %b\r\n" % " ".join(words).encode()


def binary(
    ends: Ends | None, fields: Sequence[tuple[int, bytes]] = (), datagrams: bool = False
) -> bytes:
    """
    A header of version 2.

    @param fields: further ones: kind and content.
    @param datagrams: it is about UDP, not TCP.
    """
    tail = b"".join(
        b"%c%b%b" % (kind, len(content).to_bytes(2, "big"), content) for kind, content in fields
    )
    found = _numbers(ends)
    if found is None:
        # Proxied, and yet without addresses: what the fields say still counts.
        return _framed(0x21, 0, tail) if tail else LOCAL
    source, destination, ports = found
    numbers = b"".join(port.to_bytes(2, "big") for port in ports)
    family = _STREAM_4 if source.version == 4 else _STREAM_6
    if datagrams:
        family += _DATAGRAMS
    return _framed(0x21, family, source.packed + destination.packed + numbers + tail)


def _framed(command: int, family: int, content: bytes) -> bytes:
    return b"%b%c%c%b%b" % (SIGNATURE, command, family, len(content).to_bytes(2, "big"), content)


_Number = ipaddress.IPv4Address | ipaddress.IPv6Address


def _numbers(ends: Ends | None) -> tuple[_Number, _Number, tuple[int, int]] | None:
    """Both addresses in one family; C{None} when one is none."""
    if ends is None:
        return None
    try:
        source: _Number = ipaddress.ip_address(ends[0][0])
        destination: _Number = ipaddress.ip_address(ends[1][0])
    except ValueError:
        return None
    if source.version != destination.version:
        source, destination = _in_six(source), _in_six(destination)
    return source, destination, (ends[0][1], ends[1][1])


def _in_six(address: _Number) -> ipaddress.IPv6Address:
    if isinstance(address, ipaddress.IPv6Address):
        return address
    return ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)


def _shown(address: _Number) -> str:
    """Without a zone, which means nothing elsewhere."""
    return str(address).partition("%")[0]
