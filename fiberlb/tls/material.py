"""
Certificates as they are served: PEM in, checked objects out.

Everything that can be wrong with a certificate is found here, when a
configuration is loaded, and told about its field; no message ever holds a
piece of what was read but the names in a certificate, which are public.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.tls.chain_order import check_signatures, in_order, self_signed, title
from fiberlb.tls.pem import CERTIFICATE_LABELS, MOST_TEXT, cut
from fiberlb.tls.private_keys import PrivateKey, key_type, private_key, public_part, works
from fiberlb.tls.refusal import refusal
from fiberlb.tls.sni import normal

__all__ = [
    "MOST_CERTIFICATES",
    "MOST_TEXT",
    "Material",
    "PrivateKey",
    "cut",
    "inspect",
    "is_authority",
    "read_certificates",
    "refusal",
]

#: The leaf and what stands between it and a root; more makes no client happy.
MOST_CERTIFICATES = 16
#: What a common name must look like to be a host name.
_HOST = re.compile(r"(?:\*\.)?[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?\.?")


@attrs.frozen(kw_only=True)
class Material:
    """
    A certificate that can be served.

    @ivar leaf: the certificate of the server itself.
    @ivar chain: the ones after it, each behind what it signed; usually without the root.
    @ivar key: the leaf's private key, never shown.
    @ivar names: what the leaf is for: DNS names in lower case, without a final dot,
        wildcards as they are, then IP addresses; the common name where there are none.
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
        return key_type(self.key)

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
    C{certificate} too. The chain may stand in any order. Dates are not judged: an
    expired certificate is served (clients complain, traffic of those that do not
    look goes on), see L{Material.expired} and L{fiberlb.tls.concerns}.

    @raise ConfigurationError: with problems at C{("certificate",)},
        C{("private_key",)} or C{("passphrase",)}.
    """
    certificates = read_certificates(certificate.certificate, MOST_CERTIFICATES)
    field, key = private_key(certificate)
    leaf, *chain = in_order(certificates, public_part(key), field)
    if not works(key):
        raise refusal(field, "the private key is damaged")
    try:
        names = _names(leaf)
        _check_purpose(leaf)
    except (ValueError, x509.DuplicateExtension, UnsupportedAlgorithm):
        raise refusal("certificate", "has extensions that cannot be read") from None
    if not names and certificate.cert_type is CertificateType.SNI:
        message = "bears no name, and with cert_type sni nobody would ever get it"
        raise refusal("certificate", message)
    check_signatures((leaf, *chain))
    return Material(
        leaf=leaf,
        chain=tuple(chain),
        key=key,
        names=names,
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
    )


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
            # "from None": the reason may quote what was read.
            message = f"certificate number {number} of the text cannot be read"
            raise refusal("certificate", message) from None
    return certificates


def _check_purpose(leaf: x509.Certificate) -> None:
    """
    Refuse the certificate of an authority in place of a server's.

    One that has signed itself is what C{openssl req -x509} makes, and passes.
    """
    if is_authority(leaf) and not self_signed(leaf):
        raise refusal(
            "certificate",
            f"the private key belongs to the certificate of {title(leaf.subject)}, which is an"
            " authority's (CA:TRUE): a server needs one of its own, issued by it",
        )


def is_authority(certificate: x509.Certificate) -> bool:
    """
    Whether it may sign certificates.

    @raise ValueError: its extensions cannot be read.
    """
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    """What the leaf is for; RFC 9525 drops the common name, old internal certificates need it."""
    try:
        alternatives = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        found = alternatives.value.get_values_for_type(x509.DNSName)
        found += map(str, alternatives.value.get_values_for_type(x509.IPAddress))
    except x509.ExtensionNotFound:
        common = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        found = [str(name.value) for name in common if _HOST.fullmatch(str(name.value))]
    # dict: each once, in order.
    return tuple(dict.fromkeys(normal(name) for name in found if name))
