"""Parsed heads with names instead of places, for tests of the wire."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from fiberlb.errors import Fault
from fiberlb.model.bounds import Limits
from fiberlb.wire import request_head, response_head
from fiberlb.wire.request_head import EXPECT_CONTINUE, KEEP_ALIVE, TRAILERS, UPGRADE

LIMITS = Limits()


@attrs.frozen
class Request:
    """What L{request_head.parse} gives."""

    end: int
    method: bytes
    target: bytes
    minor: int
    block: bytes
    raw: bytes
    length: int
    flags: int
    authority: bytes
    forwarded: bytes
    upgrade: bytes

    @property
    def keep(self) -> bool:
        """The connection may be used again."""
        return bool(self.flags & KEEP_ALIVE)

    @property
    def expects(self) -> bool:
        """It waits for 100 before it sends its body."""
        return bool(self.flags & EXPECT_CONTINUE)

    @property
    def trailers(self) -> bool:
        """It takes trailers."""
        return bool(self.flags & TRAILERS)

    @property
    def upgrades(self) -> bool:
        """It asks for another protocol."""
        return bool(self.flags & UPGRADE)

    @property
    def lines(self) -> list[bytes]:
        """The field lines that are forwarded."""
        return self.block.split(b"\r\n")[1:-1]


@attrs.frozen
class Response:
    """What L{response_head.parse} gives."""

    end: int
    status: int
    reason: bytes
    block: bytes
    length: int
    keep: float
    upgrade: bytes

    @property
    def lines(self) -> list[bytes]:
        """The field lines that are forwarded."""
        return self.block.split(b"\r\n")[1:-1]


def request(data: bytes, limits: Limits = LIMITS, trusted: bool = False) -> Request | None:
    """Parse a request."""
    parsed = request_head.parse(data, limits, trusted)
    return None if parsed is None else Request(*parsed)


def whole(data: bytes, limits: Limits = LIMITS, trusted: bool = False) -> Request:
    """Parse a request whose head is all there."""
    parsed = request(data, limits, trusted)
    assert parsed is not None, data
    return parsed


def fields(*lines: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> Request:
    """Parse a request with these field lines beside C{Host}."""
    return whole(head(*lines, method=method, version=version))


def head(*lines: bytes, method: bytes = b"GET", version: bytes = b"1.1") -> bytes:
    """A request's head with these field lines beside C{Host}."""
    start = method + b" / HTTP/" + version
    return b"\r\n".join([start, b"Host: a.example", *lines, b"", b""])


def refusal(data: bytes, limits: Limits = LIMITS, trusted: bool = False) -> str | None:
    """The reason why a request is refused; C{None} when it is not."""
    try:
        request(data, limits, trusted)
    except Fault as fault:
        return fault.reason
    return None


def response(data: bytes, limits: Limits = LIMITS) -> Response | None:
    """Parse a response."""
    parsed = response_head.parse(data, limits)
    return None if parsed is None else Response(*parsed)


def answered(*lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> Response:
    """Parse a response with these field lines."""
    parsed = response(b"\r\n".join([b"HTTP/" + version + b" " + status, *lines, b"", b""]))
    assert parsed is not None
    return parsed


def bad_response(data: bytes, limits: Limits = LIMITS) -> bool:
    """Whether a response is refused."""
    try:
        response(data, limits)
    except Fault as fault:
        assert fault.reason == "member_bad_response", fault
        return True
    return False


def prefixes(data: bytes) -> Iterable[bytes]:
    """Everything that C{data} begins with, itself not."""
    return (data[:end] for end in range(len(data)))
