"""
The certificates of a chain in the order that clients want: the server's own, then the issuers.

People paste them in any order, twice, or with those of last year still among
them. What can be put in order is; what belongs to nothing is refused, since a
chain that does not lead to a root fails at some clients only, which nobody
sees at once.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fiberlb.tls.refusal import refusal

#: Digests that no client takes a signature with (RFC 9155; OpenSSL's security level 2).
WEAK = (hashes.MD5, hashes.SHA1)


def in_order(
    certificates: Sequence[x509.Certificate], public: bytes, key_field: str
) -> list[x509.Certificate]:
    """
    The chain: first the certificate of a public key, then the others, issuers behind what they
    have signed; each once.

    @param public: encoding of the public key that goes with the private one.
    @param key_field: where the private key stands.

    @raise ConfigurationError: none is the key's, at C{(key_field,)}; some belong to nothing
        among them, at C{("certificate",)}.
    """
    numbered: dict[bytes, tuple[int, x509.Certificate]] = {}
    for number, certificate in enumerate(certificates, 1):
        numbered.setdefault(certificate.public_bytes(Encoding.DER), (number, certificate))
    rest = list(numbered.values())
    own = next((pair for pair in rest if _public(pair[1]) == public), None)
    if own is None:
        raise refusal(key_field, "does not match the certificate")
    rest.remove(own)
    chain = [own[1]]
    for child in chain:  # grows while it is gone through
        for pair in [pair for pair in rest if _issued(child, pair[1])]:
            rest.remove(pair)
            chain.append(pair[1])
    if rest:
        raise refusal("certificate", _stray(*rest[0], chain, public))
    return chain


def _stray(
    number: int, stray: x509.Certificate, chain: Sequence[x509.Certificate], public: bytes
) -> str:
    """Why a certificate has no place, and which one would have."""
    what = f"certificate number {number} of the text ({title(stray.subject)})"
    if _public(stray) == public:
        return f"{what} is another one for the same key: keep the newer one"
    last = chain[-1]
    if self_signed(last):
        return f"{what} signed none of the others, and the chain is complete without it"
    return (
        f"{what} signed none of the others: what belongs there is the certificate of"
        f" {title(last.issuer)}, which signed that of {title(last.subject)}"
    )


def _issued(child: x509.Certificate, issuer: x509.Certificate) -> bool:
    if child.issuer != issuer.subject:
        return False
    try:
        child.verify_directly_issued_by(issuer)
    except UnsupportedAlgorithm:
        return True  # cannot be told here; the names agree
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def _public(certificate: x509.Certificate) -> bytes:
    """The public key's encoding; empty for one that cannot be read."""
    try:
        key = certificate.public_key()
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return b""


def self_signed(certificate: x509.Certificate) -> bool:
    """Whether it names itself as its issuer."""
    return certificate.issuer == certificate.subject


def check_signatures(chain: Sequence[x509.Certificate]) -> None:
    """
    Refuse signatures that clients refuse; on a root it is of no importance.

    @raise ConfigurationError: at C{("certificate",)}.
    """
    for certificate in chain:
        try:
            digest = certificate.signature_hash_algorithm
        except UnsupportedAlgorithm:
            continue
        if isinstance(digest, WEAK) and not self_signed(certificate):
            raise refusal(
                "certificate",
                f"the certificate of {title(certificate.subject)} is signed with"
                f" {digest.name.upper()}, which clients refuse: have it issued anew",
            )


def title(name: x509.Name) -> str:
    """A name in a few words: the common name, else all of it."""
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    text = str(common[0].value) if common else name.rfc4514_string()
    return repr(text[:100]) if text else "a nameless one"
