"""The registry of checks; a further kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fiberlb.health.checks.grpc import grpc_check
from fiberlb.health.checks.http import http_check, https_check
from fiberlb.health.checks.ping import ping_check
from fiberlb.health.checks.target import Check
from fiberlb.health.checks.tcp import tcp_check
from fiberlb.health.checks.tls import TlsOf, tls_hello_check
from fiberlb.health.checks.udp_connect import udp_connect_check
from fiberlb.model.health_monitor import MonitorType

#: How checks of each kind are made, given a reactor.
CHECKS: Mapping[MonitorType, Callable[[Any], Check]] = {
    MonitorType.HTTP: http_check,
    MonitorType.TCP: tcp_check,
    MonitorType.PING: ping_check,
    MonitorType.UDP_CONNECT: udp_connect_check,
}

#: Those that speak TLS: given also what finds the settings of a pool.
TLS_CHECKS: Mapping[MonitorType, Callable[[Any, TlsOf], Check]] = {
    MonitorType.HTTPS: https_check,
    MonitorType.GRPC: grpc_check,
    MonitorType.TLS_HELLO: tls_hello_check,
}


def open_checks(reactor: Any, tls_of: TlsOf = lambda pool_id: None) -> Mapping[MonitorType, Check]:
    """
    All checks, on one reactor.

    @param reactor: has C{IReactorTCP}, C{IReactorFDSet} and C{IReactorTime}.
    @param tls_of: the settings of TLS of a pool, by its id.
    """
    plain = {kind: make(reactor) for kind, make in CHECKS.items()}
    return {**plain, **{kind: make(reactor, tls_of) for kind, make in TLS_CHECKS.items()}}
