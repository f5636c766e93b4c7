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

    def test_types(self) -> None:
        """Those for members have a key like a server's, authorities have none, and may revoke."""
        client = made(Certificate, certificate="P", private_key="K", cert_type="client")
        self.assertIs(client.cert_type, CertificateType.CLIENT)
        self.assertFalse(client.judges)
        found = made(Certificate, certificate="P", cert_type="client_ca", crl="C")
        self.assertTrue(found.judges)
        self.assertEqual(unstructure(found)["crl"], "C")

    def test_authority_without_key(self) -> None:
        """A key beside or among authorities is a mistake, and not repeated."""
        pem = "-----BEGIN EC PRIVATE KEY-----\nSECRET\n"
        document = {"certificate": pem, "cert_type": "client_ca", "passphrase": "SECRET"}
        self.assertEqual(
            problems(Certificate, {**document, "private_key": "SECRET"}),
            [
                "private_key: does not go with cert_type client_ca",
                "passphrase: does not go with cert_type client_ca",
                "certificate: holds a private key, which a client_ca must not have",
            ],
        )

    def test_crl_of_authorities_only(self) -> None:
        """What else would it revoke?"""
        for kind in ("server", "sni", "client"):
            self.assertEqual(
                problems(Certificate, {"certificate": "P", "crl": "x", "cert_type": kind}),
                ["crl: goes with cert_type client_ca only"],
            )

    def test_refused(self) -> None:
        """What is needed."""
        self.assertEqual(problems(Certificate, {}), ["certificate: is needed"])
        self.assertEqual(
            problems(Certificate, {"acme": {}}),
            ["acme.domains: is needed"],
        )
        self.assertIn(
            "file: is for the configuration file",
            problems(Certificate, {"certificate": "file:x"})[0],
        )
