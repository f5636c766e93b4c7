"""
Authorities that clients' (or members') certificates are judged by, and what they revoked.

Like L{fiberlb.tls.material} for certificates that are shown: everything that
can be wrong is found when a configuration is loaded, at its field.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime

import attrs
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from fiberlb.model.certificate import Certificate
from fiberlb.tls.material import Material, cut, inspect, read_certificates, refusal
from fiberlb.tls.pem import CRL_LABELS

#: The bundle of a system has about 150.
MOST_AUTHORITIES = 1024
#: Revocation lists of one certificate.
MOST_LISTS = 64
#: Characters; public authorities' lists reach some MiB.
MOST_CRL_TEXT = 16 << 20


@attrs.frozen(kw_only=True)
class Authorities:
    """
    Who is trusted to say who somebody is.

    @ivar certificates: at least one; roots, or others that are trusted like roots.
    @ivar lists: revocation lists, each signed by one of them.
    @ivar not_after: when the first of them ends; aware, in UTC.
    """

    certificates: tuple[x509.Certificate, ...] = attrs.field(repr=False)
    lists: tuple[x509.CertificateRevocationList, ...] = attrs.field(repr=False)
    not_after: datetime


def examine(certificate: Certificate) -> Material | Authorities:
    """
    Read a certificate of whichever type.

    @raise ConfigurationError: as L{inspect} and L{inspect_authorities}.
    """
    return inspect_authorities(certificate) if certificate.judges else inspect(certificate)


def inspect_authorities(certificate: Certificate) -> Authorities:
    """
    Read a C{client_ca}.

    Any certificate that may sign others is taken, a root or not, with any kind of key; an
    old one that does not say what it may do; and one that is signed by itself, which then
    stands for itself alone. Dates are judged at each handshake.

    @raise ConfigurationError: with problems at C{("certificate",)} or C{("crl",)}.
    """
    found = read_certificates(certificate.certificate, MOST_AUTHORITIES)
    for number, one in enumerate(found, 1):
        if not _may_judge(one):
            message = f"certificate number {number} of the text is not an authority's (CA:FALSE)"
            raise refusal("certificate", message)
    lists = () if certificate.crl is None else tuple(_lists(certificate.crl, found))
    ends = min(one.not_valid_after_utc for one in found)
    return Authorities(certificates=tuple(found), lists=lists, not_after=ends)


def with_lists(authorities: Authorities, other: Certificate) -> Authorities:
    """
    The same authorities, with the revocation lists of another C{client_ca} beside theirs.

    @raise ConfigurationError: with a problem at C{("crl",)}: one is not signed by any of them.
    """
    found = _lists(other.crl or "", authorities.certificates)
    more = [one for one in found if one not in authorities.lists]
    return attrs.evolve(authorities, lists=(*authorities.lists, *more))


def _may_judge(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return True
    except (ValueError, x509.DuplicateExtension, UnsupportedAlgorithm):
        raise refusal("certificate", "has extensions that cannot be read") from None
    return found.value.ca or certificate.issuer == certificate.subject


def _lists(
    text: str, authorities: Sequence[x509.Certificate]
) -> list[x509.CertificateRevocationList]:
    encoded = cut(text, "crl", CRL_LABELS, MOST_CRL_TEXT)
    if text.count("CRL-----") != 2 * len(encoded):
        # Left out elsewhere; a list left out would let in whom it revokes.
        raise refusal("crl", "has a list without its end")
    if len(encoded) > MOST_LISTS:
        raise refusal("crl", f"must hold at most {MOST_LISTS} lists")
    found = []
    for number, pem in enumerate(encoded or [_bare(text)], 1):
        try:
            read = x509.load_pem_x509_crl if encoded else x509.load_der_x509_crl
            one = read(pem)
            _check_list(one, number, authorities)
        except (ValueError, x509.DuplicateExtension, UnsupportedAlgorithm):
            raise refusal("crl", f"list number {number} of the text cannot be read") from None
        found.append(one)
    return found


def _bare(text: str) -> bytes:
    """The octets of base64 without armour."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise refusal("crl", "holds no revocation list, neither PEM nor base64 of DER") from None


def _check_list(
    one: x509.CertificateRevocationList, number: int, authorities: Sequence[x509.Certificate]
) -> None:
    """A list that would not be looked at is refused, for it would protect nobody."""
    for extension in one.extensions:
        indirect = isinstance(extension.value, x509.IssuingDistributionPoint) and (
            extension.value.indirect_crl
        )
        if indirect or isinstance(extension.value, x509.DeltaCRLIndicator):
            message = f"list number {number} is partial (delta or indirect); give the full list"
            raise refusal("crl", message)
    for authority in authorities:
        if authority.subject == one.issuer and _signed(one, authority):
            return
    raise refusal("crl", f"list number {number} is not signed by any of the authorities")


def _signed(one: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    try:
        return one.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except (TypeError, ValueError, UnsupportedAlgorithm):
        return False
