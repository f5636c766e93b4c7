"""
Server name and ALPN of a ClientHello that lies unread in a socket.

For the challenge over TLS (RFC 8737) alone: OpenSSL reads the same bytes
afterwards and judges them, so whatever is odd here is simply no challenge.
"""

from __future__ import annotations

from typing import Final

#: Octets that are looked at: one record, its head included.
MOST: Final = 5 + 16384
_SERVER_NAME: Final = 0
_ALPN: Final = 16


def peek(data: bytes) -> tuple[bytes, tuple[bytes, ...]] | None:
    """
    The server name in lower case (empty without one), and the protocols offered.

    @param data: the beginning of what has come.
    @return: C{None} while the record is not all there.
    @raise ValueError: it is no ClientHello in one record.
    """
    if data[:1] not in (b"", b"\x16") or data[1:2] not in (b"", b"\x03"):
        raise ValueError("no TLS handshake")
    if len(data) < 5:
        return None
    end = 5 + int.from_bytes(data[3:5], "big")
    if end > MOST:
        raise ValueError("too long")
    if len(data) < end:
        return None
    if data[5:6] != b"\x01" or 9 + int.from_bytes(data[6:9], "big") != end:
        raise ValueError("not a ClientHello in one record")
    at = 9 + 34
    for width in (1, 2, 1):
        _, at = _vector(data[:end], at, width)
    return _extensions(_vector(data[:end], at, 2)[0]) if at < end else (b"", ())


def _extensions(data: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    name = b""
    protocols: tuple[bytes, ...] = ()
    at = 0
    while at < len(data):
        kind = int.from_bytes(data[at : at + 2], "big")
        content, at = _vector(data, at + 2, 2)
        if kind == _SERVER_NAME:
            entry, _ = _vector(content, 0, 2)
            name = _vector(entry, 1, 2)[0].lower()
        elif kind == _ALPN:
            protocols = _protocols(_vector(content, 0, 2)[0])
    return name, protocols


def _protocols(data: bytes) -> tuple[bytes, ...]:
    found = []
    at = 0
    while at < len(data):
        one, at = _vector(data, at, 1)
        found.append(one)
    return tuple(found)


def _vector(data: bytes, at: int, width: int) -> tuple[bytes, int]:
    """What follows its length, and where that ends."""
    start = at + width
    end = start + int.from_bytes(data[at:start], "big")
    if start > len(data) or end > len(data):
        raise ValueError("a length beyond the end")
    return data[start:end], end
