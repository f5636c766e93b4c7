"""
The proxies that are compared, each configured to do the same work.

One thread or process each, on one CPU; keep-alive on both sides, connections
to the origin shared by all clients, no access log, no compression, no splice
unless it is the proxy's own default; the client's address, scheme and port
handed on in C{X-Forwarded-*}. Over TLS all have the same certificate (ECDSA,
P-256) and TLS 1.2 and 1.3. Twisted's own proxy can do neither the sharing nor
the fields: it is here as what one gets without FiberLB.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.peers.caddy import caddy
from benchmarks.peers.fiberlb import (
    compiled,
    fiberlb,
    on_stock_reactor,
    one_worker,
    two_workers,
    with_access_log,
)
from benchmarks.peers.haproxy import haproxy
from benchmarks.peers.nginx import nginx, start_origin
from benchmarks.peers.python import aiohttp, twisted
from benchmarks.setting import Front, Proxy, Setting

__all__ = ["COMPARED", "PROXIES", "VARIANTS", "Front", "Proxy", "Setting", "start_origin"]

#: Every proxy that can be compared, in the order of the report.
COMPARED: Mapping[str, Callable[[Setting], Proxy]] = {
    "haproxy": haproxy,
    "nginx": nginx,
    "caddy": caddy,
    "fiberlb": fiberlb,
    "aiohttp": aiohttp,
    "twisted": twisted,
}

#: FiberLB in other ways, for single scenarios.
VARIANTS: Mapping[str, Callable[[Setting], Proxy]] = {
    "fiberlb-epoll": on_stock_reactor,
    "fiberlb-log": with_access_log,
    "fiberlb-compiled": compiled,
    "fiberlb-1": one_worker,
    "fiberlb-2": two_workers,
}

#: All of them.
PROXIES: Mapping[str, Callable[[Setting], Proxy]] = {**COMPARED, **VARIANTS}
