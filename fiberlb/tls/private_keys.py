"""Private keys: PEM in, something that OpenSSL can serve out."""

from __future__ import annotations

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from fiberlb.model.certificate import Certificate
from fiberlb.tls.pem import KEY_LABELS, cut
from fiberlb.tls.refusal import refusal

#: The private keys that OpenSSL can serve TLS 1.2 and 1.3 with.
PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

#: Bits; OpenSSL's security level 2 refuses less.
LEAST_RSA_BITS = 2048
#: The curves that every TLS client offers (RFC 8446 section 9.1 and common practice).
CURVES = ("secp256r1", "secp384r1", "secp521r1")


def private_key(certificate: Certificate) -> tuple[str, PrivateKey]:
    """
    The private key of a certificate, and the field it stands in.

    @raise ConfigurationError: at C{("private_key",)}, C{("certificate",)} or C{("passphrase",)}.
    """
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
        # works() has it sign instead, which is what it is for.
        key = load_pem_private_key(pem, password, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        # "from None": the reason may quote what was read.
        if encrypted:
            raise refusal("passphrase", "does not open the private key") from None
        raise refusal(field, "the private key cannot be read") from None
    except UnsupportedAlgorithm:
        raise refusal(field, "the private key is of a kind that is not supported") from None
    if not isinstance(key, PrivateKey):
        raise refusal(field, "must be an RSA, an EC, an Ed25519 or an Ed448 key")
    return key


def public_part(key: PrivateKey) -> bytes:
    """The encoding of the public key that goes with it."""
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def works(key: PrivateKey) -> bool:
    """Whether what the key signs can be verified; only RSA keys can be wrong in that way."""
    if not isinstance(key, rsa.RSAPrivateKey):
        return True
    scheme, digest = padding.PKCS1v15(), hashes.SHA256()
    try:
        key.public_key().verify(key.sign(b"", scheme, digest), b"", scheme, digest)
    except Exception:
        # InvalidSignature, ValueError or OpenSSL's InternalError: numbers that do not fit.
        return False
    return True


def key_type(key: PrivateKey) -> str:
    """C{RSA}, C{EC}, C{Ed25519} or C{Ed448}."""
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return "EC"
    return "Ed25519" if isinstance(key, ed25519.Ed25519PrivateKey) else "Ed448"


def key_words(key: PrivateKey) -> str:
    """The kind and the size, for people: C{RSA 2048}, C{EC P-256}, C{Ed25519}."""
    if isinstance(key, rsa.RSAPrivateKey):
        return f"RSA {key.key_size}"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return f"EC P-{key.curve.key_size}"
    return key_type(key)
