"""Figures of certificates."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from fiberlb.api.metrics.words import words
from fiberlb.control.expiry import endings
from fiberlb.control.service import ControlService
from fiberlb.model.certificate import Certificate


def certificates(control: ControlService) -> Iterator[Metric]:
    """When they end."""
    named = words(control.configuration.all(Certificate).values())
    ends = GaugeMetricFamily(
        "fiberlb_certificate_expires_timestamp_seconds",
        "When a certificate ends, in seconds since 1970.",
        labels=("certificate",),
    )
    for one in endings(control.configuration, control.certificates):
        ends.add_metric((named[one.id],), one.at)
    yield ends
