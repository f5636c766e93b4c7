"""TLS of the admin API: handshakes in memory."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from OpenSSL.crypto import X509
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.admin import AdminTls
from fiberlb.tls.admin import AdminContext, context_of
from tests.support.certificates import Leaf, authority, leaf

_SERVER = leaf("lb.example")
_CLIENTS = authority("Clients")


def settings(one: Leaf = _SERVER, client_ca: str | None = None) -> AdminTls:
    """Settings with this certificate."""
    return AdminTls(certificate=one.chain, private_key=one.key_pem(), client_ca=client_ca)


def handshake(
    server: SSL.Connection, client: Leaf | None = None, most: int = SSL.TLS1_3_VERSION
) -> SSL.Connection:
    """
    The client's side of a handshake that has succeeded.

    @raise SSL.Error: it has not.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_max_proto_version(most)
    if client is not None:
        context.use_certificate(X509.from_cryptography(client.certificate))
        context.use_privatekey(client.key)
    made = SSL.Connection(context, None)
    made.set_connect_state()
    server.set_accept_state()
    for _ in range(6):
        for one, other in ((made, server), (server, made)):
            try:
                one.do_handshake()
            except SSL.WantReadError:
                pass
            try:
                other.bio_write(one.bio_read(65536))
            except SSL.WantReadError:
                pass
    return made


class AdminContextTests(SynchronousTestCase):
    """Who is spoken to, and how."""

    def connection(self, made: AdminTls) -> Any:
        """The server's side."""
        return AdminContext(made).serverConnectionForTLS(None)

    def test_shown(self) -> None:
        """The certificate is shown; clients are not asked for theirs."""
        server = self.connection(settings())
        client = handshake(server)
        self.assertEqual(client.get_protocol_version_name(), "TLSv1.3")
        shown = client.get_peer_certificate()
        assert shown is not None
        self.assertEqual(shown.to_cryptography(), _SERVER.certificate)
        self.assertIsNone(server.get_peer_certificate())

    def test_old_versions(self) -> None:
        """TLS 1.2 with forward secrecy is spoken, nothing older."""
        client = handshake(self.connection(settings()), most=SSL.TLS1_2_VERSION)
        self.assertTrue(str(client.get_cipher_name()).startswith("ECDHE-"))
        server = self.connection(settings())
        self.assertRaises(SSL.Error, handshake, server, None, SSL.TLS1_1_VERSION)

    def test_clients(self) -> None:
        """A client may have a certificate of the authorities, or none, and no other."""
        made = settings(client_ca=_CLIENTS.pem)
        server = self.connection(made)
        handshake(server, leaf("ci.example", issuer=_CLIENTS, purpose="client"))
        shown = server.get_peer_certificate()
        assert shown is not None
        server = self.connection(made)
        handshake(server)
        self.assertIsNone(server.get_peer_certificate())
        for wrong in (
            leaf("ci.example", issuer=authority("Others"), purpose="client"),
            leaf("ci.example", issuer=_CLIENTS, purpose="client", days=-1),
            leaf("ci.example", issuer=_CLIENTS, purpose="server"),
        ):
            self.assertRaises(SSL.Error, handshake, self.connection(made), wrong)

    def test_changed(self) -> None:
        """Another context is for the next connection."""
        one = AdminContext(settings())
        other = leaf("other.example")
        one.use(context_of(settings(other)))
        shown = handshake(one.serverConnectionForTLS(None)).get_peer_certificate()
        assert shown is not None
        self.assertEqual(shown.to_cryptography(), other.certificate)

    def test_refused(self) -> None:
        """What cannot be served is told at its field."""
        key = leaf("x.example").key_pem()
        for made, field in (
            (AdminTls(certificate=_SERVER.pem, private_key=key), "certificate"),
            (AdminTls(certificate="no PEM", private_key=key), "certificate"),
            (AdminTls(certificate=_SERVER.pem), "private_key"),
            (settings(client_ca="no PEM"), "client_ca"),
            (settings(client_ca=_SERVER.pem), "client_ca"),
        ):
            why = self.assertRaises(ConfigurationError, AdminContext, made)
            (problem,) = why.problems
            self.assertEqual(problem.path[:2], ("admin", "tls_config"))
            self.assertNotIn("PRIVATE", str(why))
            if field != "certificate":
                self.assertEqual(problem.path, ("admin", "tls_config", field))
