"""Figures of pools and their members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from fiberlb.api.metrics.words import words
from fiberlb.control.service import ControlService
from fiberlb.model.l7 import L7Policy
from fiberlb.model.listener import Listener
from fiberlb.model.mirror import targets
from fiberlb.model.pool import Member, Pool

#: Members looked at in one step.
STEP = 200
_LABELS = ("pool", "member")
_GAUGES = (
    ("sessions", "Open connections to the member."),
    ("in_flight", "Requests, or relayed connections, that it serves now."),
)
_COUNTERS = (
    ("requests", "Requests, or relayed connections, sent to the member."),
    ("failures", "Connections to it that were refused, broken or timed out."),
)


def _ends(
    control: ControlService, ident: str, called: str
) -> Iterator[tuple[str, str, Mapping[str, int], str]]:
    """A member, or each address of one by name: what it is called, its health, figures and id."""
    parts = control.members.parts(ident)
    if not parts:
        yield called, control.member_health(ident).health, control.member_figures(ident), ident
        return
    for part in parts:
        health, figures = control.members.seen(part.id)
        word = called if part.id == ident else f"{called}/{part.address}"
        yield word, health.health, figures, part.id


def _queued(control: ControlService, names: Mapping[str, str]) -> Metric:
    """How many wait, of each pool."""
    gauge = GaugeMetricFamily(
        "fiberlb_pool_queued", "Requests, or connections, that wait for a member.", labels=("pool",)
    )
    for ident, name in names.items():
        gauge.add_metric((name,), control.pool_figures(ident).get("queued", 0))
    return gauge


def _copied(control: ControlService, names: Mapping[str, str]) -> Metric:
    """What became of copies of requests, of each pool that gets any."""
    text = "Copies of requests for the pool (mirror), by what became of them."
    counter = CounterMetricFamily("fiberlb_pool_copies", text, labels=("pool", "result"))
    configuration = control.configuration
    holders = chain.from_iterable(configuration.all(c).values() for c in (Listener, Pool, L7Policy))
    for ident in targets(holders):
        figures = control.pool_figures(ident)
        for word in ("sent", "dropped", "failed"):
            counter.add_metric((names[ident], word), figures.get(f"copies_{word}", 0))
    return counter


def pools(control: ControlService) -> Iterator[Metric | None]:
    """What each member has, and how many of a pool's members may serve."""
    configuration = control.configuration
    names = words(configuration.all(Pool).values())
    called = {}
    for pool in names:
        called.update(words(configuration.children(Member, pool)))
    found = []
    up: dict[str, int] = dict.fromkeys(names, 0)
    out: dict[str, int] = dict.fromkeys(names, 0)
    ejections = control.health.ejections()
    often = []
    for number, (ident, member) in enumerate(configuration.all(Member).items()):
        if number % STEP == 0:
            yield None
        for word, health, figures, part in _ends(control, ident, called[ident]):
            serves = health not in ("down", "ejected", "unknown")
            out[member.pool_id] += health == "ejected"
            if member.enabled and serves:
                up[member.pool_id] += 1
            labels = (names[member.pool_id], word)
            often.append((labels, ejections.get(part, 0)))
            found.append((labels, figures, serves))
    yield _of_pools("members_up", "Members that may serve.", names, up)
    yield _of_pools("members_ejected", "Members that failed too often.", names, out)
    panics = dict.fromkeys(control.health.panicking(), 1)
    text = "1: so few members may serve that all are used."
    yield _of_pools("panics", text, names, {ident: panics.get(ident, 0) for ident in names})
    counter = CounterMetricFamily(
        "fiberlb_member_ejections", "How often the member failed too often.", labels=_LABELS
    )
    for labels, count in often:
        counter.add_metric(labels, count)
    yield counter
    yield _queued(control, names)
    yield _copied(control, names)
    gauge = GaugeMetricFamily(
        "fiberlb_member_up", "1: it may serve; 0: it is down, or ejected.", labels=_LABELS
    )
    for labels, _, serves in found:
        gauge.add_metric(labels, int(serves))
    yield gauge
    for key, text in _GAUGES:
        gauge = GaugeMetricFamily(f"fiberlb_member_{key}", text, labels=_LABELS)
        for labels, figures, _ in found:
            gauge.add_metric(labels, figures.get(key, 0))
        yield gauge
    for key, text in _COUNTERS:
        counter = CounterMetricFamily(f"fiberlb_member_{key}", text, labels=_LABELS)
        for labels, figures, _ in found:
            counter.add_metric(labels, figures.get(key, 0))
        yield counter


def _of_pools(
    key: str, text: str, names: Mapping[str, str], counts: Mapping[str, int]
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(f"fiberlb_pool_{key}", text, labels=("pool",))
    for ident, count in counts.items():
        gauge.add_metric((names[ident],), count)
    return gauge
