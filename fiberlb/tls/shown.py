"""What is told of a certificate that a client has shown: to members in fields, to rules by name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from fiberlb.model.dn import ATTRIBUTES

_CONTROL = re.compile("[\x00-\x1f\x7f]")
_SHORT = {x509.ObjectIdentifier(ident): names[0] for ident, names in ATTRIBUTES.items()}


class Shown:
    """
    One certificate, which has been found to be in order.

    @ivar fields: values of the subject by the attribute's short name in lower case, in order.

    @raise ValueError: a name in it cannot be read.
    """

    __slots__ = ("_certificate", "fields")

    def __init__(self, certificate: x509.Certificate) -> None:
        self._certificate = certificate
        fields: dict[bytes, list[bytes]] = {}
        for attribute in certificate.subject:
            short = _SHORT.get(attribute.oid)
            if short is not None:
                fields.setdefault(short.lower().encode(), []).append(_octets(attribute.value))
        self.fields: Mapping[bytes, list[bytes]] = fields

    def lines(self, names: Iterable[str]) -> bytes:
        """Header fields, each with its line end: those of C{names} that there is something for."""
        found = [(name, self._value(name)) for name in names]
        return b"".join(b"%s: %s\r\n" % (name.encode(), v) for name, v in found if v is not None)

    def _value(self, name: str) -> bytes | None:
        certificate = self._certificate
        if name == "X-SSL-Client-Verify":
            return b"0"
        if name == "X-SSL-Client-Has-Cert":
            return b"1"
        if name == "X-SSL-Client-DN":
            return _distinguished(certificate.subject)
        if name == "X-SSL-Client-CN":
            names = self.fields.get(b"cn")
            return _one_line(names[-1].decode()).encode() if names else None
        if name == "X-SSL-Issuer":
            return _distinguished(certificate.issuer)
        if name == "X-SSL-Client-SHA1":
            return certificate.fingerprint(hashes.SHA1()).hex().upper().encode()
        if name == "X-SSL-Client-Not-Before":
            return _time(certificate.not_valid_before_utc)
        return _time(certificate.not_valid_after_utc)


def told(shown: Shown | None, names: Collection[str]) -> bytes:
    """
    The header fields with which members are told, of those named.

    Without a certificate there is no result of a verification: C{0} would read as if there
    had been a good one.
    """
    if shown is not None:
        return shown.lines(names)
    return b"X-SSL-Client-Has-Cert: 0\r\n" if "X-SSL-Client-Has-Cert" in names else b""


def _octets(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "backslashreplace")


def _distinguished(name: x509.Name) -> bytes:
    """A name as RFC 4514 writes it: the last attribute first, special characters escaped."""
    text = name.rfc4514_string(_SHORT)
    return _one_line(text, escaped=True).encode("utf-8", "backslashreplace")


def _one_line(text: str, escaped: bool = False) -> str:
    """A text without control characters: each becomes a backslash and two hexadecimal digits."""
    if not escaped:
        text = text.replace("\\", "\\5C")
    return _CONTROL.sub(lambda found: f"\\{ord(found[0]):02X}", text)


def _time(moment: datetime) -> bytes:
    """UTCTime or, from 2050 on, GeneralizedTime, as certificates have it (RFC 5280, 4.1.2.5)."""
    return moment.strftime("%y%m%d%H%M%SZ" if moment.year < 2050 else "%Y%m%d%H%M%SZ").encode()
