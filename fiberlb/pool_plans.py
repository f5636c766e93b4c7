"""What a pool's configuration means, compiled for those who serve and check its members."""

from __future__ import annotations

import attrs

from fiberlb.balancing.table import ALGORITHMS
from fiberlb.errors import Problem
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.health_monitor import HealthMonitor, IntroducedMonitor, MonitorType
from fiberlb.model.host_names import asked_name
from fiberlb.model.listener import TlsVersion
from fiberlb.model.pool import Member, Pool, PoolProtocol, ProxyVersion
from fiberlb.model.pool_tls import PoolTlsConfig
from fiberlb.wire.proxy_protocol import LOCAL, UNKNOWN

#: How members are asked unless the monitor says otherwise.
_MONITORS = {
    PoolProtocol.HTTP: MonitorType.HTTP,
    PoolProtocol.HTTPS: MonitorType.HTTPS,
    PoolProtocol.TCP: MonitorType.TCP,
    PoolProtocol.UDP: MonitorType.UDP_CONNECT,
}


@attrs.frozen
class MemberTlsPlan:
    """
    How a pool's members are spoken to by TLS, and verified.

    @ivar server_name: asked for and looked for; C{None}: each member's own address.
    @ivar authorities: a C{client_ca}; C{None}: those that the machine trusts.
    @ivar client: shown to members that ask for a certificate.
    @ivar insecure: anybody is taken for a member.
    """

    server_name: str | None
    authorities: Certificate | None
    client: Certificate | None
    min_version: TlsVersion
    insecure: bool


@attrs.frozen
class PoolPlan:
    """
    One pool.

    @ivar members: the enabled ones, in order of creation, also those of weight 0.
    @ivar monitor: with its type resolved; C{None} if there is none or it is disabled.
    @ivar tls: of the requests, if C{pool.encrypts}, and of the checks that speak TLS;
        C{None} where neither does.
    @ivar by_name: some of the members are given by name.
    """

    pool: Pool
    members: tuple[Member, ...]
    monitor: HealthMonitor | None
    tls: MemberTlsPlan | None = None
    by_name: bool = False

    def most(self, member: Member) -> int | None:
        """Requests, or connections, that a member takes at the same time; C{None}: no limit."""
        own = member.max_connections
        return self.pool.member_max_connections if own is None else own

    @property
    def limited(self) -> bool:
        """Whether any member has a limit."""
        return self.pool.member_max_connections is not None or any(
            member.max_connections is not None for member in self.members
        )


def pool_plan(configuration: Configuration, pool: Pool, problems: list[Problem]) -> PoolPlan:
    """
    The plan of one pool.

    @param problems: takes what is wrong, at C{("pools", id, field)}.
    """
    if pool.algorithm not in ALGORITHMS:
        path = ("pools", pool.id, "algorithm")
        problems.append(Problem(path, f"{pool.algorithm.value} is not known here"))
    members = tuple(m for m in configuration.children(Member, pool.id) if m.enabled)
    by_name = any(asked_name(member.address) for member in members)
    tls = _member_tls(configuration, pool, problems)
    return PoolPlan(pool, members, _monitor(pool), tls, by_name)


def _member_tls(
    configuration: Configuration, pool: Pool, problems: list[Problem]
) -> MemberTlsPlan | None:
    if not pool.encrypts and not pool.checks_tls:
        return None
    tls = pool.tls_config or PoolTlsConfig()

    def certificate(name: str) -> Certificate | None:
        """What is referred to; not to be left out while it is disabled: that would be laxer."""
        ident = getattr(tls, name)
        found = None if ident is None else configuration.all(Certificate).get(ident)
        if found is not None and not found.enabled:
            path = ("pools", pool.id, "tls_config", name)
            problems.append(Problem(path, f"certificate {found.name!r} is disabled"))
        return found

    return MemberTlsPlan(
        server_name=tls.server_name,
        authorities=certificate("ca_certificate_id"),
        client=certificate("client_certificate_id"),
        min_version=tls.min_version,
        insecure=tls.insecure_skip_verify,
    )


def _monitor(pool: Pool) -> HealthMonitor | None:
    monitor = pool.health_monitor
    if monitor is None or not monitor.enabled:
        return None
    if monitor.type is None:
        monitor = attrs.evolve(monitor, type=_MONITORS[pool.protocol])
    streams = pool.protocol is PoolProtocol.UDP and monitor.type is not MonitorType.UDP_CONNECT
    if pool.proxy_protocol is None or streams:
        # What is asked by TCP of members that are spoken to by UDP expects no header.
        return monitor
    given = {one.name: getattr(monitor, one.name) for one in attrs.fields(HealthMonitor)}
    return IntroducedMonitor(**given, preface=_PREFACES[pool.proxy_protocol])


#: What checks say to members that expect to hear of a client: that there is none.
_PREFACES = {ProxyVersion.V1: UNKNOWN, ProxyVersion.V2: LOCAL}
