"""Certificates and their private keys."""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.acme import Acme
from fiberlb.model.convert import Nested
from fiberlb.model.fields import Loading, Material, OneOf, Optional, field
from fiberlb.model.ocsp import NONE, Staple, Stapling
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


@attrs.frozen
class Chain:
    """PEM text, or C{null}, held as the empty text: none is configured."""

    kind = Material(armour="PKCS12")

    def load(self, value: Any, path: Path, loading: Loading) -> Any:
        return "" if value is None else self.kind.load(value, path, loading)

    def dump(self, value: Any) -> Any:
        return value or None

    def schema(self) -> dict[str, Any]:
        return Optional(self.kind).schema()


@attrs.frozen(kw_only=True)
class Certificate(Resource):
    """
    A certificate chain with its key, or authorities that others' certificates are judged by.

    @ivar certificate: PEM, in any order; may hold the key too. PKCS#12, or a certificate in
        DER, from a file or as base64, becomes PEM before anything else sees it
        (L{fiberlb.tls.bundles}). Of a C{client_ca} the authorities. Empty with C{acme}: what
        was issued is kept elsewhere, and put in when a configuration is put in force.
    @ivar private_key: PEM; C{None} when C{certificate} holds it. Never answered.
    @ivar passphrase: opens an encrypted key. Never answered.
    @ivar cert_type: C{sni} is never a listener's default certificate; C{client} is shown
        to members; C{client_ca} has no key and is shown to nobody.
    @ivar crl: revocation lists of a C{client_ca}: PEM, or the base64 of one in DER.
    @ivar acme: how it is ordered; C{None}: it is given.
    @ivar ocsp: where word of the authority is from that it is not revoked; see L{Stapling}.
    @ivar staple: that word, checked; C{None}: there is none that could be shown. Like C{waiting}
        put in when a configuration is put in force.
    @ivar waiting: nothing was issued yet, what is put in is a stand-in that no client trusts.
    """

    COLLECTION: ClassVar[str] = "certificates"

    certificate: str = field(Chain(), "", repr=False)
    private_key: str | None = field(Optional(Material(secret=True)), None, repr=False)
    passphrase: str | None = field(
        Optional(Material(secret=True)), None, repr=False, converter=_one_line
    )
    cert_type: CertificateType = field(OneOf(CertificateType), CertificateType.SERVER)
    crl: str | None = field(Optional(Material(armour="X509 CRL")), None, repr=False)
    acme: Acme | None = field(Optional(Nested(Acme)), None)
    ocsp: str = field(Stapling(), NONE, repr=False)
    waiting: bool = False
    staple: Staple | None = None

    @property
    def judges(self) -> bool:
        """Whether it is a C{client_ca}, which has no key."""
        return self.cert_type is CertificateType.CLIENT_CA

    def check(self, path: Path, loading: Loading) -> None:
        """It is given, or ordered; an authority has no key here, and only an authority revokes."""
        if self.ocsp != NONE and self.cert_type not in SHOWN:
            message = "is about certificates that are shown to clients (cert_type server or sni)"
            loading.refuse((*path, "ocsp"), message)
        if self.acme is not None:
            self._check_ordered(path, loading)
            return
        if not self.certificate:
            loading.refuse((*path, "certificate"), "is needed", code="missing")
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

    def _check_ordered(self, path: Path, loading: Loading) -> None:
        for name in ("certificate", "private_key", "passphrase", "crl"):
            if getattr(self, name):
                loading.refuse((*path, name), "does not go with acme, which orders one")
        if self.cert_type not in SHOWN:
            message = f"{self.cert_type.value} does not go with acme: use server or sni"
            loading.refuse((*path, "cert_type"), message)
