"""
Clients' certificates: asked for in the handshake, judged there and once more after it.

OpenSSL judges a certificate in a full handshake only. A resumed session brings
the one of its first handshake along, or none at all, whatever the server name
asks for now; neither the verify mode nor another session id on the leaf context
stops it. So L{Guard.refusal} is asked after every handshake.

The certificates that a client sends along with its own are not kept in a
session. Where they were needed no session is begun, so that whatever resumes
can be judged by the authorities alone; in TLS 1.2, where that is settled before
the certificate comes, no session is begun at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final, Protocol

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL, crypto

from fiberlb.model.certificate import Certificate
from fiberlb.tls.authorities import Authorities
from fiberlb.tls.sni import Names

#: X509_V_ERR_UNABLE_TO_GET_CRL: an authority that has given no list has revoked nothing.
_NO_LIST: Final = 3
#: Octets of authorities' names that clients are told; where there are more, none are.
MOST_NAMES: Final = 16384
#: What somebody is known by who signs revocation lists.
_Signer = tuple[x509.Name, bytes]


class ClientPlan(Protocol):
    """How clients are judged: the shape of C{fiberlb.snapshot.ClientPlan}."""

    @property
    def judge(self) -> Certificate:
        """The authorities, and what they revoked."""

    @property
    def mandatory(self) -> bool:
        """Without a certificate there is no connection."""

    @property
    def names(self) -> tuple[str, ...]:
        """Server names that it is for; empty: all."""

    @property
    def revoker(self) -> Certificate | None:
        """Whose revocation lists count beside those."""


@attrs.frozen(eq=False)
class _Listed:
    """
    What one list revokes.

    @ivar until: when the next one is due; C{None}: the list does not say.
    """

    signer: _Signer
    until: datetime | None
    serials: frozenset[int]


class Guard:
    """
    Judges the clients of one listener; the same object for as long as nothing of it changes.

    @param now: the time of day, for revocation lists; OpenSSL takes the system's for the rest.
    """

    def __init__(
        self,
        plan: ClientPlan,
        authorities: Authorities,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.plan = plan
        self._mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if plan.mandatory else 0)
        self._names = Names((name, True) for name in plan.names) if plan.names else None
        self._authorities = authorities
        self._lists = tuple(_listed(authorities))
        self._store = crypto.X509Store()
        self._fill(self._store)
        self._now = now

    def covers(self, name: bytes | None) -> bool:
        """
        Whether clients that ask for a server name are judged.

        @param name: as they sent it; C{None}: they sent none.
        """
        if self._names is None:
            return True
        return name is not None and self._names.select(name.decode("latin-1")) is not None

    def install(self, context: SSL.Context) -> None:
        """Have a leaf context judge by these authorities, for whoever is asked."""
        store = context.get_cert_store()
        assert store is not None, "a context without a store"
        self._fill(store)
        if self._lists:
            for one in self._authorities.lists:
                store.add_crl(one)
            store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL)
        subjects = [one.subject.public_bytes() for one in self._authorities.certificates]
        if sum(map(len, subjects)) <= MOST_NAMES:
            for authority in self._authorities.certificates:
                context.add_client_ca(authority)

    def _fill(self, store: crypto.X509Store) -> None:
        for authority in self._authorities.certificates:
            store.add_cert(crypto.X509.from_cryptography(authority))
        # Whoever stands here is trusted, whether or not his own authority does.
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)

    def ask(self, connection: SSL.Connection) -> None:
        """In the server name callback: have the client asked, and L{verified} called."""
        connection.set_verify(self._mode)
        if connection.get_protocol_version() < SSL.TLS1_3_VERSION:
            connection.set_options(SSL.OP_NO_TICKET)

    def verified(
        self, connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, ok: bool
    ) -> bool:
        """
        What OpenSSL's verification of one certificate of the chain comes to.

        @param error: OpenSSL's number, if not C{ok}.
        """
        if not ok and error != _NO_LIST:
            return False
        if not depth and self._unrooted(certificate, []):
            connection.set_options(SSL.OP_NO_TICKET)
        return True

    def refusal(self, connection: SSL.Connection) -> str:
        """
        Why a client may not be let in, after its handshake; empty: it may.

        Costs one verification of a signature, on listeners that ask clients only.
        """
        certificate = connection.get_peer_certificate()
        if certificate is None:
            return "the client has shown no certificate" if self.plan.mandatory else ""
        sent = connection.get_peer_cert_chain() or []
        return self._unfit(certificate) or self._unrooted(certificate, sent)

    def _unrooted(self, certificate: crypto.X509, sent: list[Any]) -> str:
        """Why the authorities do not stand behind a certificate; empty: they do."""
        context = crypto.X509StoreContext(self._store, certificate, sent)
        try:
            if not self._lists:
                context.verify_certificate()
                return ""
            chain = context.get_verified_chain()
        except crypto.X509StoreContextError as why:
            return f"the client's certificate is refused: {why}"
        return self._revoked([one.to_cryptography() for one in chain])

    def _revoked(self, chain: list[x509.Certificate]) -> str:
        """Whether any of a chain has been revoked by who signed it."""
        # The last one has nobody above it, other than itself.
        above = [*chain[1:], chain[-1]]
        for certificate, signer in zip(chain, above, strict=True):
            if certificate is signer and certificate.issuer != certificate.subject:
                continue
            known = (signer.subject, _public(signer))
            for listed in self._lists:
                if listed.signer != known:
                    continue
                if certificate.serial_number in listed.serials:
                    return "the client's certificate has been revoked"
                if listed.until is not None and listed.until < self._now():
                    return "a revocation list is overdue"
        return ""

    def _unfit(self, certificate: crypto.X509) -> str:
        """Whether a certificate is for something else than being a client."""
        try:
            extensions = certificate.to_cryptography().extensions
            usage = extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        except x509.ExtensionNotFound:
            return ""
        except (ValueError, x509.DuplicateExtension, UnsupportedAlgorithm):
            return "the client's certificate has extensions that cannot be read"
        if ExtendedKeyUsageOID.CLIENT_AUTH in usage.value:
            return ""
        return "the client's certificate is not for clients"


def _listed(authorities: Authorities) -> Iterator[_Listed]:
    for one in authorities.lists:
        serials = frozenset(entry.serial_number for entry in one)
        for authority in authorities.certificates:
            if authority.subject == one.issuer:
                signer = (authority.subject, _public(authority))
                yield _Listed(signer, one.next_update_utc, serials)


def _public(certificate: x509.Certificate) -> bytes:
    """The public key's encoding; empty for one of a kind that is not known."""
    try:
        key = certificate.public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return b""
