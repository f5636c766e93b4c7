"""What belongs to this process and is never stored (product page, decision 17)."""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.access_log import AccessLog, AccessLogFormat
from fiberlb.model.acme import AcmeSettings
from fiberlb.model.addresses import LONGEST_PATH, Network
from fiberlb.model.admin import Admin
from fiberlb.model.bounds import Limits
from fiberlb.model.convert import Nested, Partial
from fiberlb.model.expectation import RequestTest
from fiberlb.model.fields import Flag, Loading, OneOf, Optional, Several, Text, field
from fiberlb.model.octavia import OctaviaSettings
from fiberlb.model.overload import Overload
from fiberlb.model.quantities import Duration
from fiberlb.model.resolver import ResolverSettings
from fiberlb.model.store import EtcdSettings, StoreSetting

#: C{workers: auto}: as many as there are processors for them.
AUTO = -1
MOST_WORKERS = 512
#: Octets of the path of a state directory that the workers' socket is in.
LONGEST_STATE = LONGEST_PATH - len("/workers.sock")


__all__ = [
    "AUTO",
    "AccessLog",
    "AccessLogFormat",
    "Admin",
    "Log",
    "LogLevel",
    "Node",
    "Settings",
    "Shutdown",
]


class LogLevel(Enum):
    """The least important message that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"


@attrs.frozen
class WorkerCount:
    """C{workers}: how many, or C{auto} (L{AUTO}); C{0} is everything in one process."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if isinstance(value, str) and value.lower() == "auto":
            return AUTO
        text = str(value)
        if isinstance(value, int | str) and not isinstance(value, bool) and text.isdecimal():
            count = int(text)
            if count <= MOST_WORKERS:
                return count
        return loading.refuse(path, f"must be auto, or a number from 0 to {MOST_WORKERS}")

    def dump(self, value: Any) -> Any:
        return "auto" if value == AUTO else value

    def schema(self) -> dict[str, Any]:
        number = {"type": "integer", "minimum": 0, "maximum": MOST_WORKERS}
        return {"anyOf": [{"const": "auto"}, number]}


@attrs.frozen(kw_only=True)
class Node:
    """@ivar name: C{None}: the host's name."""

    name: str | None = field(Optional(Text(255, 1)), None)


@attrs.frozen(kw_only=True)
class Log:
    """
    The log of what FiberLB itself does.

    @ivar path: C{stderr} or a file.
    """

    level: LogLevel = field(OneOf(LogLevel, {"warning": "warn"}), LogLevel.INFO)
    path: str = field(Text(4096, 1), "stderr")


@attrs.frozen(kw_only=True)
class Shutdown:
    """
    How the process, and each worker, ends.

    @ivar grace: seconds in which C{/readyz} says no and everything goes on.
    @ivar deadline: seconds after that for what runs, then it is cut.
    @ivar worker_deadline: the same for a worker that another one has taken the
        place of, and for how long workers go on without a control process.
    """

    grace: float = field(Duration(positive=False), 5.0)
    deadline: float = field(Duration(positive=False), 30.0)
    worker_deadline: float = field(Duration(positive=False), 3600.0)


@attrs.frozen(kw_only=True)
class Settings:
    """
    The process settings of the configuration file.

    @ivar version: of the file's form; 1 is the only one.
    @ivar state_directory: C{None}: found by the start (product page, "Configuration file").
    @ivar key_file: C{None}: C{key} in the state directory.
    @ivar store: C{None}: C{fiberlb.db} in the state directory.
    @ivar workers: processes for traffic; L{AUTO}: as many as there are processors for
        them; 0: none beside this one.
    @ivar trusted_proxies: networks whose forwarded headers are believed.
    @ivar limits: bounds for every listener, as pairs over L{Limits}.
    @ivar overload: what a process does when it is too slow.
    @ivar acme: what certificates go by that are ordered by themselves.
    @ivar resolver: how names of members become addresses.
    @ivar octavia: how what Octavia's clients make comes to an address.
    @ivar tests: what is to become of requests.
    @ivar enforce_tests: whatever would make a test fail is refused.
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"tor", "grpc"})
    CHILDREN: ClassVar[dict[str, str]] = {
        "load_balancers": "load_balancers",
        "certificates": "certificates",
        "pools": "pools",
        "listeners": "listeners",
        "l7_policies": "l7_policies",
    }

    version: int = field(Text(1, 1, "1", "1, the only form there is"), "1", converter=int)
    node: Node = field(Nested(Node), Node())
    state_directory: str | None = field(Optional(Text(4096, 1)), None)
    key_file: str | None = field(Optional(Text(4096, 1)), None)
    admin: Admin = field(Nested(Admin), Admin())
    store: str | EtcdSettings | None = field(Optional(StoreSetting()), None)
    workers: int = field(WorkerCount(), AUTO)
    trusted_proxies: tuple[str, ...] = field(Several(Network()), ())
    access_log: AccessLog = field(Nested(AccessLog), AccessLog(format=AccessLogFormat.OFF))
    log: Log = field(Nested(Log), Log())
    shutdown: Shutdown = field(Nested(Shutdown), Shutdown())
    limits: tuple[tuple[str, Any], ...] = field(Partial(Limits), ())
    overload: Overload = field(Nested(Overload), Overload())
    acme: AcmeSettings = field(Nested(AcmeSettings), AcmeSettings())
    resolver: ResolverSettings = field(Nested(ResolverSettings), ResolverSettings())
    octavia: OctaviaSettings = field(Nested(OctaviaSettings), OctaviaSettings())
    tests: tuple[RequestTest, ...] = field(Several(Nested(RequestTest)), ())
    enforce_tests: bool = field(Flag(), False)

    def check(self, path: Path, loading: Loading) -> None:
        """Workers find control at a socket in the state directory."""
        told = too_long(self.state_directory or "")
        if told and self.workers:
            loading.refuse((*path, "state_directory"), told)


def too_long(directory: str) -> str:
    """Why a state directory is none with workers, a sentence; empty: it is one."""
    octets = len(directory.encode("utf-8", "surrogatepass"))
    if octets <= LONGEST_STATE:
        return ""
    return (
        f"has a path of {octets} octets; {LONGEST_STATE} are the most that leave room for the"
        " socket of the workers in it"
    )
