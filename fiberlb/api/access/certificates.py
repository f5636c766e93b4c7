"""The names in the certificate that a client of the admin API has shown."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID


def names(request: Any) -> tuple[str, ...]:
    """
    The names in the certificate of a request's client: the common name, then the others.

    The handshake has verified it (L{fiberlb.tls.admin}).

    @return: none without a certificate; its fingerprint where it bears no name.
    """
    transport = getattr(getattr(request, "channel", None), "transport", None)
    ask = getattr(transport, "getPeerCertificate", None)
    shown = ask() if ask is not None else None
    return () if shown is None else names_in(shown.to_cryptography())


def names_in(certificate: x509.Certificate) -> tuple[str, ...]:
    """The names in a certificate."""
    found = [
        str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    ]
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        for kind in (x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier):
            found += extension.value.get_values_for_type(kind)
    except (x509.ExtensionNotFound, ValueError):
        pass
    printable = [name for name in found if name and name.isprintable()]
    if printable:
        return tuple(dict.fromkeys(printable))
    return (f"sha256:{certificate.fingerprint(SHA256()).hex()}",)
