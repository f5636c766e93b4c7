"""What FiberLB wants to cost: where a change has to stop, and where it is meant to arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class Goal:
    """
    The goal of one scenario.

    @ivar must: no more than this.
    @ivar aim: the cost that is hoped for.
    @ivar beside: the scenario whose figure of FiberLB's own is 1; C{None}: HAProxy's is, in
        the same scenario.
    @ivar absolute: both are in the scenario's unit and no ratios at all.
    """

    must: float
    aim: float
    beside: str | None = None
    absolute: bool = False


#: By the scenario's name.
GOALS: Mapping[str, Goal] = {
    "keepalive": Goal(1.9, 1.5),
    "keepalive-varied": Goal(1.9, 1.5),
    "new-connections": Goal(1.6, 1.2),
    "download": Goal(0.8, 0.35),
    "tcp-download": Goal(0.8, 0.45),
    "tcp-new": Goal(1.6, 1.2),
    "tls-keepalive": Goal(1.9, 1.5),
    "tls13-full": Goal(1.1, 0.9),
    "tls13-resumed": Goal(1.6, 1.0),
    "tls12-resumed": Goal(1.6, 1.0),
    "policies-200": Goal(1.0, 0.6),
    "policies-10000": Goal(1.5, 1.1, beside="policies-10"),
    "idle-plain": Goal(2.5, 1.1, absolute=True),
    "idle-tls": Goal(40.0, 16.0, absolute=True),
}


def figure(name: str, reports: Mapping[str, Mapping[str, Any]]) -> float | None:
    """
    FiberLB's figure in the terms of the scenario's goal, a median; C{None}: it was not measured.

    @param reports: by the scenario's name.
    """
    goal = GOALS.get(name)
    row = _row(reports, name)
    if goal is None or row is None:
        return None
    if goal.absolute:
        return _number(row, "median")
    if goal.beside is None:
        return _number(row, "ratio_median")
    beside = _row(reports, goal.beside)
    return row["median"] / beside["median"] if beside is not None else None


def _row(reports: Mapping[str, Mapping[str, Any]], name: str) -> Mapping[str, Any] | None:
    return reports[name]["table"].get("fiberlb") if name in reports else None


def _number(row: Mapping[str, Any], key: str) -> float | None:
    value = row[key]
    return None if value is None else float(value)


def verdict(goal: Goal, found: float | None) -> str:
    """One word about a figure."""
    if found is None:
        return "not measured"
    if found <= goal.aim:
        return "reached"
    return "within" if found <= goal.must else "missed"
