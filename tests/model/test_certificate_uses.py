"""Tests of fiberlb.model.certificate_uses."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.model.certificate_uses import of_listener, of_pool
from fiberlb.model.listener import TlsConfig
from fiberlb.model.pool_tls import PoolTlsConfig

CERTIFICATES = {
    name: Certificate(name=name, certificate="PEM", cert_type=CertificateType(kind), crl=crl)
    for name, kind, crl in (
        ("s", "server", None),
        ("sni", "sni", None),
        ("client", "client", None),
        ("ca", "client_ca", None),
        ("crl", "client_ca", "CRL"),
    )
}


class UseTests(SynchronousTestCase):
    """Each for what it is for."""

    def listener(self, *certificates: str, **more: Any) -> list[str]:
        """What is wrong with a listener: fields and messages."""
        tls = TlsConfig(certificate_id=certificates or ("s",), **more)
        found = of_listener(CERTIFICATES, tls, ())
        return [f"{problem.path[0]}: {problem.message}" for problem in found]

    def test_listeners(self) -> None:
        """Shown ones, and those that judge clients."""
        self.assertEqual(
            self.listener(
                "s",
                "sni",
                "ca",
                "unknown",
                sni_certificate_ids=("sni", "client"),
                client_ca_certificate_id="s",
            ),
            [
                "certificate_id: certificate 'sni' is of type sni, never the default",
                "certificate_id: certificate 'ca' is of type client_ca, server or sni is needed",
                "sni_certificate_ids: certificate 'client' is of type client, server or sni is"
                " needed",
                "client_ca_certificate_id: certificate 's' is of type server, client_ca is needed",
            ],
        )

    def test_revokers(self) -> None:
        """They judge too, and have a list."""
        wrong = "client_crl_certificate_id: certificate"
        for ident, expected in (
            ("crl", []),
            ("ca", [f"{wrong} 'ca' has no crl"]),
            ("s", [f"{wrong} 's' is of type server, client_ca is needed"]),
        ):
            found = self.listener(client_ca_certificate_id="ca", client_crl_certificate_id=ident)
            self.assertEqual(found, expected)

    def test_pools(self) -> None:
        """Who vouches for members, and what they are shown."""
        for authority, client, wrong in (
            ("ca", "client", []),
            ("unknown", None, []),
            ("client", "s", ["ca_certificate_id", "client_certificate_id"]),
        ):
            tls = PoolTlsConfig(ca_certificate_id=authority, client_certificate_id=client)
            found = [problem.path[0] for problem in of_pool(CERTIFICATES, tls, ())]
            self.assertEqual(found, wrong)
