"""
TLS of the admin API: one context, made anew when its files change.

Everybody who comes may do a lot, and there are few: no sessions are kept, so that each connection
is judged by the authorities that are trusted then.
"""

from __future__ import annotations

from typing import Any

import attrs
from OpenSSL import SSL
from OpenSSL.crypto import X509, X509StoreFlags
from OpenSSL.crypto import Error as StoreError
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from zope.interface import implementer

from fiberlb.errors import ConfigurationError
from fiberlb.model.admin import AdminTls
from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.tls import openssl
from fiberlb.tls.authorities import inspect_authorities
from fiberlb.tls.chain import install
from fiberlb.tls.ciphers import Suites
from fiberlb.tls.contexts import GROUPS
from fiberlb.tls.material import inspect
from fiberlb.tls.refusal import refusal

#: Authorities whose names clients are told; where there are more, none are.
MOST_NAMES = 100
#: Where the settings stand in the file.
PLACE = ("admin", "tls_config")
_OPTIONS = (
    SSL.OP_NO_COMPRESSION
    | SSL.OP_NO_RENEGOTIATION
    | SSL.OP_CIPHER_SERVER_PREFERENCE
    | SSL.OP_NO_TICKET
)


@implementer(IOpenSSLServerConnectionCreator)
class AdminContext:
    """
    Makes the server's side of connections; a change is one reference.

    @raise ConfigurationError: with problems below L{PLACE}.
    """

    def __init__(self, settings: AdminTls) -> None:
        self._context = context_of(settings)

    def use(self, context: SSL.Context) -> None:
        """Have another one from the next connection on."""
        self._context = context

    def serverConnectionForTLS(self, protocol: Any) -> SSL.Connection:
        """A connection that waits for a handshake, of Twisted's memory kind."""
        return SSL.Connection(self._context, None)


def context_of(settings: AdminTls) -> SSL.Context:
    """
    A context for these settings.

    @raise ConfigurationError: with problems below L{PLACE}.
    """
    try:
        return _context(settings)
    except ConfigurationError as why:
        told = [attrs.evolve(one, path=(*PLACE, *one.path)) for one in why.problems]
        raise ConfigurationError(told) from None


def _context(settings: AdminTls) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(_OPTIONS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"fiberlb admin")
    openssl.set_groups(context, GROUPS)
    Suites().apply(context)
    context.set_alpn_select_callback(_http)
    made = Certificate(
        id="admin",
        name="admin",
        certificate=settings.certificate,
        private_key=settings.private_key,
    )
    try:
        install(context, inspect(made))
    except (SSL.Error, ValueError) as why:
        openssl.clear_errors()
        raise refusal("certificate", f"is refused by OpenSSL: {openssl.reason(why)}") from None
    if settings.client_ca is not None:
        _trust(context, settings.client_ca)
    return context


def _trust(context: SSL.Context, pem: str) -> None:
    """Ask clients for a certificate of these authorities; who has none may say a token."""
    judge = Certificate(
        id="admin", name="admin", certificate=pem, cert_type=CertificateType.CLIENT_CA
    )
    try:
        found = inspect_authorities(judge)
        store = context.get_cert_store()
        assert store is not None
        for one in dict.fromkeys(found.certificates):
            store.add_cert(X509.from_cryptography(one))
    except ConfigurationError as why:
        told = [attrs.evolve(one, path=("client_ca",)) for one in why.problems]
        raise ConfigurationError(told) from None
    except (SSL.Error, StoreError, ValueError) as why:
        openssl.clear_errors()
        raise refusal("client_ca", f"is refused by OpenSSL: {openssl.reason(why)}") from None
    store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
    # Clients choose by these names which certificate is meant.
    names = [X509.from_cryptography(one).get_subject() for one in found.certificates]
    if len(names) <= MOST_NAMES:
        context.set_client_ca_list(names)
    context.set_verify(SSL.VERIFY_PEER, lambda connection, shown, error, depth, ok: bool(ok))


def _http(connection: SSL.Connection, offered: list[bytes]) -> Any:
    return b"http/1.1" if b"http/1.1" in offered else SSL.NO_OVERLAPPING_PROTOCOLS
