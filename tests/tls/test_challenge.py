"""Tests of L{fiberlb.tls.challenge}."""

from __future__ import annotations

import ssl

from cryptography import x509
from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.challenge import challenge_certificate
from fiberlb.model.challenges import ALPN
from fiberlb.tls.challenge import ChallengeContexts
from tests.tls.handshake import V12, V13, client_context


class ContextTests(SynchronousTestCase):
    """One name that is asked for."""

    def setUp(self) -> None:
        """Its certificate."""
        self.contexts = ChallengeContexts({"a.test": challenge_certificate("a.test", "proof")})

    def test_chosen(self) -> None:
        """Only who offers this protocol alone, for this name, is answered (RFC 8737, 3)."""
        for name, protocols in (
            (b"b.test", (ALPN,)),
            (b"a.test", ()),
            (b"a.test", (ALPN, b"h2")),
            (b"a.test", (b"http/1.1",)),
        ):
            self.assertIsNone(self.contexts.connection(None, name, protocols))

    def test_handshake(self) -> None:
        """The certificate is shown and the protocol agreed on, in both versions of TLS."""
        for version in (V12, V13):
            server = self.contexts.connection(None, b"a.test", (ALPN,))
            assert server is not None
            context = client_context(version, version, ("acme-tls/1",))
            into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
            client = context.wrap_bio(into, out, server_hostname="a.test")
            for _ in range(6):
                try:
                    client.do_handshake()
                except ssl.SSLWantReadError:
                    pass
                if data := out.read():
                    server.bio_write(data)
                try:
                    server.do_handshake()
                except SSL.WantReadError:
                    pass
                try:
                    into.write(server.bio_read(65536))
                except SSL.WantReadError:
                    pass
            self.assertEqual(client.selected_alpn_protocol(), "acme-tls/1")
            der = client.getpeercert(binary_form=True)
            assert der is not None
            shown = x509.load_der_x509_certificate(der)
            self.assertIn("1.3.6.1.5.5.7.1.31", [e.oid.dotted_string for e in shown.extensions])
