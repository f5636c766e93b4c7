"""What may be told of a certificate, and what of it is a secret."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import attrs
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fiberlb.acme.issued import Issued, Record
from fiberlb.control.commits import time_text
from fiberlb.errors import ConfigurationError
from fiberlb.model.certificate import SHOWN, Certificate
from fiberlb.model.configuration import Configuration
from fiberlb.model.listener import Listener
from fiberlb.model.referring import references
from fiberlb.model.resource import Resource
from fiberlb.tls.authorities import Authorities, examine
from fiberlb.tls.bundles import has_bundled_key
from fiberlb.tls.concerns import lasting, timely
from fiberlb.tls.material import Material
from fiberlb.tls.ocsp import unshown
from fiberlb.tls.pem import CERTIFICATE_LABELS, KEY_LABELS, blocks
from fiberlb.tls.private_keys import key_words

#: Stands for a private key that stays where it is.
MARK = "stored:sha256:"


def public_text(text: str) -> str:
    """The certificates of a PEM text, without a key that stands among them."""
    if "PRIVATE KEY" not in text:
        return text
    return _joined(text, CERTIFICATE_LABELS)


def separated(certificate: Certificate) -> Certificate:
    """
    The certificate with a key of its text moved to C{private_key}.

    Only that field is sealed at rest and left out of answers. A key given in
    both places is kept from C{private_key}.
    """
    text = certificate.certificate
    if not has_key(text):
        return certificate
    key = certificate.private_key or _joined(text, KEY_LABELS)
    return attrs.evolve(certificate, certificate=public_text(text), private_key=key)


def has_key(text: str) -> bool:
    """Whether a text holds a private key, in PEM or in PKCS#12."""
    if "PRIVATE KEY" in text:
        return any(label in KEY_LABELS for label, _ in blocks(text))
    return has_bundled_key(text)


def _joined(text: str, labels: frozenset[str]) -> str:
    return "".join(pem.decode() for label, pem in blocks(text) if label in labels)


#: What is told of a certificate that can be read, with what stands for each where it cannot.
FACTS: tuple[str, ...] = (
    "fingerprint_sha256",
    "names",
    "issuer",
    "subject",
    "serial",
    "key_type",
    "chain_length",
    "not_before",
    "expires_at",
)


class CertificateFacts:
    """
    Fingerprints, names and dates, read once for each certificate.

    They are kept by id and read again when the certificate has changed.
    """

    def __init__(self, issued: Issued | None = None) -> None:
        """@param issued: what was issued for those that order themselves."""
        self._issued = issued or Issued()
        self._known: dict[str, tuple[Certificate, Material | Authorities | None]] = {}
        self._users: tuple[Configuration | None, Mapping[str, list[Resource]]] = (None, {})

    def of(self, certificate: Certificate) -> dict[str, Any]:
        """
        What an answer says beside the fields, L{FACTS}: of the leaf, or of the first of
        several authorities; C{expires_at} is when the first of them ends. Fingerprint and
        serial number are in hex, times RFC 3339 in UTC; each is C{None} if the certificate
        cannot be read.
        """
        read = self.read(certificate)
        if read is None:
            return dict.fromkeys(FACTS)
        several = (read.leaf, *read.chain) if isinstance(read, Material) else read.certificates
        first = several[0]
        shown = isinstance(read, Material)
        return {
            "fingerprint_sha256": first.fingerprint(hashes.SHA256()).hex(),
            "names": list(read.names) if isinstance(read, Material) else [],
            "issuer": first.issuer.rfc4514_string(),
            "subject": first.subject.rfc4514_string(),
            "serial": f"{first.serial_number:x}",
            "key_type": key_words(read.key) if isinstance(read, Material) else None,
            "chain_length": len(several) if shown else None,
            "not_before": _time(first.not_valid_before_utc),
            "expires_at": _time(read.not_after),
        }

    def chain(self, certificate: Certificate) -> str | None:
        """Its PEM without a key; of one that orders itself, what was issued."""
        certificate = self._issued.of(certificate)
        return None if certificate.waiting else public_text(certificate.certificate)

    def order(self, certificate: Certificate, now: float) -> dict[str, Any]:
        """
        How the order of a certificate goes that orders itself: C{state} (C{pending}, C{valid},
        C{renewing} or C{failed}), C{last_error}, C{next_try} and C{expires_at}.
        """
        record = self._issued.records.get(certificate.id, Record())
        issue = record.issue
        return {
            "state": self._issued.state(certificate.id, now),
            "last_error": record.last_error or None,
            "next_try": time_text(record.next_try) if record.next_try > now else None,
            "expires_at": time_text(issue.not_after) if issue is not None else None,
        }

    def warnings(self, certificate: Certificate, now: float) -> list[str]:
        """What is no reason to refuse it; C{now}: seconds since the epoch."""
        read = self.read(certificate)
        if read is None:
            return []
        odd = [*timely(read, now), *lasting(read, certificate.cert_type, certificate.ocsp)]
        stapled = unshown(read, certificate.ocsp, now) if isinstance(read, Material) else ""
        return [*odd, stapled] if stapled else odd

    def used_by(self, certificate: Certificate, configuration: Configuration) -> list[Resource]:
        """
        Who refers to it, in the order of collections; listeners that offer every
        certificate are among them.
        """
        if self._users[0] is not configuration:
            self._users = (configuration, _users(configuration))
        return self._users[1].get(certificate.id, [])

    def mark(self, certificate: Certificate) -> str | None:
        """What stands for the private key: the digest of the public key that goes with it."""
        material = None if certificate.acme else self.read(certificate)
        if not isinstance(material, Material):
            return None
        public = material.key.public_key()
        digest = hashes.Hash(hashes.SHA256())
        digest.update(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        return MARK + digest.finalize().hex()

    def read(self, certificate: Certificate) -> Material | Authorities | None:
        """What it holds, or was issued; C{None} if it cannot be read, or nothing was issued yet."""
        certificate = self._issued.of(certificate)
        if certificate.waiting:
            return None
        known = self._known.get(certificate.id)
        if known is not None and known[0] == certificate:
            return known[1]
        try:
            read = examine(certificate)
        except ConfigurationError:
            read = None
        self._known[certificate.id] = (certificate, read)
        return read

    def keep(self, ids: set[str]) -> None:
        """Forget all but these."""
        for ident in self._known.keys() - ids:
            del self._known[ident]


def _users(configuration: Configuration) -> Mapping[str, list[Resource]]:
    """Certificate id -> what refers to it."""
    certificates = configuration.all(Certificate)
    shown = [i for i, c in certificates.items() if c.cert_type in SHOWN and c.enabled]
    found: dict[str, list[Resource]] = {}
    for objects in configuration.objects.values():
        for made in objects.values():
            words = {word: None for to, word, _ in references(made) if to == "certificates"}
            tls = made.tls_config if isinstance(made, Listener) else None
            if tls is not None and tls.sni_certificate_ids is None:
                words.update(dict.fromkeys(shown))
            for word in words:
                found.setdefault(word, []).append(made)
    return found


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
