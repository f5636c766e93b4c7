"""
Octavia's statuses, computed from what the data plane sees.

Everything that can be asked for is in force, so the provisioning status is always ACTIVE; an
object that does not do what it should says so by its operating status (spec page
C{octavia-api}, section 1.4).
"""

from __future__ import annotations

from typing import Any

from fiberlb.api.octavia.view import View
from fiberlb.model.listener import Listener
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.operational import MemberMode
from fiberlb.model.pool import Member, Pool

ACTIVE = "ACTIVE"
ONLINE, OFFLINE, DEGRADED, ERROR = "ONLINE", "OFFLINE", "DEGRADED", "ERROR"
NO_MONITOR, DRAINING = "NO_MONITOR", "DRAINING"


def of_enabled(made: Any) -> str:
    """Monitors, policies and rules do what they should while they are enabled."""
    return ONLINE if made.enabled else OFFLINE


def of_member(view: View, member: Member) -> str:
    """One member."""
    if not member.enabled:
        return OFFLINE
    control = view.control
    state = control.operating.states.of(member.id)
    weight = member.weight if state.weight is None else state.weight
    if weight == 0 or state.mode is not MemberMode.READY:
        return DRAINING
    pool = view.configuration.all(Pool).get(member.pool_id)
    monitor = None if pool is None else pool.health_monitor
    if monitor is None or not monitor.enabled:
        return NO_MONITOR
    health = control.member_health(member.id).health
    return {"up": ONLINE, "down": ERROR, "ejected": ERROR}.get(health, OFFLINE)


def of_pool(view: View, pool: Pool) -> str:
    """One pool; one that nobody sends to is offline."""
    listeners, policies = view.users(pool.id)
    if not pool.enabled or not (listeners or policies):
        return OFFLINE
    members = view.configuration.children(Member, pool.id)
    seen = [of_member(view, one) for one in members if one.enabled]
    if seen and all(one == ERROR for one in seen):
        return ERROR
    return DEGRADED if ERROR in seen else ONLINE


def of_listener(view: View, listener: Listener) -> str:
    """One listener."""
    if not listener.enabled:
        return OFFLINE
    states = [one for one in view.control.listeners() if one.listener_id == listener.id]
    if any(one.state == "error" for one in states):
        return ERROR
    limit = listener.connection_limit
    open_now = view.control.listener_figures(listener.id).get("connections", 0)
    return DEGRADED if 0 < limit <= open_now else ONLINE


def of_balancer(view: View, balancer: LoadBalancer) -> str:
    """A load balancer is as good as what is worst of what it has."""
    if not balancer.enabled:
        return OFFLINE
    seen = [of_listener(view, one) for one in view.listeners(balancer.id)]
    seen += [of_pool(view, one) for one in view.pools(balancer.id)]
    if ERROR in seen:
        return ERROR
    return DEGRADED if DEGRADED in seen else ONLINE
