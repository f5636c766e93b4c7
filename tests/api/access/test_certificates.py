"""Names of clients."""

from __future__ import annotations

from typing import Any

from OpenSSL.crypto import X509
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.api.access.certificates import names, names_in
from tests.support.certificates import authority, leaf


class _Shown:
    """A request, its channel and transport in one, with a certificate."""

    def __init__(self, certificate: Any) -> None:
        self._certificate = certificate
        self.channel = self.transport = self

    def getPeerCertificate(self) -> Any:
        return self._certificate


class NamesTests(SynchronousTestCase):
    """What a certificate calls its owner."""

    def test_names(self) -> None:
        """The common name and the alternatives, each once."""
        made = leaf("ci.example", "other.example", issuer=authority())
        found = names(_Shown(X509.from_cryptography(made.certificate)))
        self.assertEqual(found[0], "ci.example")
        self.assertIn("other.example", found)
        self.assertEqual(len(found), len(set(found)))

    def test_none(self) -> None:
        """No certificate, or no TLS at all."""
        self.assertEqual(names(_Shown(None)), ())
        self.assertEqual(names(object()), ())

    def test_nameless(self) -> None:
        """Its fingerprint is a name too."""
        self.assertTrue(names_in(leaf(common=None, issuer=authority()).certificate)[0])
