"""
Why a TLS connection to a member did not come about: one short sentence.

They stand in the access log and in the API, so they stay the same over
versions and hold nothing that a hostile member could choose freely.
"""

from __future__ import annotations

import errno
import re

from cryptography import x509
from OpenSSL import SSL

from fiberlb.tls.openssl import reason

#: Said of a member that holds the port and does not speak TLS there.
NOT_TLS = "member does not speak TLS on this port"
#: Said where the two have no protocol version in common.
NO_VERSION = "no TLS version in common with the member"
#: Said of a handshake that the member does not go on with.
TOO_SLOW = "TLS handshake not finished in time"

#: Errors of X509_verify(3), by number.
_CERTIFICATE = {
    3: "no revocation list of the authority that signed the certificate",
    9: "certificate is not valid yet",
    10: "certificate has expired",
    12: "revocation list has expired",
    18: "certificate is signed by an unknown authority (self-signed)",
    19: "certificate is signed by an unknown authority",
    20: "certificate is signed by an unknown authority",
    21: "certificate is signed by an unknown authority",
    22: "certificate chain is too long",
    23: "certificate has been revoked",
    24: "certificate chain holds one that is not an authority's",
    26: "certificate is not for servers (extended key usage)",
    66: "certificate has a key that is too weak",
    67: "certificate has an authority with a key that is too weak",
    68: "certificate has a signature that is too weak",
}
_NOT_TLS = frozenset(
    "wrong version number|packet length too long|record layer failure|bad record type"
    "|http request"
    "|no protocols available|unexpected record".split("|")
)
_VERSION = frozenset({"unsupported protocol", "wrong ssl version", "version too low"})
_ALERT = re.compile(r"\balert ([a-z ]+)$")
_PLAIN = re.compile(r"(?:\*\.)?[A-Za-z0-9._:-]+")
#: Names of a certificate that are told.
_MOST_NAMES = 3


def certificate_words(number: int) -> str:
    """What OpenSSL found wrong with a certificate, by its number of the error."""
    return _CERTIFICATE.get(number, f"certificate is not accepted (OpenSSL error {number})")


def other_name_words(wanted: str, certificate: x509.Certificate) -> str:
    """The certificate is for others than the one that was asked for."""
    names = [name for name in _names(certificate) if _PLAIN.fullmatch(name)]
    if not names:
        return f"certificate is not for {wanted} (it has no names that count)"
    told = ", ".join(name[:64] for name in names[:_MOST_NAMES])
    return f"certificate is not for {wanted} (it is for {told}{', ...' * (len(names) > 3)})"


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except Exception:  # whatever a hostile certificate provokes: it is for the words alone
        return []
    names = found.get_values_for_type(x509.DNSName)
    return [*names, *map(str, found.get_values_for_type(x509.IPAddress))]


def failure_words(why: SSL.Error) -> str:
    """What went wrong with TLS itself, in a handshake or after it."""
    if isinstance(why, SSL.SysCallError):
        broken = bool(why.args) and why.args[0] == errno.ECONNRESET
        return f"connection {'reset' if broken else 'closed'} during the TLS handshake"
    if isinstance(why, SSL.ZeroReturnError):
        return "connection closed during the TLS handshake"
    text = reason(why)
    alert = _ALERT.search(text)
    if alert is not None:
        if alert[1] == "protocol version":
            return f"{NO_VERSION} (alert protocol version)"
        return f"member refused the TLS connection: alert {alert[1]}"
    if text in _VERSION:
        return NO_VERSION
    if text in _NOT_TLS:
        return NOT_TLS
    if text == "excessive message size":
        return "certificate chain is too long"
    return f"TLS error: {text}"
