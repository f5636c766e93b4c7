"""Figures of names that members are given by."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from fiberlb.control.service import ControlService


def names(control: ControlService) -> Iterator[Metric]:
    """How many addresses each has, whether the last question was answered, and when one was."""
    states = control.members.names()
    addresses = GaugeMetricFamily(
        "fiberlb_name_addresses", "Addresses by the last good answer.", labels=("name",)
    )
    failing = GaugeMetricFamily(
        "fiberlb_name_failing", "1: the last question brought no address.", labels=("name",)
    )
    answered = GaugeMetricFamily(
        "fiberlb_name_answered_timestamp_seconds",
        "When the last good answer came, in seconds since 1970.",
        labels=("name",),
    )
    for name, state in states.items():
        addresses.add_metric((name,), len(state.addresses))
        failing.add_metric((name,), int(bool(state.error)))
        if state.answered is not None:
            answered.add_metric((name,), state.answered)
    yield from (addresses, failing, answered)
