"""Health monitors: how a pool finds out which members serve."""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import REFUSED, Loading, OneOf, Optional, Text, Whole, Words, field
from fiberlb.model.quantities import Codes, Duration, duration_text
from fiberlb.model.resource import Resource

#: Seconds that a check may take unless it is said.
_TIMEOUT = 1.0
#: Fields that say how the check's own connection is used.
_CONNECTION_FIELDS = frozenset(
    "connection content-length expect keep-alive te trailer transfer-encoding upgrade".split()
)


class MonitorType(Enum):
    """How a member is asked."""

    HTTP = "http"
    HTTPS = "https"
    TCP = "tcp"
    TLS_HELLO = "tls_hello"
    PING = "ping"
    GRPC = "grpc"
    UDP_CONNECT = "udp_connect"


class InitialState(Enum):
    """What a member is taken for before its first check has ended."""

    PROBE = "probe"
    UP = "up"
    DOWN = "down"


@attrs.frozen(kw_only=True)
class HealthMonitor(Resource):
    """
    The checks of one pool.

    @ivar type: C{None} follows the pool's protocol.
    @ivar expected_codes: inclusive ranges of statuses that count as healthy.
    @ivar host_header: C{None} sends the server name that TLS asks for, else the member's
        address.
    @ivar headers: further fields of the check's request, as pairs.
    @ivar body_contains: has to stand in the answer's first MiB, as UTF-8.
    @ivar service: whose health gRPC members are asked for; empty: the server's as a whole.
    @ivar port: checked instead of each member's own port.
    @ivar interval: seconds between the starts of two checks of a member.
    @ivar interval_down: the same while it is down; C{None}: no other.
    @ivar timeout: seconds for the whole check, its body included; where a document does not
        say it, the interval of a quicker check.
    @ivar rise: successes in a row that bring a member back.
    @ivar fall: failures in a row that take a member out.
    """

    COLLECTION: ClassVar[str] = "health_monitors"
    type: MonitorType | None = field(
        Optional(OneOf(MonitorType)),
        None,
    )
    method: str = field(Text(16, 1, "[A-Za-z]+", "a method"), "GET", converter=str.upper)
    url_path: str = field(Text(1024, 1, r"/[\x21-\x7e]*", "a path that begins with /"), "/")
    expected_codes: tuple[tuple[int, int], ...] = field(Codes(), ((200, 299),))
    host_header: str | None = field(
        Optional(Text(255, 1, r"[A-Za-z0-9._:\[\]-]+", "a host name")), None
    )
    headers: tuple[tuple[str, str], ...] = field(Words(Text(1024)), ())
    body_contains: str | None = field(Optional(Text(1024, 1, multiline=True)), None)
    service: str = field(Text(255), "")
    port: int | None = field(Optional(Whole(1, 65535)), None)
    interval: float = field(Duration(), 2.0)
    interval_down: float | None = field(Optional(Duration()), None)
    timeout: float = field(Duration(), _TIMEOUT)
    rise: int = field(Whole(1, 100), 2)
    fall: int = field(Whole(1, 100), 3)
    initial_state: InitialState = field(OneOf(InitialState), InitialState.PROBE)

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """C{health_monitor: tcp} is short for its type alone; quick checks end in time."""
        if isinstance(value, str):
            return {"type": value}
        if isinstance(value, dict) and "interval" in value and "timeout" not in value:
            found = Duration().load(value["interval"], path, Loading())
            if found is not REFUSED and found < _TIMEOUT:
                return {**value, "timeout": value["interval"]}
        return value

    def check(self, path: Path, loading: Loading) -> None:
        """A check must have ended when the next one starts, and frames its request itself."""
        if self.timeout > self.interval:
            message = f"must not be longer than the interval{self._beside(self.interval)}"
            loading.refuse((*path, "timeout"), message)
        if self.interval_down is not None and self.timeout > self.interval_down:
            message = f"must not be shorter than the timeout{self._beside(self.interval_down)}"
            loading.refuse((*path, "interval_down"), message)
        self._check_answer(path, loading)
        for name, _ in self.headers:
            if name.lower() == "host":
                loading.refuse((*path, "headers", name), "is set by host_header", "host_header")
            elif name.lower() in _CONNECTION_FIELDS:
                loading.refuse((*path, "headers", name), "is set by the check itself")

    def _beside(self, interval: float) -> str:
        """What to write for a timeout that perhaps nobody wrote; empty: somebody did."""
        if self.timeout != _TIMEOUT:
            return ""
        timeout = duration_text(interval)
        return f"; its default is {duration_text(_TIMEOUT)}, so give timeout: {timeout} too"

    def _check_answer(self, path: Path, loading: Loading) -> None:
        """What is looked for must be able to come."""
        if self.body_contains is not None:
            if self.type not in (None, MonitorType.HTTP, MonitorType.HTTPS):
                loading.refuse((*path, "body_contains"), "is for checks by HTTP")
            elif self.method == "HEAD":
                loading.refuse((*path, "body_contains"), "an answer to HEAD has no body", "GET")
        if self.service and self.type is not MonitorType.GRPC:
            loading.refuse((*path, "service"), "is for checks of type grpc", "type: grpc")


@attrs.frozen(kw_only=True)
class IntroducedMonitor(HealthMonitor):
    """
    The monitor of a pool whose members expect a header first, as it is compiled.

    @ivar preface: what a check says before anything else.
    """

    preface: bytes = b""
