"""Certificates and their private keys."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.fields import Loading, Material, OneOf, Optional, field
from fiberlb.model.resource import Resource


class CertificateType(Enum):
    """What a certificate is for."""

    SERVER = "server"
    SNI = "sni"
    CLIENT = "client"
    CLIENT_CA = "client_ca"


#: What a listener can show to its clients.
SHOWN = frozenset({CertificateType.SERVER, CertificateType.SNI})


def _one_line(passphrase: str | None) -> str | None:
    """A passphrase without the line end that its file has."""
    return None if passphrase is None else passphrase.rstrip("\r\n")


@attrs.frozen(kw_only=True)
class Certificate(Resource):
    """
    A certificate chain with its key, or authorities that others' certificates are judged by.

    @ivar certificate: PEM, in any order; may hold the key too. PKCS#12, or a certificate in
        DER, from a file or as base64, becomes PEM before anything else sees it
        (L{fiberlb.tls.bundles}). Of a C{client_ca} the authorities.
    @ivar private_key: PEM; C{None} when C{certificate} holds it. Never answered.
    @ivar passphrase: opens an encrypted key. Never answered.
    @ivar cert_type: C{sni} is never a listener's default certificate; C{client} is shown
        to members; C{client_ca} has no key and is shown to nobody.
    @ivar crl: revocation lists of a C{client_ca}: PEM, or the base64 of one in DER.
    """

    COLLECTION: ClassVar[str] = "certificates"
    LATER: ClassVar[frozenset[str]] = frozenset({"acme"})

    certificate: str = field(Material(armour="PKCS12"), repr=False)
    private_key: str | None = field(Optional(Material(secret=True)), None, repr=False)
    passphrase: str | None = field(
        Optional(Material(secret=True)), None, repr=False, converter=_one_line
    )
    cert_type: CertificateType = field(OneOf(CertificateType), CertificateType.SERVER)
    crl: str | None = field(Optional(Material(armour="X509 CRL")), None, repr=False)

    @property
    def judges(self) -> bool:
        """Whether it is a C{client_ca}, which has no key."""
        return self.cert_type is CertificateType.CLIENT_CA

    def check(self, path: Path, loading: Loading) -> None:
        """An authority has no key here, and only an authority revokes."""
        if not self.judges:
            if self.crl is not None:
                loading.refuse((*path, "crl"), "goes with cert_type client_ca only")
            return
        for name in ("private_key", "passphrase"):
            if getattr(self, name) is not None:
                loading.refuse((*path, name), "does not go with cert_type client_ca")
        if "PRIVATE KEY-----" in self.certificate:
            message = "holds a private key, which a client_ca must not have"
            loading.refuse((*path, "certificate"), message)
