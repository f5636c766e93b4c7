"""Pools and their members."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.addresses import (
    SCOPED,
    UNIX,
    Address,
    at,
    check_port,
    load_unix,
    named,
    needs_port,
    plain_ip,
)
from fiberlb.model.bounds import POOL_TIMEOUTS, Timeouts
from fiberlb.model.convert import Nested, Partial
from fiberlb.model.fields import Flag, Loading, OneOf, Optional, Reference, Several, Whole, field
from fiberlb.model.hash_on import HashOn, HashOnText
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.host_names import DNS, load_name, split_all
from fiberlb.model.passive_health import PassiveHealth
from fiberlb.model.persistence import Drain, PersistenceType, SessionPersistence
from fiberlb.model.pool_tls import PoolTlsConfig
from fiberlb.model.quantities import Duration
from fiberlb.model.queue import MOST_AT_ONCE, PoolQueue
from fiberlb.model.resource import Resource
from fiberlb.model.treated import Treated, own_first


class PoolProtocol(Enum):
    """What is spoken to the members."""

    HTTP = "http"
    HTTPS = "https"
    TCP = "tcp"
    UDP = "udp"


class Algorithm(Enum):
    """How a member is chosen; each has an entry in C{fiberlb.balancing.table}."""

    ROUND_ROBIN = "round_robin"
    LEAST_CONNECTIONS = "least_connections"
    SOURCE_IP = "source_ip"
    SOURCE_IP_PORT = "source_ip_port"
    MAGLEV = "maglev"
    RANDOM_TWO = "random_two"
    PEAK_EWMA = "peak_ewma"
    FIRST_AVAILABLE = "first_available"
    HASH = "hash"


class ProxyVersion(Enum):
    """The version of the PROXY protocol that members are sent."""

    V1 = "v1"
    V2 = "v2"


class SessionEnd(Enum):
    """
    What ends relayed connections that run.

    C{MEMBER_DOWN}: the member that they go to is down. C{PRIMARY_UP}: one that is
    preferred to theirs is up again.
    """

    MEMBER_DOWN = "member_down"
    PRIMARY_UP = "primary_up"


class RetryCause(Enum):
    """What is retried."""

    CONNECT = "connect"
    STALE = "stale"
    RESET = "reset"


@attrs.frozen(kw_only=True)
class Retries:
    """
    What happens when a member cannot be reached.

    @ivar attempts: members tried after the first one.
    @ivar on: C{connect}: nothing was sent; C{stale}: a reused connection died
        before the first byte of an answer, the request is replayable;
        C{reset}: a fresh one did.
    @ivar budget_percent: of a pool's requests that may be sent again (C{stale}, C{reset});
        the first ten a second are free.
    """

    attempts: int = field(Whole(0, 10), 2)
    on: tuple[RetryCause, ...] = field(
        Several(OneOf(RetryCause), single=True),
        (RetryCause.CONNECT, RetryCause.STALE, RetryCause.RESET),
    )
    budget_percent: int = field(Whole(0, 100), 20)


@attrs.frozen
class MemberAddress:
    """An IP address, a host name, C{dns:} and one, or C{unix:/path}; C{tor:} comes later."""

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        if not isinstance(value, str):
            return loading.refuse(path, f"{value!r} is neither an IP address nor a host name")
        if value.startswith(UNIX):
            return load_unix(value, path, loading)
        if value.startswith("tor:"):
            return loading.refuse(
                path, "tor: known, not supported by this version", code="not_supported"
            )
        if "%" in value:
            return loading.refuse(path, SCOPED, code="not_supported")
        try:
            return plain_ip(value)
        except ValueError:
            return load_name(value, path, loading)

    def dump(self, value: Any) -> Any:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@attrs.frozen(kw_only=True)
class Member(Resource):
    """
    One server of a pool.

    @ivar address: IPv4 or IPv6 without brackets, a host name, C{dns:} and one (every address
        of it), or C{unix:/path}.
    @ivar port: C{None} with C{unix:/path}.
    @ivar weight: share of the traffic, relative to the others; 0 takes none.
    @ivar backup: used only while no other member serves.
    @ivar priority: members of a higher number are used only while none of a lower one
        serves; backups after all of them.
    @ivar monitor_address: checked instead of C{address}.
    @ivar monitor_port: checked instead of C{port}.
    @ivar max_connections: requests, or connections, at the same time, of all workers together;
        C{None}: the pool's.
    """

    COLLECTION: ClassVar[str] = "members"
    PARENT: ClassVar[tuple[str, str] | None] = ("pool_id", "pools")

    pool_id: str = field(Reference("pools"), "")
    address: str = field(MemberAddress())
    port: int | None = field(Optional(Whole(1, 65535)), None)
    weight: int = field(Whole(0, 256), 1)
    backup: bool = field(Flag(), False)
    priority: int = field(Whole(0, 10), 0)
    monitor_address: str | None = field(Optional(Address()), None)
    monitor_port: int | None = field(Optional(Whole(1, 65535)), None)
    max_connections: int | None = field(Optional(Whole(1, MOST_AT_ONCE)), None)

    @classmethod
    def needed(cls, loaded: dict[str, Any]) -> tuple[str, ...]:
        """A port, beside an IP address."""
        return needs_port(loaded.get("address"))

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """
        C{"HOST:PORT [weight=N] [backup] [name=X]"}; an IPv6 host stands in brackets, and
        C{unix:/path} in place of both. C{dns:NAME:PORT} may stand in C{address}, too.
        """
        if not isinstance(value, str):
            return _with_default_name(_parted(value, path, loading))
        words = value.split()
        if words and words[0].startswith(UNIX):
            return _with_words({"address": words[0]}, words[1:], path, loading)
        found = (split_all(words[0]) or split_address(words[0])) if words else None
        if found is None:
            if words and words[0].startswith("tor:"):
                return MemberAddress().load(words[0], path, loading)
            if words and words[0].startswith(DNS):
                return loading.refuse(path, f"{value!r} is not of the form dns:NAME:PORT")
            return loading.refuse(
                path, f"{value!r} is not of the form HOST:PORT [weight=N] [backup]"
            )
        expanded = {"address": found[0], "port": found[1]}
        return _with_words(expanded, words[1:], path, loading)

    def check(self, path: Path, loading: Loading) -> None:
        """A port belongs to an IP address, an address of its own for checks to one server."""
        check_port([self.address], self.port, path, loading)
        if self.address.startswith(DNS) and self.monitor_address:
            message = f"does not go with {self.address}: each of its addresses is checked by itself"
            loading.refuse((*path, "monitor_address"), message)
        if named(self.address) and self.monitor_port and not self.monitor_address:
            message = f"does not go with {self.address}; give monitor_address too"
            loading.refuse((*path, "monitor_port"), message)

    @property
    def place(self) -> tuple[str, int]:
        """Where requests go; port 0 with a Unix socket."""
        return self.address, self.port or 0

    @property
    def identity(self) -> str:
        """Whom requests go to: what TLS and C{Host} name it by where nothing else does."""
        return self.address

    @property
    def configured_id(self) -> str:
        """The id of what is configured: what is said of that is said of this."""
        return self.id


@attrs.frozen(kw_only=True)
class ResolvedMember(Member):
    """
    A member by name, at one of the name's addresses; never configured as such.

    @ivar host: the name.
    @ivar of: id of the member that is configured; of C{dns:} this is another one, see
        L{fiberlb.resolved}.
    """

    host: str
    of: str

    @property
    def identity(self) -> str:
        """The name."""
        return self.host

    @property
    def configured_id(self) -> str:
        """Of the member by name."""
        return self.of


def split_address(text: str) -> tuple[str, str] | None:
    """C{host:port} or C{[v6]:port} as two texts, the brackets gone; C{None} when it is neither."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+(?:%[^\]]*)?)\]|([^\s:\[\]/]+)):([0-9]{1,5})", text)
    return (found[1] or found[2], found[3]) if found else None


def _with_words(
    expanded: dict[str, Any], words: list[str], path: Path, loading: Loading
) -> dict[str, Any] | Any:
    for word in words:
        key, equals, content = word.partition("=")
        if key == "backup" and not equals:
            expanded["backup"] = True
        elif key in ("weight", "name") and content:
            expanded[key] = content
        else:
            return loading.refuse(path, f"{word!r} is not weight=N, backup or name=X")
    return _with_default_name(expanded)


def _parted(value: Any, path: Path, loading: Loading) -> Any:
    """With the port that stands in C{address: dns:NAME:PORT} where ports do."""
    address = value.get("address") if isinstance(value, dict) else None
    found = split_all(address) if isinstance(address, str) else None
    if found is None:
        return value
    if value.get("port") not in (None, found[1], int(found[1])):
        loading.refuse((*path, "port"), f"is another one than in {address!r}")
    return {**value, "address": found[0], "port": found[1]}


def _with_default_name(value: Any) -> Any:
    if not isinstance(value, dict) or value.get("name"):
        return value
    return {**value, "name": at(str(value.get("address", "")), value.get("port", ""))}


@attrs.frozen(kw_only=True, field_transformer=own_first)
class Pool(Treated):
    """
    Members that serve the same thing.

    @ivar proxy_protocol: what each connection to a member begins with; C{None}: nothing.
    @ivar hash_on: what the algorithm C{hash} takes its key from; of no other one.
    @ivar slow_start: seconds over which a member that has come up reaches its full weight.
    @ivar close_sessions_on: what ends relayed connections, or flows; of tcp and udp pools.
    @ivar session_persistence: what keeps clients at their member; C{None}: nothing does.
    @ivar drain: what happens to them while it drains.
    @ivar member_max_connections: requests, or connections, of each member at the same time, of
        all workers together; C{None}: as many as come.
    @ivar queue: those that wait for members that have as many as they may.
    @ivar health_monitor: C{None}: every member counts as up.
    @ivar passive_health: when what requests meet takes a member out; C{None}: never.
    @ivar panic_threshold_percent: with a smaller share of members that may serve, all do,
        whatever their health; 0: never.
    @ivar timeouts: overrides of the listener's, as pairs.
    @ivar tls_config: C{None}: the defaults of L{PoolTlsConfig}, where TLS is spoken at all.
    """

    COLLECTION: ClassVar[str] = "pools"
    CHILDREN: ClassVar[dict[str, str]] = {"members": "members"}
    LATER: ClassVar[frozenset[str]] = Treated.LATER | {"http2"}

    protocol: PoolProtocol = field(
        OneOf(PoolProtocol, later=("proxy", "proxyv2")), PoolProtocol.HTTP
    )
    algorithm: Algorithm = field(OneOf(Algorithm), Algorithm.ROUND_ROBIN)
    hash_on: HashOn | None = field(Optional(HashOnText()), None)
    slow_start: float = field(Duration(positive=False), 0.0)
    proxy_protocol: ProxyVersion | None = field(Optional(OneOf(ProxyVersion)), None)
    tls_config: PoolTlsConfig | None = field(Optional(Nested(PoolTlsConfig)), None)
    close_sessions_on: tuple[SessionEnd, ...] = field(Several(OneOf(SessionEnd), single=True), ())
    session_persistence: SessionPersistence | None = field(
        Optional(Nested(SessionPersistence)), None
    )
    drain: Drain = field(Nested(Drain), Drain())
    member_max_connections: int | None = field(Optional(Whole(1, MOST_AT_ONCE)), None)
    queue: PoolQueue = field(Nested(PoolQueue), PoolQueue())
    retries: Retries = field(Nested(Retries), Retries())
    timeouts: tuple[tuple[str, Any], ...] = field(Partial(Timeouts, POOL_TIMEOUTS), ())
    health_monitor: HealthMonitor | None = field(Optional(Nested(HealthMonitor)), None)
    passive_health: PassiveHealth | None = field(Optional(Nested(PassiveHealth)), PassiveHealth())
    panic_threshold_percent: int = field(Whole(0, 100), 0)

    @property
    def encrypts(self) -> bool:
        """Whether requests reach the members by TLS."""
        return self.protocol is PoolProtocol.HTTPS

    @property
    def checks_tls(self) -> bool:
        """Whether the health checks speak TLS, whatever the requests do."""
        monitor = self.health_monitor
        return monitor is not None and monitor.type in (MonitorType.HTTPS, MonitorType.TLS_HELLO)

    def check(self, path: Path, loading: Loading) -> None:
        """
        A hash needs something to take its key from, and that has to be there.

        Nothing about TLS is accepted where nothing speaks it.
        """
        if self.tls_config is not None and not self.encrypts and not self.checks_tls:
            message = (
                f"does not go with protocol {self.protocol.value}: nothing here speaks TLS to the"
                " members; use protocol https"
            )
            loading.refuse((*path, "tls_config"), message, "protocol: https")
        monitor = self.health_monitor
        speaks = self.protocol in (PoolProtocol.HTTP, PoolProtocol.HTTPS)
        if monitor is not None and monitor.type is None and monitor.body_contains and not speaks:
            where = (*path, "health_monitor", "body_contains")
            loading.refuse(where, "is for checks by HTTP", "type: http")
        relays = self.protocol in (PoolProtocol.TCP, PoolProtocol.UDP)
        if relays:
            self.refuse_treatment(f"needs HTTP, not {self.protocol.value}", path, loading)
        if self.close_sessions_on and not relays:
            loading.refuse((*path, "close_sessions_on"), "goes with tcp and udp pools only")
        self._check_datagrams(path, loading)
        kept = self.session_persistence
        if (
            self.protocol not in (PoolProtocol.HTTP, PoolProtocol.HTTPS)
            and kept is not None
            and kept.type is not PersistenceType.SOURCE_IP
        ):
            text = f"needs HTTP, which a {self.protocol.value} pool does not see"
            loading.refuse((*path, "session_persistence", "type"), text, "source_ip")
        hashes = self.algorithm is Algorithm.HASH
        if hashes and self.hash_on is None:
            text = 'is needed with algorithm hash: "header X", "cookie x", "query x" or path'
            loading.refuse((*path, "hash_on"), text, code="missing")
        elif self.hash_on is not None and not hashes:
            loading.refuse((*path, "hash_on"), "goes with algorithm hash only", "algorithm: hash")
        elif hashes and relays:
            text = f"reads HTTP requests, which a {self.protocol.value} pool does not see"
            loading.refuse((*path, "algorithm"), text, "source_ip")

    def _check_datagrams(self, path: Path, loading: Loading) -> None:
        """What goes with datagrams only, and what does not go with them."""
        monitor = self.health_monitor
        if self.protocol is PoolProtocol.UDP:
            if self.proxy_protocol is ProxyVersion.V1:
                text = "has no form for datagrams; version 2 has"
                loading.refuse((*path, "proxy_protocol"), text, "v2")
            if self.rate_limit is not None:
                loading.refuse((*path, "rate_limit"), "does not go with udp")
            if self.member_max_connections is not None:
                text = "does not go with udp: flows are bounded by connection_limit of the listener"
                loading.refuse((*path, "member_max_connections"), text)
            if self.queue != PoolQueue():
                loading.refuse((*path, "queue"), "does not go with udp: datagrams do not wait")
        elif monitor is not None and monitor.type is MonitorType.UDP_CONNECT:
            loading.refuse((*path, "health_monitor", "type"), "goes with udp pools only", "tcp")
