"""TLS towards an etcd: whom it is believed to be, and what it is shown."""

from __future__ import annotations

import re
from typing import Any

from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    PrivateCertificate,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from fiberlb.model.store import EtcdSettings
from fiberlb.store.interface import Unusable

_ONE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.S)


@implementer(IPolicyForHTTPS)
class Policy:
    """
    Certificates are verified, the name or the address included.

    @raise Unusable: what the settings name cannot be read.
    """

    def __init__(self, settings: EtcdSettings) -> None:
        self._trust: Any = platformTrust()
        self._shown: Any = None
        if settings.ca is not None:
            self._trust = _read("ca", lambda: _roots(settings.ca or ""))
        if settings.certificate is not None and settings.private_key is not None:
            both = f"{settings.private_key}\n{settings.certificate}"
            self._shown = _read("certificate and private_key", lambda: _own(both))

    def creatorForNetloc(self, hostname: bytes, port: int) -> IOpenSSLClientConnectionCreator:
        """What a connection to that host is made with."""
        made: IOpenSSLClientConnectionCreator = optionsForClientTLS(
            hostname.decode("ascii"), trustRoot=self._trust, clientCertificate=self._shown
        )
        return made


def _roots(pem: str) -> Any:
    found = [Certificate.loadPEM(piece) for piece in _ONE.findall(pem)]
    if not found:
        raise ValueError
    return trustRootFromCertificates(found)


def _own(pem: str) -> Any:
    made = PrivateCertificate.loadPEM(pem)
    if not made.privateKey.matches(made.getPublicKey()):
        raise ValueError
    return made


def _read(what: str, make: Any) -> Any:
    try:
        return make()
    except Exception:
        # From nothing: what cannot be read may be a key.
        raise Unusable(f"store: {what} cannot be read, or do not belong together") from None
