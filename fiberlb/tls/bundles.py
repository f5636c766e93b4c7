"""
PKCS#12 and DER made into PEM, where certificates come in.

The store, the answers and the workers know PEM only, and the key has a field
of its own, so that nothing that is shown can hold it.
"""

from __future__ import annotations

import base64
import binascii

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from fiberlb.model.certificate import Certificate
from fiberlb.tls.pem import BUNDLE_LABEL, blocks
from fiberlb.tls.private_keys import PrivateKey
from fiberlb.tls.refusal import refusal

#: Characters of base64 that are looked at.
_MOST = 2 << 20
_VERSION_3 = b"\x02\x01\x03"


def unpacked(certificate: Certificate) -> Certificate:
    """
    The certificate in PEM, its key in C{private_key}; itself when it was PEM before.

    @raise ConfigurationError: with problems at C{("certificate",)}, C{("private_key",)} or
        C{("passphrase",)}.
    """
    data = _binary(certificate.certificate)
    if data is None:
        return certificate
    if not _is_bundle(data):
        return attrs.evolve(certificate, certificate=_from_der(data))
    if certificate.private_key is not None:
        raise refusal("private_key", "stands in the PKCS#12 of certificate already; leave it out")
    found = _opened(data, certificate.passphrase)
    if found.cert is None:
        raise refusal("certificate", "is PKCS#12 without a certificate that goes with its key")
    several = [found.cert.certificate, *(one.certificate for one in found.additional_certs)]
    text = "".join(one.public_bytes(Encoding.PEM).decode() for one in several)
    return attrs.evolve(
        certificate, certificate=text, private_key=_key_text(found.key), passphrase=None
    )


def has_bundled_key(text: str) -> bool:
    """Whether a text is PKCS#12, which brings its key along."""
    data = _binary(text)
    return data is not None and _is_bundle(data)


def _binary(text: str) -> bytes | None:
    """What was a binary file, or base64 in a document; C{None} for anything else."""
    if text.startswith(f"-----BEGIN {BUNDLE_LABEL}-----"):
        armoured = next((pem for label, pem in blocks(text) if label == BUNDLE_LABEL), b"")
        text = "".join(armoured.decode().splitlines()[1:-1])
    if len(text) > _MOST or not text.startswith("M"):  # base64 of an ASN.1 sequence
        return None
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if data[:1] == b"\x30" else None


def _is_bundle(data: bytes) -> bool:
    """Whether the sequence begins with the number that a PFX begins with (RFC 7292 section 4)."""
    length = data[1] if len(data) > 1 else 0
    start = 2 + (length & 0x7F if length & 0x80 else 0)
    return data[start : start + 3] == _VERSION_3


def _opened(data: bytes, passphrase: str | None) -> pkcs12.PKCS12KeyAndCertificates:
    # Without a passphrase there are two kinds: with none, and with an empty one.
    passwords = [passphrase.encode()] if passphrase else [None, b""]
    for password in passwords:
        try:
            return pkcs12.load_pkcs12(data, password)
        except (ValueError, TypeError):
            continue
        except UnsupportedAlgorithm:
            message = "is PKCS#12 with an encryption that is not supported: export it anew"
            raise refusal("certificate", message) from None
    if passphrase:
        message = "does not open the PKCS#12 of certificate (or that is damaged)"
        raise refusal("passphrase", message)
    message = "is needed: the PKCS#12 of certificate is encrypted (or damaged)"
    raise refusal("passphrase", message, "missing")


def _key_text(key: object) -> str | None:
    if key is None:
        return None
    if not isinstance(key, PrivateKey):
        raise refusal("certificate", "must hold an RSA, an EC, an Ed25519 or an Ed448 key")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _from_der(data: bytes) -> str:
    try:
        return x509.load_der_x509_certificate(data).public_bytes(Encoding.PEM).decode()
    except ValueError:
        message = "is neither PEM, nor PKCS#12, nor a certificate in DER"
        raise refusal("certificate", message) from None
