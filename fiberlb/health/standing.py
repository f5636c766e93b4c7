"""How many of a pool's members may serve, and which of them may be taken out."""

from __future__ import annotations

from collections.abc import Container

from fiberlb.model.health_monitor import MonitorType
from fiberlb.pool_plans import PoolPlan

_HTTP = frozenset({MonitorType.HTTP, MonitorType.HTTPS, MonitorType.GRPC})
_TLS = frozenset({MonitorType.HTTPS, MonitorType.TLS_HELLO})
_CONNECTING = frozenset({"connect_refused", "connect_timeout"})


class PoolStanding:
    """
    One pool that is enabled.

    @ivar unfit: members that take nothing, or should not.
    @ivar panics: so few may serve that all do.
    """

    def __init__(self, plan: PoolPlan, panics: bool) -> None:
        self.plan = plan
        self.panics = panics
        self.unfit: set[str] = set()
        self._weighty = frozenset(member.id for member in plan.members if member.weight)

    @property
    def total(self) -> int:
        """Members that are there for traffic at all."""
        return len(self._weighty)

    @property
    def usable(self) -> int:
        """Those of them that may serve."""
        return len(self._weighty) - len(self.unfit)

    def mark(self, member_id: str, fit: bool) -> None:
        """Whether a member may serve."""
        if not fit and member_id in self._weighty:
            self.unfit.add(member_id)
        else:
            self.unfit.discard(member_id)

    def spares(self, member_id: str, ejected: Container[str]) -> bool:
        """Whether a member may be ejected beside those that are."""
        policy = self.plan.pool.passive_health
        if policy is None or member_id not in self._weighty or member_id in self.unfit:
            return False
        count = sum(1 for member in self.plan.members if member.id in ejected)
        most = max(1, self.total * policy.max_ejected_percent // 100)
        return self.usable > 1 and count < most

    @property
    def short(self) -> bool:
        """Whether so few may serve that all have to."""
        return self.usable * 100 < self.plan.pool.panic_threshold_percent * self.total

    def would_see(self, cause: str) -> bool:
        """Whether the checks of this pool would fail, too, where requests fail for this cause."""
        monitor = self.plan.monitor
        if monitor is None or cause.startswith("status"):
            return False
        if cause in _CONNECTING:
            return monitor.type is not MonitorType.PING
        return monitor.type in (_TLS if cause == "member_tls" else _HTTP)
