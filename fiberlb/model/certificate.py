"""Certificates and their private keys."""

from __future__ import annotations

from enum import Enum
from typing import ClassVar

import attrs

from fiberlb.model.fields import Material, OneOf, Optional, field
from fiberlb.model.resource import Resource


class CertificateType(Enum):
    """What a certificate is for."""

    SERVER = "server"
    SNI = "sni"


def _one_line(passphrase: str | None) -> str | None:
    """A passphrase without the line end that its file has."""
    return None if passphrase is None else passphrase.rstrip("\r\n")


@attrs.frozen(kw_only=True)
class Certificate(Resource):
    """
    A certificate chain with its key.

    @ivar certificate: PEM, the leaf first; may hold the key too.
    @ivar private_key: PEM; C{None} when C{certificate} holds it. Never answered.
    @ivar passphrase: opens an encrypted key. Never answered.
    @ivar cert_type: C{sni} is never a listener's default certificate.
    """

    COLLECTION: ClassVar[str] = "certificates"
    LATER: ClassVar[frozenset[str]] = frozenset({"acme", "crl"})

    certificate: str = field(Material(), repr=False)
    private_key: str | None = field(Optional(Material(secret=True)), None, repr=False)
    passphrase: str | None = field(
        Optional(Material(secret=True)), None, repr=False, converter=_one_line
    )
    cert_type: CertificateType = field(
        OneOf(CertificateType, later=("client", "client_ca")), CertificateType.SERVER
    )
