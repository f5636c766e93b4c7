"""
What one revision of the configuration means, compiled for those who serve it.

A snapshot is immutable. Running state (balancers, idle connections, health)
lives elsewhere, by the ids of members and pools, so that it outlives snapshots.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from fiberlb.model.bounds import Limits, Timeouts
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.listener import Listener, TlsVersion
from fiberlb.model.pool import Member, Pool
from fiberlb.routing.match import Routes


@attrs.frozen
class PoolPlan:
    """
    One pool.

    @ivar members: the enabled ones, in order of creation, also those of weight 0.
    @ivar monitor: with its type resolved; C{None} if there is none or it is disabled.
    """

    pool: Pool
    members: tuple[Member, ...]
    monitor: HealthMonitor | None


@attrs.frozen
class TlsPlan:
    """
    How one listener terminates TLS.

    @ivar default: served where no name fits; at least one, the first one decides the names.
    @ivar others: further certificates, chosen by server name, none of C{default}.
    @ivar strict: an unknown server name is refused.
    @ivar max_version: C{None}: the newest there is.
    @ivar cipher_suites: OpenSSL names; empty: the library's choice.
    """

    default: tuple[Certificate, ...]
    others: tuple[Certificate, ...]
    strict: bool
    min_version: TlsVersion
    max_version: TlsVersion | None
    cipher_suites: tuple[str, ...]


@attrs.frozen
class ListenerPlan:
    """
    One listener that is to listen.

    @ivar addresses: IP address and port of every socket.
    @ivar freebind: bind addresses that the host does not have yet.
    @ivar routes: for a listener that speaks HTTP; of one that does not, only its default is used.
    @ivar timeouts: in force on this listener, before pools and policies override them.
    @ivar limits: in force on this listener.
    @ivar tls: C{None} on a listener without TLS.
    """

    listener: Listener
    addresses: tuple[tuple[str, int], ...]
    freebind: bool
    routes: Routes
    timeouts: Timeouts
    limits: Limits
    tls: TlsPlan | None


@attrs.frozen
class Snapshot:
    """
    One revision, compiled.

    @ivar listeners: by id, the enabled ones of enabled load balancers.
    @ivar pools: by id, all of them; of a disabled one C{pool.enabled} is false.
    """

    revision: int
    configuration: Configuration = attrs.field(repr=False)
    listeners: Mapping[str, ListenerPlan]
    pools: Mapping[str, PoolPlan]
