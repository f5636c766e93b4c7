"""The attributes of distinguished names that rules can look at (RFC 4519, RFC 4514 section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

#: Object identifier -> its names: the short one first, others that are in use after it.
ATTRIBUTES: Final[Mapping[str, tuple[str, ...]]] = {
    "2.5.4.3": ("CN", "commonName"),
    "2.5.4.4": ("SN", "surname"),
    "2.5.4.5": ("serialNumber",),
    "2.5.4.6": ("C", "countryName"),
    "2.5.4.7": ("L", "localityName"),
    "2.5.4.8": ("ST", "stateOrProvinceName", "S"),
    "2.5.4.9": ("street", "streetAddress"),
    "2.5.4.10": ("O", "organizationName"),
    "2.5.4.11": ("OU", "organizationalUnitName"),
    "2.5.4.12": ("title",),
    "2.5.4.17": ("postalCode",),
    "2.5.4.42": ("GN", "givenName"),
    "2.5.4.43": ("initials",),
    "2.5.4.44": ("generationQualifier",),
    "2.5.4.46": ("dnQualifier",),
    "2.5.4.65": ("pseudonym",),
    "2.5.4.97": ("organizationIdentifier",),
    "0.9.2342.19200300.100.1.1": ("UID", "userId"),
    "0.9.2342.19200300.100.1.25": ("DC", "domainComponent"),
    "1.2.840.113549.1.9.1": ("emailAddress", "email", "E"),
}
#: Every name in lower case -> the short one, in lower case.
NAMES: Final[Mapping[str, str]] = {
    name.lower(): names[0].lower() for names in ATTRIBUTES.values() for name in names
}
