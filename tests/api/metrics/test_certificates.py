"""Tests of L{fiberlb.api.metrics.certificates}."""

from __future__ import annotations

from fiberlb.model.ocsp import armoured
from tests.api.metrics.reading import Reading
from tests.support.certificates import leaf
from tests.support.ocsp import NOW, Word, watched


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

    def test_staple(self) -> None:
        """The end of each OCSP response; 0 where there is none, nothing where none is wanted."""
        one, other = watched("a.test"), watched("b.test")
        how = {"given": armoured(Word(until=3600).about(one)), "asked": "auto", "none": "none"}
        for name, ocsp in how.items():
            made = one if name == "given" else other
            body = {"name": name, "certificate": made.chain, "private_key": made.key_pem()}
            self.post("/v1/certificates", {**body, "ocsp": ocsp})
        name = "fiberlb_certificate_ocsp_expires_timestamp_seconds"
        found = self.value(name, certificate="given")
        self.assertLess(abs(found - NOW.timestamp() - 3600), 2)
        self.assertEqual(self.value(name, certificate="asked"), 0)
        self.assertEqual(len(self.samples()[name]), 2)
