"""The registry of checks; a further kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from fiberlb.health.checks.http import http_check
from fiberlb.health.checks.target import Check
from fiberlb.health.checks.tcp import tcp_check
from fiberlb.model.health_monitor import MonitorType

#: How checks of each kind are made, given a reactor.
CHECKS: Mapping[MonitorType, Callable[[Any], Check]] = {
    MonitorType.HTTP: http_check,
    MonitorType.TCP: tcp_check,
}


def open_checks(reactor: Any) -> Mapping[MonitorType, Check]:
    """
    All checks, on one reactor.

    @param reactor: has C{IReactorTCP} and C{IReactorTime}.
    """
    return {kind: make(reactor) for kind, make in CHECKS.items()}
