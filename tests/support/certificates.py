"""
Certificates for tests: made when asked for, kept for the rest of the run.

Keys are P-256 unless said otherwise; they take microseconds, RSA keys a tenth
of a second (all RSA leaves share two keys).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from fiberlb.model.certificate import Certificate, CertificateType

#: Wall time of the making: certificates are valid from a day before.
_NOW = datetime.now(UTC)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

#: Key forms: what C{openssl genpkey}, C{openssl rsa}, C{openssl ec} write.
FORMS = {
    "pkcs8": PrivateFormat.PKCS8,
    "traditional": PrivateFormat.TraditionalOpenSSL,
}


@attrs.frozen
class Authority:
    """A certificate authority, root or intermediate."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        """Its certificate."""
        return self.certificate.public_bytes(Encoding.PEM).decode()


@attrs.frozen
class Leaf:
    """
    A server's certificate.

    @ivar issuers: what stands between it and the root, the nearest first.
    """

    certificate: x509.Certificate
    key: Key
    issuers: tuple[Authority, ...] = ()

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def chain(self) -> str:
        """The certificate and its intermediates."""
        return self.pem + "".join(issuer.pem for issuer in self.issuers)

    def key_pem(self, form: str = "pkcs8", passphrase: str | None = None) -> str:
        """The key as C{pkcs8} or C{traditional} (PKCS#1 or SEC 1), encrypted if so asked."""
        encryption: KeySerializationEncryption = NoEncryption()
        if passphrase is not None:
            encryption = BestAvailableEncryption(passphrase.encode())
        return self.key.private_bytes(Encoding.PEM, FORMS[form], encryption).decode()

    def model(self, ident: str = "", name: str = "") -> Certificate:
        """The certificate as a configuration holds it; the id is derived from the serial."""
        ident = ident or f"00000000-0000-4000-8000-{self.certificate.serial_number % 16**12:012x}"
        return Certificate(id=ident, name=name, certificate=self.chain, private_key=self.key_pem())


PURPOSES = {
    "server": ExtendedKeyUsageOID.SERVER_AUTH,
    "client": ExtendedKeyUsageOID.CLIENT_AUTH,
}

#: What an authority's key may be used for; strict clients look.
_SIGNS = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


@cache
def key(kind: str = "ec", number: int = 0) -> Key:
    """A private key: C{ec}, C{p384}, C{secp256k1}, C{rsa}, C{rsa1024} or C{ed25519}."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:] or 2048))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    curves = {"ec": ec.SECP256R1(), "p384": ec.SECP384R1(), "secp256k1": ec.SECP256K1()}
    return ec.generate_private_key(curves[kind])


def _name(common: str | None) -> x509.Name:
    if common is None:
        return x509.Name([])
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@cache
def authority(name: str = "Test CA", issuer: Authority | None = None) -> Authority:
    """A root, or an intermediate under C{issuer}."""
    made = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer.certificate.subject if issuer else _name(name))
        .public_key(made.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - timedelta(days=1))
        .not_valid_after(_NOW + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(made.public_key()), False)
        .add_extension(_SIGNS, critical=True)
    )
    signer = issuer.key if issuer else made
    return Authority(builder.sign(signer, hashes.SHA256()), made)


@cache
def leaf(
    *names: str | x509.IPAddress,
    kind: str = "ec",
    issuer: Authority | None = None,
    issuers: tuple[Authority, ...] = (),
    common: str | None = None,
    days: int = 90,
    serial: int = 0,
    purpose: str | None = "server",
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> Leaf:
    """
    A server's certificate for DNS names, or a client's.

    @param names: the alternative names, DNS names or addresses; none: there is no such extension.
    @param kind: of the key, see L{key}.
    @param issuer: who signs; C{None}: L{authority}'s default.
    @param issuers: intermediates to serve with it.
    @param common: the subject's common name.
    @param days: from now to the end; negative: expired.
    @param serial: anything, to have several that are otherwise equal.
    @param purpose: C{server}, C{client}, or C{None} for one without such an extension.
    @param extensions: further ones, not critical.
    """
    # EC keys cost nothing: each leaf has its own.
    made = key(kind) if kind.startswith("rsa") else key.__wrapped__(kind)
    signer = issuer or authority()
    public = made.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common))
        .issuer_name(signer.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_NOW - timedelta(days=max(1, 1 - days)))
        .not_valid_after(_NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                signer.certificate.public_key()  # type: ignore[arg-type]
            ),
            False,
        )
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([PURPOSES[purpose]]), False)
    if names:
        given = [x509.DNSName(n) if isinstance(n, str) else n for n in names]
        alternatives = x509.SubjectAlternativeName(given)
        builder = builder.add_extension(alternatives, critical=common is None)
    return Leaf(builder.sign(signer.key, hashes.SHA256()), made, issuers)


def revoked(
    *leaves: Leaf,
    by: Authority | None = None,
    days: int = 30,
    extension: x509.ExtensionType | None = None,
) -> x509.CertificateRevocationList:
    """
    A revocation list of some certificates.

    @param by: who signs; C{None}: L{authority}'s default.
    @param days: until the next one is due; negative: it is overdue.
    @param extension: a critical one of the list.
    """
    signer = by or authority()
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(signer.certificate.subject)
        .last_update(_NOW - timedelta(days=max(1, 1 - days)))
        .next_update(_NOW + timedelta(days=days))
    )
    for one in leaves:
        entry = x509.RevokedCertificateBuilder().serial_number(one.certificate.serial_number)
        builder = builder.add_revoked_certificate(entry.revocation_date(_NOW).build())
    if extension is not None:
        builder = builder.add_extension(extension, critical=True)
    return builder.sign(signer.key, hashes.SHA256())


def judge(
    *authorities: Authority, crl: x509.CertificateRevocationList | None = None, name: str = ""
) -> Certificate:
    """A C{client_ca} as a configuration holds it."""
    return Certificate(
        id=f"00000000-0000-4000-8000-{authorities[0].certificate.serial_number % 16**12:012x}",
        name=name,
        certificate="".join(one.pem for one in authorities),
        cert_type=CertificateType.CLIENT_CA,
        crl=None if crl is None else crl.public_bytes(Encoding.PEM).decode(),
    )
