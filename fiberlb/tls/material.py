"""
Certificates as they are served: PEM in, checked objects out.

Everything that can be wrong with a certificate is found here, when a
configuration is loaded, and told about its field; no message ever holds a
piece of what was read.
"""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.certificate import Certificate
from fiberlb.tls.pem import CERTIFICATE_LABELS, KEY_LABELS, blocks
from fiberlb.tls.sni import normal

#: The private keys that OpenSSL can serve TLS 1.2 and 1.3 with.
PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

#: The leaf and what stands between it and a root; more makes no client happy.
MOST_CERTIFICATES = 16
#: Characters of one field; a chain of sixteen RSA-4096 certificates has about 40,000.
MOST_TEXT = 1 << 20
#: Bits; OpenSSL's security level 2 refuses less.
LEAST_RSA_BITS = 2048
#: The curves that every TLS client offers (RFC 8446 section 9.1 and common practice).
CURVES = ("secp256r1", "secp384r1", "secp521r1")


@attrs.frozen(kw_only=True)
class Material:
    """
    A certificate that can be served.

    @ivar leaf: the certificate of the server itself.
    @ivar chain: the ones after it, as given; usually without the root.
    @ivar key: the leaf's private key, never shown.
    @ivar names: DNS names the leaf is for, lower case, without a final dot,
        wildcards as they are; the common name where there are no others.
    @ivar not_before: aware, in UTC.
    @ivar not_after: aware, in UTC.
    """

    leaf: x509.Certificate = attrs.field(repr=False)
    chain: tuple[x509.Certificate, ...] = attrs.field(repr=False)
    key: PrivateKey = attrs.field(repr=False, eq=False)
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime

    @property
    def key_type(self) -> str:
        """C{RSA}, C{EC}, C{Ed25519} or C{Ed448}; a context holds one certificate of each."""
        return _key_type(self.key)

    def expired(self, now: float) -> bool:
        """Whether the leaf's time is over; C{now}: seconds since the epoch."""
        return datetime.fromtimestamp(now, UTC) > self.not_after

    def premature(self, now: float) -> bool:
        """Whether the leaf's time has not begun; C{now}: seconds since the epoch."""
        return datetime.fromtimestamp(now, UTC) < self.not_before


def inspect(certificate: Certificate) -> Material:
    """
    Read a certificate with its chain and key.

    The key may be PKCS#8, PKCS#1 or SEC 1, encrypted or not, and may stand in
    C{certificate} too. Dates are not judged: an expired certificate is served
    (clients complain, traffic of those that do not look goes on), see
    L{Material.expired}.

    @raise ConfigurationError: with problems at C{("certificate",)},
        C{("private_key",)} or C{("passphrase",)}.
    """
    certificates = read_certificates(certificate.certificate, MOST_CERTIFICATES)
    field, key = _key(certificate)
    _match(certificates, key, field)
    leaf = certificates[0]
    try:
        names = _names(leaf)
    except (ValueError, x509.DuplicateExtension, UnsupportedAlgorithm):
        raise refusal("certificate", "has extensions that cannot be read") from None
    return Material(
        leaf=leaf,
        chain=tuple(certificates[1:]),
        key=key,
        names=names,
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
    )


def refusal(field: str, message: str, code: str = "invalid") -> ConfigurationError:
    """One problem with a field of a certificate."""
    return ConfigurationError([Problem((field,), message, code=code)])


def cut(text: str, field: str, labels: frozenset[str], most: int = MOST_TEXT) -> list[bytes]:
    """
    The PEM blocks of a field with one of these labels.

    @param most: characters that the field may have.
    @raise ConfigurationError: it has more.
    """
    if len(text) > most:
        raise refusal(field, f"must have at most {most} characters")
    return [pem for label, pem in blocks(text) if label in labels]


def read_certificates(text: str, most: int) -> list[x509.Certificate]:
    """
    The certificates of a PEM text.

    @raise ConfigurationError: there is none, more than C{most}, or one that cannot be read.
    """
    found = cut(text, "certificate", CERTIFICATE_LABELS)
    if not found:
        raise refusal("certificate", "holds no PEM certificate")
    if len(found) > most:
        raise refusal("certificate", f"must hold at most {most} certificates")
    certificates = []
    for number, pem in enumerate(found, 1):
        try:
            certificates.append(x509.load_pem_x509_certificate(pem))
        except ValueError:
            # "from None" here and below: the reason may quote what was read.
            message = f"certificate number {number} of the text cannot be read"
            raise refusal("certificate", message) from None
    return certificates


def _key(certificate: Certificate) -> tuple[str, PrivateKey]:
    """The private key, and the field it stands in."""
    field, text = "private_key", certificate.private_key
    if text is None:
        field, text = "certificate", certificate.certificate
    found = cut(text, field, KEY_LABELS)
    if not found and certificate.private_key is None:
        message = "is needed: there is no private key in the certificate's text either"
        raise refusal("private_key", message, "missing")
    if len(found) != 1:
        raise refusal(field, f"must hold one PEM private key, not {len(found) or 'none'}")
    key = _decoded(found[0], certificate.passphrase, field)
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < LEAST_RSA_BITS:
        message = f"is an RSA key of {key.key_size} bits; at least {LEAST_RSA_BITS} are needed"
        raise refusal(field, message)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name not in CURVES:
        message = f"is on the curve {key.curve.name}, which TLS clients do not take"
        raise refusal(field, f"{message}; use one of {', '.join(CURVES)}")
    return field, key


def _decoded(pem: bytes, passphrase: str | None, field: str) -> PrivateKey:
    """One PEM block as a key that TLS can use."""
    encrypted = b"ENCRYPTED" in pem  # in the label of PKCS#8, in Proc-Type of the others
    if encrypted and not passphrase:
        raise refusal("passphrase", "is needed: the private key is encrypted", "missing")
    try:
        # A passphrase that nothing needs is no reason to refuse: openssl does not either.
        password = passphrase.encode() if encrypted and passphrase else None
        # The primality tests skipped take 40 ms a key, on the thread that serves traffic;
        # _match has it sign instead, which is what it is for.
        key = load_pem_private_key(pem, password, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        if encrypted:
            raise refusal("passphrase", "does not open the private key") from None
        raise refusal(field, "the private key cannot be read") from None
    except UnsupportedAlgorithm:
        raise refusal(field, "the private key is of a kind that is not supported") from None
    if not isinstance(key, PrivateKey):
        raise refusal(field, "must be an RSA, an EC, an Ed25519 or an Ed448 key")
    return key


def _match(certificates: list[x509.Certificate], key: PrivateKey, field: str) -> None:
    """The key must be the first certificate's; says so when it is another's."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    owner = None
    for number, certificate in enumerate(certificates, 1):
        if _public(certificate) == public:
            owner = number
            break
    if owner is None:
        raise refusal(field, "does not match the certificate")
    if owner > 1:
        message = f"must begin with the certificate of the private key, which is number {owner}"
        raise refusal("certificate", message)
    if isinstance(key, rsa.RSAPrivateKey) and not _signs(key):
        raise refusal(field, "the private key is damaged")


def _signs(key: rsa.RSAPrivateKey) -> bool:
    """Whether what the key signs can be verified."""
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    try:
        key.public_key().verify(key.sign(b"", scheme, digest), b"", scheme, digest)
    except Exception:
        # InvalidSignature, ValueError or OpenSSL's InternalError: numbers that do not fit.
        return False
    return True


def _public(certificate: x509.Certificate) -> bytes:
    """The public key's encoding; empty for one that cannot be read."""
    try:
        key = certificate.public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return b""


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    """What the leaf is for; RFC 9525 drops the common name, old internal certificates need it."""
    try:
        alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        found = alternatives.value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        common = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        found = [str(name.value) for name in common]
    # dict: each once, in order.
    return tuple(dict.fromkeys(normal(name) for name in found if name))


def _key_type(key: PrivateKey) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return "EC"
    return "Ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "Ed448"
