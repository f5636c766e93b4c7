"""
The ClientHello of a TLS connection, read without taking part in the handshake.

It comes in pieces cut anywhere, and in records cut anywhere (RFC 8446, 5.1).
What is read here decides where a connection goes, and the member behind reads
the same bytes once more: so whatever OpenSSL would refuse, or could read in
another way, is refused here too.
"""

from __future__ import annotations

import re
from typing import Final

#: Octets of the longest hello that is taken; those with post-quantum keys have about two thousand.
MOST: Final = 16384
#: Alerts (RFC 8446, 6).
UNEXPECTED_MESSAGE: Final = 10
RECORD_OVERFLOW: Final = 22
ILLEGAL_PARAMETER: Final = 47
ACCESS_DENIED: Final = 49
DECODE_ERROR: Final = 50
PROTOCOL_VERSION: Final = 70
INTERNAL_ERROR: Final = 80
UNRECOGNIZED_NAME: Final = 112

_HANDSHAKE: Final = 22
_CLIENT_HELLO: Final = 1
_RECORD_HEADER: Final = 5
#: Octets of a record's content at the most, before encryption.
_MOST_RECORD: Final = 16384
#: Octets before the session id: version and random.
_FIXED: Final = 34
_SERVER_NAME: Final = 0
_ALPN: Final = 16
_LONGEST_NAME: Final = 255
#: What a server name may consist of; an underscore is not a host name's, and yet in use.
_NAME: Final = re.compile(rb"[A-Za-z0-9_.-]+")


class HelloRefused(Exception):
    """
    What came is no ClientHello that can be passed on.

    @ivar alert: the number of the alert that says so; 0: the peer speaks no TLS, and would not
        understand one.
    @ivar detail: for the log.
    """

    def __init__(self, alert: int, detail: str) -> None:
        super().__init__(alert, detail)
        self.alert = alert
        self.detail = detail


def alert(number: int) -> bytes:
    """The record of a fatal alert."""
    return b"\x15\x03\x03\x00\x02\x02%c" % number


class ClientHello:
    """
    A hello that is being read; every octet of it is looked at once, however it is cut.

    @ivar server_name: the name asked for, as sent; C{None}: none was.
    @ivar protocols: what ALPN offers, in the client's order.
    """

    __slots__ = ("_at", "_message", "_raw", "_wanted", "protocols", "server_name")

    def __init__(self) -> None:
        self._raw = bytearray()
        self._message = bytearray()
        #: Where the next record begins.
        self._at = 0
        #: Octets of the message, 0 while unknown.
        self._wanted = 0
        self.server_name: bytes | None = None
        self.protocols: tuple[bytes, ...] = ()

    @property
    def raw(self) -> bytes:
        """Every octet so far, also those behind the hello: what the member is to be sent."""
        return bytes(self._raw)

    def feed(self, data: bytes) -> bool:
        """
        Take what has come.

        @return: whether the hello is whole; feed nothing more then.
        @raise HelloRefused: it is none, or not one that can be passed on.
        """
        raw = self._raw
        raw += data
        if self._at == 0:
            _look(raw)
        while len(raw) >= self._at + _RECORD_HEADER:
            start = self._at + _RECORD_HEADER
            length = _record_length(raw, self._at)
            if len(raw) < start + length:
                break
            self._message += raw[start : start + length]
            self._at = start + length
            if self._whole():
                return True
        return False

    def _whole(self) -> bool:
        message = self._message
        if message[0] != _CLIENT_HELLO:
            raise HelloRefused(UNEXPECTED_MESSAGE, "the handshake does not begin with a hello")
        if len(message) < 4:
            return False
        if not self._wanted:
            self._wanted = 4 + int.from_bytes(message[1:4], "big")
            if self._wanted > MOST:
                raise HelloRefused(ILLEGAL_PARAMETER, f"a hello of more than {MOST} bytes")
        if len(message) < self._wanted:
            return False
        if len(message) > self._wanted:
            # A server in TLS 1.3 must have nothing behind the hello in the same record (5.1),
            # and no client has anything to say there before it has heard an answer.
            raise HelloRefused(UNEXPECTED_MESSAGE, "something follows the hello in its record")
        self._read(bytes(message))
        self._message = bytearray()
        return True

    def _read(self, message: bytes) -> None:
        at = 4 + _FIXED
        session, at = _vector(message, at, 1)
        suites, at = _vector(message, at, 2)
        methods, at = _vector(message, at, 1)
        if len(session) > 32 or len(suites) < 2 or len(suites) % 2 or not methods:
            raise _undecodable("the fields before the extensions")
        if message[4] != 3:
            raise HelloRefused(PROTOCOL_VERSION, "a version that is no version of TLS")
        if at == len(message):
            return
        extensions, at = _vector(message, at, 2)
        if at != len(message):
            raise _undecodable("its length")
        self._read_extensions(extensions)

    def _read_extensions(self, extensions: bytes) -> None:
        seen: set[int] = set()
        at = 0
        while at < len(extensions):
            if at + 2 > len(extensions):
                raise _undecodable("the extensions")
            kind = int.from_bytes(extensions[at : at + 2], "big")
            content, at = _vector(extensions, at + 2, 2)
            if kind in seen:
                raise HelloRefused(ILLEGAL_PARAMETER, f"extension {kind} twice")
            seen.add(kind)
            if kind == _SERVER_NAME:
                self.server_name = _server_name(content)
            elif kind == _ALPN:
                self.protocols = _protocols(content)


def _look(raw: bytearray) -> None:
    """Whether what came first can be TLS at all."""
    if raw and raw[0] != _HANDSHAKE:
        raise HelloRefused(0, "the client does not speak TLS")
    if len(raw) > 1 and raw[1] != 3:
        raise HelloRefused(0, "the client does not speak TLS")


def _record_length(raw: bytearray, at: int) -> int:
    if raw[at] != _HANDSHAKE:
        raise HelloRefused(UNEXPECTED_MESSAGE, "another record within the hello")
    if raw[at + 1] != 3:
        raise HelloRefused(PROTOCOL_VERSION, "a record of another version within the hello")
    length = int.from_bytes(raw[at + 3 : at + 5], "big")
    if length == 0:
        raise HelloRefused(UNEXPECTED_MESSAGE, "an empty record")
    if length > _MOST_RECORD:
        raise HelloRefused(RECORD_OVERFLOW, "a record that is too long")
    return length


def _undecodable(what: str) -> HelloRefused:
    return HelloRefused(DECODE_ERROR, f"{what} cannot be read")


def _vector(data: bytes, at: int, width: int) -> tuple[bytes, int]:
    """What follows its length, and where that ends."""
    start = at + width
    end = start + int.from_bytes(data[at:start], "big")
    if start > len(data) or end > len(data):
        raise _undecodable("a length")
    return data[start:end], end


def _server_name(content: bytes) -> bytes:
    """One host name and nothing else, as every client sends it (RFC 6066, 3)."""
    names, end = _vector(content, 0, 2)
    if end != len(content) or not names or names[0] != 0:
        raise _undecodable("the server name")
    name, end = _vector(names, 1, 2)
    if end != len(names):
        raise _undecodable("the server name")
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise HelloRefused(UNRECOGNIZED_NAME, "a server name that is no host name")
    return name


def _protocols(content: bytes) -> tuple[bytes, ...]:
    """The names in the order of preference (RFC 7301, 3.1)."""
    offered, end = _vector(content, 0, 2)
    if end != len(content) or not offered:
        raise _undecodable("the protocols")
    found = []
    at = 0
    while at < len(offered):
        name, at = _vector(offered, at, 1)
        if not name:
            raise _undecodable("the protocols")
        found.append(name)
    return tuple(found)
