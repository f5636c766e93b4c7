"""Certificates."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.model.convert import unstructure
from tests.model.documents import made, problems


class CertificateTests(SynchronousTestCase):
    """The fields; what is in the PEM is judged elsewhere."""

    def test_fields(self) -> None:
        """The key may be left out, it can be in the same text."""
        found = made(Certificate, certificate="PEM")
        self.assertIs(found.cert_type, CertificateType.SERVER)
        self.assertIsNone(found.private_key)
        self.assertIs(
            made(Certificate, certificate="P", cert_type="SNI").cert_type, CertificateType.SNI
        )

    def test_secrets(self) -> None:
        """Neither key nor passphrase is ever shown or answered."""
        found = made(Certificate, certificate="PEM", private_key="KEY", passphrase="PASS")
        for text in (repr(found), str(found), str(unstructure(found))):
            self.assertNotIn("KEY", text)
            self.assertNotIn("PASS", text)

    def test_passphrase(self) -> None:
        """The line end that a file of one line has is no part of it."""
        for text in ("a b", "a b\n", "a b\r\n"):
            found = made(Certificate, certificate="PEM", passphrase=text)
            self.assertEqual(found.passphrase, "a b")

    def test_refused(self) -> None:
        """What is needed, and what comes later."""
        self.assertEqual(
            problems(Certificate, {"acme": {}, "crl": "x", "cert_type": "client"}),
            [
                "acme: known, not supported by this version",
                "crl: known, not supported by this version",
                "cert_type: client: known, not supported by this version",
                "certificate: is needed",
            ],
        )
        self.assertIn(
            "file: is for the configuration file",
            problems(Certificate, {"certificate": "file:x"})[0],
        )
