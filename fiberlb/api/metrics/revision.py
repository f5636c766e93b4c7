"""Figures of the configuration."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

from fiberlb import __version__
from fiberlb.control.service import ControlService


def revision(control: ControlService) -> Iterator[Metric]:
    """Which configuration is in force, and how the last ones fared."""
    info = {"version": __version__, "node": control.node}
    yield InfoMetricFamily("fiberlb", "Which FiberLB this is.", value=info)
    yield GaugeMetricFamily(
        "fiberlb_revision", "The revision of the store in force.", control.revision
    )
    yield GaugeMetricFamily(
        "fiberlb_file_generation", "How often a file was taken.", control.file_generation
    )
    yield GaugeMetricFamily(
        "fiberlb_problems",
        "What is wrong with the configuration now (/v1/status says it in words).",
        len(control.problems) + sum(one.state == "error" for one in control.listeners()),
    )
    reloads = CounterMetricFamily(
        "fiberlb_reloads", "Reloads of the file, by what came of them.", labels=("result",)
    )
    for result, count in control.reloads.items():
        reloads.add_metric((result,), count)
    yield reloads
