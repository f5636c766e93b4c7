"""Figures of listeners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from fiberlb.api.metrics.words import words
from fiberlb.control.service import ControlService
from fiberlb.model.listener import Listener

_CLASSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_LABELS = ("listener",)
#: Why datagrams are dropped (L{fiberlb.relay.datagram_figures.DROPS}).
DROPPED = ("denied", "limit", "no_member", "too_large", "buffer_full", "unreachable")


def listeners(control: ControlService) -> Iterator[Metric]:
    """Each listener's connections, requests, answers and octets."""
    all_listeners = control.configuration.all(Listener)
    called = words(all_listeners.values())
    found = [(one, control.listener_figures(ident)) for ident, one in all_listeners.items()]
    for key, text in (
        ("connections", "Connections open now."),
        ("limit", "Connections that may be open at once; only where there is a limit."),
    ):
        gauge = GaugeMetricFamily(f"fiberlb_listener_{key}", text, labels=_LABELS)
        for listener, figures in found:
            known: Mapping[str, int] = {**figures, "limit": listener.connection_limit}
            if known.get(key, 0) >= 0:
                gauge.add_metric((called[listener.id],), known.get(key, 0))
        yield gauge
    for key, name, text in (
        ("accepted", "accepted", "Connections accepted."),
        ("requests", "requests", "Requests, or relayed connections, begun."),
        ("sent", "sent_bytes", "Octets of bodies sent to clients."),
        ("received", "received_bytes", "Octets of bodies received from clients."),
    ):
        counter = CounterMetricFamily(f"fiberlb_listener_{name}", text, labels=_LABELS)
        for listener, figures in found:
            counter.add_metric((called[listener.id],), figures.get(key, 0))
        yield counter
    text = "Requests that have been answered, by class of the answer's status."
    answers = CounterMetricFamily("fiberlb_listener_answers", text, labels=("listener", "class"))
    for listener, figures in found:
        if listener.speaks_http:
            for word in _CLASSES:
                answers.add_metric((called[listener.id], word), figures.get(f"answers_{word}", 0))
    yield answers
    yield from _datagrams(found, called)
    reasons = CounterMetricFamily(
        "fiberlb_reasons",
        "Requests and connections that FiberLB itself has answered or ended, by reason code.",
        labels=("reason",),
    )
    for reason, count in sorted(control.reasons().items()):
        reasons.add_metric((reason,), count)
    yield reasons


def _datagrams(
    found: Sequence[tuple[Listener, Mapping[str, int]]], called: Mapping[str, str]
) -> Iterator[Metric]:
    """Datagrams of udp listeners."""
    several = [(called[one.id], figures) for one, figures in found if one.datagrams]
    for key, name, text in (
        ("received", "received_datagrams", "Datagrams that clients have sent."),
        ("sent", "sent_datagrams", "Datagrams sent to clients."),
    ):
        counter = CounterMetricFamily(f"fiberlb_listener_{name}", text, labels=_LABELS)
        for listener, figures in several:
            counter.add_metric((listener,), figures.get(f"datagrams_{key}", 0))
        yield counter
    dropped = CounterMetricFamily(
        "fiberlb_listener_dropped_datagrams",
        "Datagrams of clients and members that went no further, by the reason.",
        labels=("listener", "reason"),
    )
    for listener, figures in several:
        for why in DROPPED:
            dropped.add_metric((listener, why), figures.get(f"dropped_{why}", 0))
    yield dropped
