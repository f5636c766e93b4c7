"""Figures of certificates."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from fiberlb.api.metrics.words import words
from fiberlb.control.expiry import endings
from fiberlb.control.service import ControlService
from fiberlb.model.certificate import Certificate
from fiberlb.model.ocsp import NONE


def certificates(control: ControlService) -> Iterator[Metric]:
    """When they end, and what is shown along with them."""
    named = words(control.configuration.all(Certificate).values())
    ends = GaugeMetricFamily(
        "fiberlb_certificate_expires_timestamp_seconds",
        "When a certificate ends, in seconds since 1970.",
        labels=("certificate",),
    )
    for one in endings(control.configuration, control.certificates):
        ends.add_metric((named[one.id],), one.at)
    yield ends
    yield _stapled(control, named)


def _stapled(control: ControlService, named: dict[str, str]) -> Metric:
    found = GaugeMetricFamily(
        "fiberlb_certificate_ocsp_expires_timestamp_seconds",
        "When the OCSP response of a certificate ends, in seconds since 1970; 0: there is none.",
        labels=("certificate",),
    )
    for made in control.configuration.all(Certificate).values():
        if made.enabled and made.ocsp != NONE:
            staple = control.staples.staple(made, control.certificates.read)
            found.add_metric((named[made.id],), 0.0 if staple is None else staple.until)
    return found
