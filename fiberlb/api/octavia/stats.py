"""Figures of listeners and load balancers, and the tree of their statuses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fiberlb.api.octavia import monitors, statuses
from fiberlb.api.octavia.view import View
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Member, Pool


def of_listener(view: View, listener: Listener) -> dict[str, int]:
    """What a listener has counted."""
    figures = view.control.listener_figures(listener.id)
    failed = figures.get("answers_none", 0) + figures.get("answers_5xx", 0)
    return {
        "active_connections": figures.get("connections", 0),
        "bytes_in": figures.get("received", 0),
        "bytes_out": figures.get("sent", 0),
        "request_errors": failed,
        "total_connections": figures.get("accepted", 0),
    }


def of_balancer(view: View, balancer: LoadBalancer) -> dict[str, int]:
    """What all listeners of a load balancer have counted."""
    return _sum(of_listener(view, one) for one in view.listeners(balancer.id))


def _sum(several: Iterable[dict[str, int]]) -> dict[str, int]:
    done = dict.fromkeys(
        ("active_connections", "bytes_in", "bytes_out", "request_errors", "total_connections"), 0
    )
    for each in several:
        for name, value in each.items():
            done[name] += value
    return done


def tree(view: View, balancer: LoadBalancer) -> dict[str, Any]:
    """The statuses of a load balancer and of all that takes part in it."""
    return {
        "loadbalancer": {
            **_node(balancer, statuses.of_balancer(view, balancer)),
            "listeners": [_listener(view, one) for one in view.listeners(balancer.id)],
        }
    }


def _node(made: Any, operating: str) -> dict[str, Any]:
    return {
        "id": made.id,
        "name": made.name,
        "operating_status": operating,
        "provisioning_status": statuses.ACTIVE,
    }


def _listener(view: View, listener: Listener) -> dict[str, Any]:
    node = _node(listener, statuses.of_listener(view, listener))
    return {**node, "pools": [_pool(view, one) for one in view.pools_of(listener)]}


def _pool(view: View, pool: Pool) -> dict[str, Any]:
    monitor = pool.health_monitor
    health = None
    if monitor is not None:
        kind = monitors.show(view, pool)["type"]
        health = {**_node(monitor, statuses.of_enabled(monitor)), "type": kind}
    return {
        **_node(pool, statuses.of_pool(view, pool)),
        "health_monitor": health,
        "members": [_member(view, m) for m in view.configuration.children(Member, pool.id)],
    }


def _member(view: View, member: Member) -> dict[str, Any]:
    node = _node(member, statuses.of_member(view, member))
    return {**node, "address": member.address, "protocol_port": member.port}
