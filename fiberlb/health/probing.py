"""One check of a member, now, phase by phase: for whoever asks why it is down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from fiberlb.health.checks.failure import CheckFailed, CheckImpossible
from fiberlb.health.checks.target import Check, target
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.pool import Member, Pool, PoolProtocol
from fiberlb.model.quantities import duration_text

#: Checks that are made without a connection.
_ALONE = frozenset({MonitorType.PING, MonitorType.UDP_CONNECT})
_WORDS = {MonitorType.TCP: "connect", MonitorType.TLS_HELLO: "tls"}


@attrs.frozen
class Phase:
    """
    One step of a check, with a connection of its own.

    @ivar name: C{connect}, C{tls}, or the type of the monitor.
    @ivar reason: why it failed; empty when it was passed.
    @ivar seconds: that it took.
    """

    name: str
    reason: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the member did what was expected."""
        return not self.reason


@attrs.frozen
class Probe:
    """
    What a member did when it was asked.

    @ivar address: where it was asked, which may be its monitor's address.
    @ivar type: of the check.
    @ivar phases: up to the first one that failed.
    """

    address: str
    port: int
    type: str
    phases: Sequence[Phase]

    @property
    def passed(self) -> bool:
        """Whether it would count for the member."""
        return all(phase.passed for phase in self.phases)


def monitor_for(pool: Pool, monitor: HealthMonitor | None) -> HealthMonitor:
    """The monitor of a pool; where it has none, a connection is all that is asked for."""
    if monitor is not None:
        return monitor
    udp = pool.protocol is PoolProtocol.UDP
    return HealthMonitor(type=MonitorType.UDP_CONNECT if udp else MonitorType.TCP)


def steps(kind: MonitorType, encrypted: bool) -> Sequence[MonitorType]:
    """The checks that lead to one of this type, and it."""
    if kind in _ALONE:
        return [kind]
    before = [MonitorType.TCP, *([MonitorType.TLS_HELLO] if encrypted else [])]
    return [*(step for step in before if step is not kind), kind]


async def probe(
    checks: Mapping[MonitorType, Check],
    clock: Any,
    member: Member,
    monitor: HealthMonitor,
    encrypted: bool,
) -> Probe:
    """
    Ask a member; what comes of it counts neither for nor against it.

    @param checks: of each type.
    @param clock: has C{IReactorTime}.
    @param monitor: its C{type} resolved.
    @param encrypted: it is asked by TLS.
    """
    assert monitor.type is not None
    address, port = target(member, monitor)
    phases: list[Phase] = []
    for kind in steps(monitor.type, encrypted):
        began = clock.seconds()
        reason = await _reason(checks[kind], clock, member, monitor)
        name = _WORDS.get(kind, kind.value)
        phases.append(Phase(name, reason, clock.seconds() - began))
        if reason:
            break
    return Probe(address, port, monitor.type.value, phases)


async def _reason(check: Check, clock: Any, member: Member, monitor: HealthMonitor) -> str:
    try:
        asked = Deferred.fromCoroutine(check(member, monitor))
        await asked.addTimeout(monitor.timeout, clock, _timed_out)
    except (CheckFailed, CheckImpossible) as why:
        return why.reason
    except Exception as why:
        return f"check failed ({type(why).__name__})"
    return ""


def _timed_out(result: object, timeout: float) -> Failure:
    # Whatever the cancelled check made of it, the time was over.
    return Failure(CheckFailed(f"timeout after {duration_text(timeout)}"))
