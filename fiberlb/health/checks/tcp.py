"""The TCP check: a member that accepts a connection is up."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Factory, Protocol

from fiberlb.health.checks.failure import explain
from fiberlb.health.checks.target import Check, endpoint
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.pool import Member


class _Touch(Protocol):
    """Connects, says nothing, closes."""

    def connectionMade(self) -> None:
        assert self.transport is not None
        # Closed in order: an RST would fill the logs of many servers.
        self.transport.loseConnection()


def tcp_check(reactor: Any) -> Check:
    """
    Checks that connect and close at once, sending nothing.

    @param reactor: has C{IReactorTCP} and C{IReactorTime}.
    """
    factory = Factory.forProtocol(_Touch)
    factory.noisy = False

    async def check(member: Member, monitor: HealthMonitor) -> None:
        try:
            await endpoint(reactor, member, monitor).connect(factory)
        except Exception as why:
            raise explain(why) from why

    return check
