"""What was issued, by certificate, and how far the next order is: shared by those who ask."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import Configuration

#: The only name of the stand-in: nobody asks for it (RFC 6761, 6.4).
STAND_IN = "stand-in.invalid"


@attrs.frozen(kw_only=True)
class Issue:
    """
    One certificate as it was issued.

    @ivar certificate: PEM, the leaf first.
    @ivar private_key: PEM.
    @ivar domains: what it was ordered for.
    @ivar directory: of the authority.
    @ivar not_before, not_after: seconds since the epoch.
    """

    certificate: str = attrs.field(repr=False)
    private_key: str = attrs.field(repr=False)
    domains: tuple[str, ...]
    directory: str
    not_before: float
    not_after: float


@attrs.frozen(kw_only=True)
class Record:
    """
    What is known of a certificate that orders itself; kept in the store by its id.

    @ivar issue: C{None}: nothing was issued yet.
    @ivar wanted: a digest of what the last order was for.
    @ivar failures: orders that failed since the last one that did not.
    @ivar last_error: why the last one failed; empty after one that did not.
    @ivar next_try: not before this time, seconds since the epoch.
    @ivar unfinished: orders that were begun and never ended: the process did.
    """

    issue: Issue | None = None
    wanted: str = ""
    failures: int = 0
    last_error: str = ""
    next_try: float = 0.0
    unfinished: int = 0


class Issued:
    """
    The book of records.

    @ivar records: by certificate id.
    @ivar running: ids of certificates that are being ordered here.
    """

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.running: set[str] = set()

    def dressed(self, configuration: Configuration) -> Configuration:
        """
        The configuration as it is put in force: with what was issued.

        Where nothing was, a self-signed stand-in lets the listener start.
        """
        known: Mapping[str, Any] = configuration.all(Certificate)
        done = {ident: self.of(made) for ident, made in known.items()}
        if all(done[ident] is known[ident] for ident in known):
            return configuration
        objects = {**configuration.objects, Certificate.COLLECTION: done}
        return attrs.evolve(configuration, objects=objects)

    def of(self, certificate: Certificate) -> Certificate:
        """One certificate as it is put in force."""
        if certificate.acme is None:
            return certificate
        record = self.records.get(certificate.id)
        if record is None or record.issue is None:
            chain, key = stand_in()
            return attrs.evolve(certificate, certificate=chain, private_key=key, waiting=True)
        issue = record.issue
        return attrs.evolve(
            certificate, certificate=issue.certificate, private_key=issue.private_key
        )

    def state(self, ident: str, now: float) -> str:
        """C{pending}, C{valid}, C{renewing} or C{failed}."""
        record = self.records.get(ident, Record())
        if ident in self.running:
            return "pending" if record.issue is None else "renewing"
        if record.last_error:
            return "failed"
        if record.issue is None or record.issue.not_after <= now:
            return "pending"
        return "valid"


@cache
def stand_in() -> tuple[str, str]:
    """A certificate and its key, PEM: self-signed, for no name; made once a process."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "FiberLB: not issued yet")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(STAND_IN)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(Encoding.PEM).decode(), key_text(key)


def key_text(key: ec.EllipticCurvePrivateKey) -> str:
    """A private key as PEM (PKCS#8)."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
