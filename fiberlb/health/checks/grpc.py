"""The gRPC check: grpc.health.v1.Health/Check, by HTTP/2 (grpc/grpc doc/health-checking.md)."""

from __future__ import annotations

import struct
from typing import Any, Final

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from fiberlb.health.checks.failure import CheckFailed, explain
from fiberlb.health.checks.target import Check, addressee, authority, endpoint
from fiberlb.health.checks.tls import TlsOf, secured
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member

#: Octets of an answer, and of everything that comes; a good one has seven in some hundred.
_MOST: Final = 16384
_MOST_IN_ALL: Final = 65536
_SERVING: Final = 1
#: What C{HealthCheckResponse.status} may say.
_WORDS: Final = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
#: Statuses of gRPC that have a plain meaning here.
_STATUSES: Final = {"5": "service is not known there", "12": "has no grpc.health.v1"}
_USER_AGENT: Final = "fiberlb-health-check"
_NOT_GRPC: Final = "does not speak gRPC"


def grpc_check(reactor: Any, tls_of: TlsOf) -> Check:
    """
    Checks that ask for the health of C{monitor.service}, by TLS where the requests go by it.

    @param reactor: has C{IReactorTCP} and C{IReactorTime}.
    @param tls_of: the settings of TLS of a pool, by its id.
    """
    factory = Factory.forProtocol(_Question)
    factory.noisy = False

    async def check(member: Member, monitor: HealthMonitor) -> None:
        secure: Any = None
        if tls_of(member.pool_id) is None:
            where = endpoint(reactor, member, monitor)
        else:
            where, secure = secured(reactor, tls_of, member, monitor, (b"h2",))
        name = secure.server_name if secure else None
        host = monitor.host_header or name or authority(*addressee(member, monitor))
        try:
            asked: Any = await where.connect(factory)
            await asked.ask(host, monitor, secure is not None)
        except Exception as why:
            raise (secure.explain(why) if secure else explain(why)) from why

    return check


@implementer(IHandshakeListener)
class _Question(Protocol):
    """One call on a connection of its own."""

    def __init__(self) -> None:
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        self._begin: Any = None
        self._shaken = False
        self._left = _MOST_IN_ALL
        self._fields: dict[str, str] = {}
        self._body = b""
        self.done: Deferred[None] = Deferred(lambda _: self._give_up())

    def ask(self, host: str, monitor: HealthMonitor, secure: bool) -> Deferred[None]:
        """Send the call, after the handshake if there is one; fires when the member serves."""

        def begin() -> None:
            self._h2.initiate_connection()
            fields = [*self._target(host, secure), *monitor.headers]
            self._h2.send_headers(1, [(name.lower(), value) for name, value in fields])
            self._h2.send_data(1, request(monitor.service), end_stream=True)
            self._flush()

        self._begin = begin
        if not secure or self._shaken:
            begin()
        return self.done

    @staticmethod
    def _target(host: str, secure: bool) -> list[tuple[str, str]]:
        return [
            (":method", "POST"),
            (":scheme", "https" if secure else "http"),
            (":path", "/grpc.health.v1.Health/Check"),
            (":authority", host),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("user-agent", _USER_AGENT),
        ]

    def handshakeCompleted(self) -> None:
        """Verified; whether it is HTTP/2 is the member's to agree on."""
        self._shaken = True
        negotiated = getattr(self.transport, "negotiatedProtocol", None)
        if negotiated not in (None, b"h2"):
            self._end(CheckFailed(_NOT_GRPC))
        elif self._begin is not None:
            self._begin()

    def dataReceived(self, data: bytes) -> None:
        if self.done.called:
            return
        self._left -= len(data)
        try:
            if self._left < 0:
                raise ProtocolError
            for event in self._h2.receive_data(data):
                self._hear(event)
                if self.done.called:
                    return
            self._flush()
        except (ProtocolError, UnicodeError):
            self._end(CheckFailed(_NOT_GRPC))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.done.called:
            self.done.errback(CheckFailed("connection closed without an answer"))

    def _hear(self, event: Any) -> None:
        if isinstance(event, (ResponseReceived, TrailersReceived)):
            fields: Any = event.headers
            self._fields.update(fields)
            if self._fields.get(":status") != "200":
                self._end(CheckFailed(f"status {self._fields.get(':status')}, expected 200"))
        elif isinstance(event, DataReceived):
            self._body += event.data
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if len(self._body) > _MOST:
                self._end(CheckFailed(f"answer longer than {_MOST // 1024}KiB"))
        elif isinstance(event, StreamEnded):
            why = judged(self._fields, self._body)
            self._end(CheckFailed(why) if why else None)
        elif isinstance(event, (StreamReset, ConnectionTerminated)):
            self._end(CheckFailed("connection reset"))

    def _end(self, why: CheckFailed | None) -> None:
        if self.done.called:
            return
        assert self.transport is not None
        if self._begin is not None:
            self._h2.close_connection(ErrorCodes.NO_ERROR)
            self._flush()
        self.transport.loseConnection()
        if why is None:
            self.done.callback(None)
        else:
            self.done.errback(why)

    def _give_up(self) -> None:
        if self.transport is not None:
            self.transport.abortConnection()  # type: ignore[attr-defined]

    def _flush(self) -> None:
        assert self.transport is not None
        self.transport.write(self._h2.data_to_send())


def request(service: str) -> bytes:
    """A C{HealthCheckRequest} as it is sent: one field of text, none where it is empty."""
    name = service.encode()
    message = b"\x0a" + _varint(len(name)) + name if name else b""
    return struct.pack("!BI", 0, len(message)) + message


def judged(fields: dict[str, str], body: bytes) -> str | None:
    """Why an answer, whole, is none of a member that serves; C{None}: it is one."""
    if not fields.get("content-type", "").startswith("application/grpc"):
        return _NOT_GRPC
    status = fields.get("grpc-status", "")
    if status != "0":
        return _STATUSES.get(status) or f"gRPC status {status or 'missing'}"
    try:
        found = serving_status(body)
    except ValueError:
        return "invalid response"
    if found == _SERVING:
        return None
    return _WORDS[found] if found < len(_WORDS) else f"serving status {found}"


def serving_status(body: bytes) -> int:
    """
    The status in a C{HealthCheckResponse}; unknown fields are skipped.

    @raise ValueError: it is none.
    """
    if len(body) < 5 or body[0] or struct.unpack("!I", body[1:5])[0] != len(body) - 5:
        raise ValueError("no message")
    at, status = 5, 0
    while at < len(body):
        tag, at = _read_varint(body, at)
        kind = tag & 7
        if kind == 0:
            value, at = _read_varint(body, at)
            if tag >> 3 == 1:
                status = value
        elif kind == 2:
            size, at = _read_varint(body, at)
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("no message")
    if at != len(body):
        raise ValueError("cut off")
    return status


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise ValueError("cut off")
        octet = data[at]
        at += 1
        number |= (octet & 127) << shift
        if not octet & 128:
            return number, at
    raise ValueError("a number without end")
