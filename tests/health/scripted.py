"""What the tests of the health service need: scripted checks and snapshots without listeners."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger
from zope.interface import implementer

from fiberlb.health.checks.failure import CheckFailed
from fiberlb.health.checks.target import Check
from fiberlb.model.configuration import Configuration
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.pool import Member, Pool
from fiberlb.snapshot import PoolPlan, Snapshot


class ScriptedChecks:
    """
    Checks that do what the test says.

    @ivar results: member name -> C{None} (passes), a reason, an exception, or
        C{...}: no answer until L{answer}.
    @ivar begun: the time and name of every check.
    @ivar running: checks that wait for an answer, by name.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.results: dict[str, Any] = {}
        self.begun: list[tuple[float, str]] = []
        self.running: dict[str, Deferred[None]] = {}
        self.most = 0

    async def check(self, member: Member, monitor: HealthMonitor) -> None:
        """One check."""
        self.begun.append((self.clock.seconds(), member.name))
        result = self.results.get(member.name)
        if result is ...:
            assert member.name not in self.running, "two checks of one member at once"
            self.running[member.name] = Deferred()
            self.most = max(self.most, len(self.running))
            try:
                await self.running[member.name]
            finally:
                del self.running[member.name]
        elif isinstance(result, Exception):
            raise result
        elif result is not None:
            raise CheckFailed(result)

    def answer(self, name: str) -> None:
        """A check that waits is passed."""
        self.running[name].callback(None)

    def times(self, name: str) -> list[float]:
        """When a member was checked."""
        return [when for when, who in self.begun if who == name]

    @property
    def table(self) -> dict[MonitorType, Check]:
        """As the service takes them."""
        return {MonitorType.HTTP: self.check, MonitorType.TCP: self.check}


MONITOR = HealthMonitor(type=MonitorType.HTTP)


def member(name: str, address: str = "192.0.2.1", port: int = 80, **fields: Any) -> Member:
    """A member whose id is its name."""
    return Member(id=name, name=name, address=address, port=port, pool_id="p", **fields)


def plan(*members: Member, monitor: HealthMonitor | None = MONITOR, **pool: Any) -> PoolPlan:
    """A pool named pool."""
    return PoolPlan(Pool(id="p", name="pool", **pool), members, monitor)


def snapshot(*plans: PoolPlan) -> Snapshot:
    """A snapshot that has pools only."""
    pools = {str(number): one for number, one in enumerate(plans)}
    return Snapshot(0, Configuration(), {}, pools)


@implementer(ILogObserver)
class LogLines:
    """
    A logger and what it was told.

    @ivar events: as the observer got them.
    """

    def __init__(self) -> None:
        self.events: list[LogEvent] = []
        self.log = Logger("test", observer=self)

    def __call__(self, event: LogEvent) -> None:
        self.events.append(event)

    @property
    def lines(self) -> list[str]:
        """Level and text of each event."""
        return [
            f"{event['log_level'].name}: {event['log_format'].format(**event)}"
            for event in self.events
        ]

    @contextmanager
    def new(self) -> Iterator[list[str]]:
        """The lines of a block, complete when it is left."""
        before = len(self.events)
        lines: list[str] = []
        yield lines
        lines.extend(self.lines[before:])
