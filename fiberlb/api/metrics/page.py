"""The page that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
from prometheus_client.core import Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from fiberlb.api.metrics.table import SOURCES
from fiberlb.control.service import ControlService

#: What the answer says it is.
CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
#: Samples written in one step: a few milliseconds.
STEP = 500


@attrs.frozen
class _Some(Collector):
    """A registry, as far as C{generate_latest} asks it."""

    metrics: Iterable[Metric]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def page(control: ControlService) -> Iterator[str | None]:
    """
    The figures of a node, written in steps so that nobody waits for those of many objects.

    @return: yields C{None} after each step, then the text.
    """
    parts: list[str] = []
    for source in SOURCES if control.started else ():
        for metric in source(control):
            for part in _parts(metric) if metric is not None else ():
                parts.append(part)
                yield None
        yield None
    yield "".join(parts)


def _parts(metric: Metric) -> Iterator[str]:
    """One metric; what it is stands before its first samples only."""
    for start in range(0, max(len(metric.samples), 1), STEP):
        some = Metric(metric.name, metric.documentation, metric.type, metric.unit)
        some.samples = metric.samples[start : start + STEP]
        text = generate_latest(_Some([some])).decode()
        if start:
            lines = text.splitlines(keepends=True)
            text = "".join(line for line in lines if not line.startswith("#"))
        yield text
