"""
OCSP (RFC 6960): what to ask a responder, and whether what it says may be shown to clients.

A response is judged here before it is stapled, for clients do not judge alike:
one that does not fit ends some handshakes, and is a waste in the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import (
    AuthorityInformationAccessOID,
    ExtendedKeyUsageOID,
    SignatureAlgorithmOID,
)

from fiberlb.model import ocsp as words
from fiberlb.model.ocsp import MOST_RESPONSE, Staple
from fiberlb.tls.chain_order import WEAK
from fiberlb.tls.material import Material

#: Seconds that a responder's clock may be ahead of ours.
SKEW = 300.0
_UNREADABLE = "cannot be read"
#: Of signatures with RSASSA-PSS; the digest of the mask is the same (RFC 4055, 3.1).
_DIGESTS = (hashes.SHA256(), hashes.SHA384(), hashes.SHA512())


class Unfit(Exception):
    """
    A response that must not be stapled; the message is a sentence's rest about it.

    @ivar revoked: it is the authority's word, and that is that the certificate is revoked.
    """

    def __init__(self, message: str, revoked: bool = False) -> None:
        super().__init__(message)
        self.revoked = revoked


def issuer(material: Material) -> x509.Certificate | None:
    """Who has signed a certificate, if that stands with it; else nothing of it can be judged."""
    return material.chain[0] if material.chain else None


def responder(leaf: x509.Certificate) -> str:
    """
    The address of the responder that a certificate names; empty: it names none by http.

    Responses are signed: TLS to a responder would prove nothing, and ask for its certificate's
    revocation in turn.
    """
    try:
        found = leaf.extensions.get_extension_for_class(x509.AuthorityInformationAccess)
    except (x509.ExtensionNotFound, ValueError):
        return ""
    for access in found.value:
        place = access.access_location
        if access.access_method != AuthorityInformationAccessOID.OCSP:
            continue
        named = place.value if isinstance(place, x509.UniformResourceIdentifier) else ""
        if named.lower().startswith("http://"):
            return named
    return ""


def must_staple(leaf: x509.Certificate) -> bool:
    """Whether clients are told to insist on a response (RFC 7633)."""
    try:
        found = leaf.extensions.get_extension_for_class(x509.TLSFeature)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return x509.TLSFeatureType.status_request in found.value


def fingerprint(leaf: x509.Certificate) -> str:
    """What a certificate is known by, in hexadecimal."""
    return hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest()


def request(leaf: x509.Certificate, signer: x509.Certificate) -> bytes:
    """
    What to send to a responder.

    Without a nonce, so that it may answer with what it has signed before (RFC 5019, 2.1.1);
    hashes are of SHA-1, which is no weakness in a name and all that some know.
    """
    made = ocsp.OCSPRequestBuilder().add_certificate(leaf, signer, hashes.SHA1())
    return made.build().public_bytes(Encoding.DER)


def judged(response: bytes, material: Material) -> Staple:
    """
    A response that is right for a certificate; whether its time has come is not asked here.

    Signed by who signed the certificate, or by somebody whom that one has made a responder
    (id-kp-OCSPSigning); about this certificate; good; with an end.

    @raise Unfit: it must not be shown.
    """
    if len(response) > MOST_RESPONSE:
        raise Unfit("is longer than any response should be")
    signer = issuer(material)
    if signer is None:
        raise Unfit("cannot be judged: the certificate of the issuer is missing in the chain")
    try:
        return _judged(response, material.leaf, signer)
    except Unfit:
        raise
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension):
        # What others have written is not repeated in messages.
        raise Unfit(_UNREADABLE) from None


def _judged(response: bytes, leaf: x509.Certificate, signer: x509.Certificate) -> Staple:
    read = ocsp.load_der_ocsp_response(response)
    if read.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        said = read.response_status.name.lower().replace("_", " ")
        raise Unfit(f"is no answer: the responder says {said!r}")
    _no_unknown(read.extensions)
    _no_unknown(read.single_extensions if len(list(read.responses)) == 1 else ())
    begin, end = _signed(read, signer)
    one = _about(read.responses, leaf, signer)
    since, until = one.this_update_utc.timestamp() - SKEW, _end(one)
    if one.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        raise Unfit(f"says that the certificate is revoked{_when(one)}", revoked=True)
    if one.certificate_status is not ocsp.OCSPCertStatus.GOOD:
        raise Unfit("says that the responder does not know the certificate")
    since, until = max(since, begin), min(until, end)
    if not since < until:
        raise Unfit("ends before it begins")
    return Staple(response, since, until)


def _no_unknown(extensions: Iterable[x509.Extension[x509.ExtensionType]]) -> None:
    for extension in extensions:
        if extension.critical and isinstance(extension.value, x509.UnrecognizedExtension):
            raise Unfit("has a critical extension that is not known")


def _end(one: ocsp.OCSPSingleResponse) -> float:
    if one.next_update_utc is None:
        raise Unfit("does not say until when it is good (nextUpdate)")
    return one.next_update_utc.timestamp()


def _when(one: ocsp.OCSPSingleResponse) -> str:
    at = one.revocation_time_utc
    return "" if at is None else f", since {at:%Y-%m-%d %H:%M} UTC"


def _about(
    several: Iterator[ocsp.OCSPSingleResponse], leaf: x509.Certificate, signer: x509.Certificate
) -> ocsp.OCSPSingleResponse:
    """The one that is about a certificate (RFC 6960, 3.2, 1): serial number and issuer."""
    for one in several:
        if one.serial_number != leaf.serial_number:
            continue
        asked = ocsp.OCSPRequestBuilder().add_certificate(leaf, signer, one.hash_algorithm).build()
        hashed = (asked.issuer_name_hash, asked.issuer_key_hash)
        if (one.issuer_name_hash, one.issuer_key_hash) == hashed:
            return one
    raise Unfit("is about another certificate")


def _signed(read: ocsp.OCSPResponse, signer: x509.Certificate) -> tuple[float, float]:
    """
    Find who has signed it (RFC 6960, 4.2.2.2).

    @return: between which times that one may, seconds since the epoch.
    """
    if not _is_pss(read) and isinstance(read.signature_hash_algorithm, WEAK):
        raise Unfit(f"is signed with {read.signature_hash_algorithm.name.upper()}")
    if _is_responder(read, signer) and _verified(read, signer):
        return _times(signer)
    for one in read.certificates:
        if _is_responder(read, one) and _delegated(one, signer) and _verified(read, one):
            return _times(one)
    raise Unfit("is not signed by the issuer of the certificate, nor by a responder of it")


def _times(certificate: x509.Certificate) -> tuple[float, float]:
    return (
        certificate.not_valid_before_utc.timestamp(),
        certificate.not_valid_after_utc.timestamp(),
    )


def _is_responder(read: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    """Whether a response names a certificate as its signer's."""
    if read.responder_name is not None:
        return read.responder_name == certificate.subject
    try:
        key = certificate.public_key()
        found = x509.SubjectKeyIdentifier.from_public_key(key)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return found.digest == read.responder_key_hash


def _delegated(one: x509.Certificate, signer: x509.Certificate) -> bool:
    """Whether an authority has made somebody its responder."""
    if one.issuer != signer.subject or isinstance(one.signature_hash_algorithm, WEAK):
        return False
    try:
        one.verify_directly_issued_by(signer)
        purposes = one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, x509.ExtensionNotFound, ValueError, TypeError):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in purposes


def _verified(read: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    key, signature, data = certificate.public_key(), read.signature, read.tbs_response_bytes
    if _is_pss(read):
        return isinstance(key, rsa.RSAPublicKey) and _verified_pss(key, signature, data)
    digest = read.signature_hash_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and digest is not None:
            key.verify(signature, data, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(signature, data, ec.ECDSA(digest))
        elif isinstance(key, (ed25519.Ed25519PublicKey, ed448.Ed448PublicKey)):
            key.verify(signature, data)
        else:
            return False
    except (InvalidSignature, ValueError, UnsupportedAlgorithm):
        return False
    return True


def _is_pss(read: ocsp.OCSPResponse) -> bool:
    return read.signature_algorithm_oid == SignatureAlgorithmOID.RSASSA_PSS


def _verified_pss(key: rsa.RSAPublicKey, signature: bytes, data: bytes) -> bool:
    """
    Whether a signature with RSASSA-PSS is right, with any digest that is good enough.

    Which one it is stands in parameters of the algorithm that C{cryptography} does not tell of a
    response. They are not signed themselves: what verifies is what the key's owner has signed.
    """
    for digest in _DIGESTS:
        scheme = padding.PSS(padding.MGF1(digest), padding.PSS.AUTO)
        try:
            key.verify(signature, data, scheme, digest)
        except (InvalidSignature, ValueError, UnsupportedAlgorithm):
            continue
        return True
    return False


def unstapled(material: Material, ocsp: str) -> Iterator[str]:
    """What is odd about a certificate and how its C{ocsp} is set, each without its subject."""
    how = words.source(ocsp)
    if how == words.NONE and must_staple(material.leaf):
        yield (
            "demands an OCSP response with every handshake (must-staple), and ocsp is none:"
            " clients that know that refuse it"
        )
    if how == words.AUTO:
        if not responder(material.leaf):
            yield "names no OCSP responder by http: with ocsp auto there is nobody to ask"
        elif issuer(material) is None:
            yield "comes without its issuer's, which ocsp auto needs to judge the response"


def unshown(material: Material, ocsp: str, now: float) -> str:
    """Why a response that is configured itself is not shown, as a sentence's rest; empty: it is."""
    if words.source(ocsp) != words.GIVEN:
        return ""
    try:
        why = untimely(judged(words.response(ocsp), material), now)
    except Unfit as unfit:
        why = str(unfit)
    return why and f"has an OCSP response that is not shown: it {why}"


def untimely(staple: Staple, now: float) -> str:
    """Why the time of a response is not now; empty: it is."""
    if now >= staple.until:
        return f"ended on {_text(staple.until)}"
    return "" if staple.good(now) else f"does not begin before {_text(staple.since)}"


def _text(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
