"""Responders: what they say, made here, and a real one (C{openssl ocsp})."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from tests.support.certificates import Authority, Leaf, authority, key, leaf
from tests.support.ports import free_port
from tests.support.programs import Program, need, temporary_directory

GOOD, REVOKED, UNKNOWN = (
    ocsp.OCSPCertStatus.GOOD,
    ocsp.OCSPCertStatus.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN,
)
MUST_STAPLE = x509.TLSFeature([x509.TLSFeatureType.status_request])
#: Signs leaves and stands in their chains, as issuers have to.
ISSUER = authority("OCSP Lower CA", authority())
NOW = datetime.now(UTC)


def asks(url: str) -> x509.AuthorityInformationAccess:
    """An extension that names a responder."""
    access = x509.AccessDescription(
        AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(url)
    )
    return x509.AuthorityInformationAccess([access])


def watched(name: str, url: str = "", *, must: bool = False, **options: Any) -> Leaf:
    """A certificate under L{ISSUER} that names a responder."""
    extensions: list[x509.ExtensionType] = [asks(url)] if url else []
    extensions += [MUST_STAPLE] if must else []
    options.setdefault("issuers", (ISSUER,))
    return leaf(name, issuer=ISSUER, extensions=tuple(extensions), **options)


@cache
def delegate(
    signer: Authority = ISSUER, *, purpose: bool = True, days: int = 10, kind: str = "ec"
) -> Authority:
    """
    A responder's certificate and key.

    @param purpose: it says that it may sign responses.
    @param kind: of its key.
    """
    made: Any = key(kind)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Responder")]))
        .issuer_name(signer.certificate.subject)
        .public_key(made.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=20))
        .not_valid_after(NOW + timedelta(days=days))
    )
    if purpose:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING])
        builder = builder.add_extension(usage, critical=False)
    return Authority(builder.sign(signer.key, hashes.SHA256()), made)


@attrs.frozen(kw_only=True)
class Word:
    """
    What a responder says.

    @ivar since, until: seconds from now; C{until}: C{None} for no end.
    @ivar by: who signs, C{None}: L{ISSUER}.
    @ivar certificates: sent along.
    @ivar by_key: the signer is named by its key.
    @ivar digest: of the identifiers.
    """

    status: ocsp.OCSPCertStatus = GOOD
    since: float = -3600.0
    until: float | None = 86400.0
    by: Authority | None = None
    certificates: Sequence[x509.Certificate] = ()
    issuer: Authority = ISSUER
    by_key: bool = False
    digest: hashes.HashAlgorithm = attrs.field(factory=hashes.SHA1)
    signed_with: hashes.HashAlgorithm | None = attrs.field(factory=hashes.SHA256)

    def about(self, one: Leaf) -> bytes:
        """The response, DER."""
        end = None if self.until is None else NOW + timedelta(seconds=self.until)
        revoked = self.status is REVOKED
        builder = ocsp.OCSPResponseBuilder().add_response(
            cert=one.certificate,
            issuer=self.issuer.certificate,
            algorithm=self.digest,
            cert_status=self.status,
            this_update=NOW + timedelta(seconds=self.since),
            next_update=end,
            revocation_time=NOW - timedelta(days=1) if revoked else None,
            revocation_reason=None,
        )
        signer = self.by or ISSUER
        encoding = ocsp.OCSPResponderEncoding
        named = encoding.HASH if self.by_key else encoding.NAME
        builder = builder.responder_id(named, signer.certificate)
        if self.certificates:
            builder = builder.certificates(list(self.certificates))
        return builder.sign(signer.key, self.signed_with).public_bytes(Encoding.DER)


def signed_pss(one: Leaf, question: bytes, digest: str, *options: str) -> bytes:
    """
    What C{openssl ocsp} says of a certificate of L{ISSUER} that is good, with RSASSA-PSS.

    @param digest: it signs with; C{options}: of its signature, as C{NAME:VALUE}.
    """
    responder = Responder()
    responder.write(delegate(kind="rsa"))
    responder.index(one)
    (responder.directory / "question").write_bytes(question)
    command = [need("openssl"), "ocsp", "-index", "index.txt", "-CA", "ca.pem", "-ndays", "1"]
    command += ["-rsigner", "cert.pem", "-rkey", "key.pem", "-rmd", digest, "-reqin", "question"]
    command += ["-respout", "answer"]
    for option in ("rsa_padding_mode:pss", *options):
        command += ["-rsigopt", option]
    subprocess.run(command, cwd=responder.directory, check=True, capture_output=True, timeout=60)
    return (responder.directory / "answer").read_bytes()


class Responder:
    """
    C{openssl ocsp} for some certificates of L{ISSUER}; the index may be changed while it runs.

    @ivar url: its address.
    """

    def __init__(self, *, minutes: int = 60) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self.directory = Path(temporary_directory())
        self.minutes = minutes
        self.program: Program | None = None

    def start(self, *leaves: Leaf, revoked: Sequence[Leaf] = ()) -> Responder:
        """Answer for these."""
        self.write(delegate())
        self.index(*leaves, revoked=revoked)
        command = [need("openssl"), "ocsp", "-index", "index.txt", "-port", str(self.port)]
        command += ["-CA", "ca.pem", "-rsigner", "cert.pem", "-rkey", "key.pem"]
        command += ["-nmin", str(self.minutes), "-ignore_err"]
        self.program = Program(command, cwd=str(self.directory))
        # No connection to try it: the program would wait on that for ever.
        self.program.wait_for_line("ACCEPT")
        return self

    def write(self, signer: Authority) -> None:
        """Write the certificates, and the key of whom it signs as."""
        one = Leaf(signer.certificate, signer.key)
        files = {"ca": ISSUER.pem, "cert": one.pem, "key": one.key_pem()}
        for name, text in files.items():
            (self.directory / f"{name}.pem").write_text(text)

    def index(self, *leaves: Leaf, revoked: Sequence[Leaf] = ()) -> None:
        """Write the index; in force when it starts next."""
        lines = []
        for one in (*leaves, *revoked):
            end = one.certificate.not_valid_after_utc.strftime("%y%m%d%H%M%SZ")
            since = NOW.strftime("%y%m%d%H%M%SZ") if one in revoked else ""
            serial = f"{one.certificate.serial_number:X}"
            serial = serial if len(serial) % 2 == 0 else f"0{serial}"
            flag = "R" if one in revoked else "V"
            lines.append(f"{flag}\t{end}\t{since}\t{serial}\tunknown\t/CN=x\n")
        (self.directory / "index.txt").write_text("".join(lines))

    def stop(self) -> None:
        """End it."""
        if self.program is not None:
            self.program.kill()
