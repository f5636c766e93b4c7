"""Challenges: what an authority asks for is put up everywhere before it is told to look."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from fiberlb.acme.issued import key_text
from fiberlb.model.acme import ChallengeKind
from fiberlb.model.challenges import HTTP_PREFIX, Challenges

#: id-pe-acmeIdentifier (RFC 8737, 6.1).
_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")


class Shown:
    """
    The challenges that are answered now, of all orders.

    @param put_up: has every process answer these and no others; returns when all do.
    """

    def __init__(self, put_up: Callable[[Challenges], Awaitable[None]]) -> None:
        self._put_up = put_up
        self._answers: dict[str, bytes] = {}
        self._certificates: dict[str, tuple[str, str]] = {}

    async def show(self, kind: ChallengeKind, domain: str, token: str, proof: str) -> None:
        """
        Answer one more; returns when every process does.

        @param proof: the key authorization (RFC 8555, 8.1).
        """
        if kind is ChallengeKind.HTTP_01:
            self._answers[HTTP_PREFIX + token] = proof.encode()
        else:
            self._certificates[domain] = challenge_certificate(domain, proof)
        await self._put_up(self._all())

    async def hide(self, kind: ChallengeKind, domain: str, token: str) -> None:
        """Answer it no more."""
        if kind is ChallengeKind.HTTP_01:
            self._answers.pop(HTTP_PREFIX + token, None)
        else:
            self._certificates.pop(domain, None)
        await self._put_up(self._all())

    def _all(self) -> Challenges:
        return Challenges(dict(self._answers), dict(self._certificates))


def challenge_certificate(domain: str, proof: str) -> tuple[str, str]:
    """
    Certificate and key, PEM, of a challenge over TLS (RFC 8737, 3).

    @param proof: the key authorization.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ACME challenge")])
    digest = hashlib.sha256(proof.encode()).digest()
    # An OCTET STRING of 32 octets.
    extension = x509.UnrecognizedExtension(_IDENTIFIER, b"\x04\x20" + digest)
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain)]), critical=False)
        .add_extension(extension, critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode(), key_text(key)
