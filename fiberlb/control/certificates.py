"""What may be told of a certificate, and what of it is a secret."""

from __future__ import annotations

from typing import Any

import attrs
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fiberlb.acme.issued import Issued, Record
from fiberlb.control.commits import time_text
from fiberlb.errors import ConfigurationError
from fiberlb.model.certificate import Certificate
from fiberlb.tls.authorities import Authorities, examine
from fiberlb.tls.material import Material
from fiberlb.tls.pem import CERTIFICATE_LABELS, KEY_LABELS, blocks

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
    """Whether a PEM text holds a private key."""
    return "PRIVATE KEY" in text and any(label in KEY_LABELS for label, _ in blocks(text))


def _joined(text: str, labels: frozenset[str]) -> str:
    return "".join(pem.decode() for label, pem in blocks(text) if label in labels)


class CertificateFacts:
    """
    Fingerprints, names and dates, read once for each certificate.

    They are kept by id and read again when the certificate has changed.
    """

    def __init__(self, issued: Issued | None = None) -> None:
        """@param issued: what was issued for those that order themselves."""
        self._issued = issued or Issued()
        self._known: dict[str, tuple[Certificate, Material | Authorities | None]] = {}

    def of(self, certificate: Certificate) -> dict[str, Any]:
        """
        What an answer says beside the fields: C{fingerprint_sha256} (of the leaf, or the
        first authority, hex), C{names}, C{expires_at} (RFC 3339 in UTC, the first of several
        authorities to end); each C{None} if it cannot be read.
        """
        certificate = self._issued.of(certificate)
        read = None if certificate.waiting else self._read(certificate)
        if read is None:
            return {"fingerprint_sha256": None, "names": None, "expires_at": None}
        first = read.leaf if isinstance(read, Material) else read.certificates[0]
        return {
            "fingerprint_sha256": first.fingerprint(hashes.SHA256()).hex(),
            "names": list(read.names) if isinstance(read, Material) else [],
            "expires_at": read.not_after.strftime("%Y-%m-%dT%H:%M:%SZ"),
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

    def mark(self, certificate: Certificate) -> str | None:
        """What stands for the private key: the digest of the public key that goes with it."""
        material = self._read(certificate)
        if not isinstance(material, Material):
            return None
        public = material.key.public_key()
        digest = hashes.Hash(hashes.SHA256())
        digest.update(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        return MARK + digest.finalize().hex()

    def _read(self, certificate: Certificate) -> Material | Authorities | None:
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
