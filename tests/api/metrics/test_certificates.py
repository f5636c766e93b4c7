"""Tests of L{fiberlb.api.metrics.certificates}."""

from __future__ import annotations

from tests.api.metrics.reading import Reading
from tests.support.certificates import leaf


class CertificateTests(Reading):
    """Figures of certificates."""

    def test_end(self) -> None:
        """The end of each, by its name."""
        one = leaf("a.test")
        body = {"name": "main", "certificate": one.pem, "private_key": one.key_pem()}
        self.post("/v1/certificates", body)
        end = one.certificate.not_valid_after_utc.timestamp()
        name = "fiberlb_certificate_expires_timestamp_seconds"
        self.assertEqual(self.value(name, certificate="main"), end)
