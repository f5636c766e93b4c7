"""The account's key, and what it signs: JSON Web Signatures with ES256 (RFC 7515, RFC 8555 6.2)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fiberlb.acme.issued import key_text

_SIZE = 32


def encoded(data: bytes) -> str:
    """Base64 for URLs without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class AccountKey:
    """
    A P-256 key.

    @ivar thumbprint: of the public key (RFC 7638), as challenges want it.
    """

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        self._key = key
        numbers = key.public_key().public_numbers()
        self._public = {
            "crv": "P-256",
            "kty": "EC",
            "x": encoded(numbers.x.to_bytes(_SIZE, "big")),
            "y": encoded(numbers.y.to_bytes(_SIZE, "big")),
        }
        self.thumbprint = encoded(hashlib.sha256(_plain(self._public)).digest())

    @classmethod
    def made(cls) -> AccountKey:
        """A new one."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def read(cls, pem: str) -> AccountKey:
        """
        The inverse of L{pem}.

        @raise ValueError: it is no P-256 key.
        """
        key = load_pem_private_key(pem.encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
            raise ValueError("not a P-256 key")
        return cls(key)

    def pem(self) -> str:
        """The private key as text; for the store, sealed."""
        return key_text(self._key)

    def signed(self, url: str, nonce: str, payload: Any, account: str | None) -> bytes:
        """
        The body of a request.

        @param payload: C{None} for POST-as-GET (RFC 8555, 6.3).
        @param account: its URL; C{None} before there is one.
        """
        head: dict[str, Any] = {"alg": "ES256", "nonce": nonce, "url": url}
        head.update({"jwk": self._public} if account is None else {"kid": account})
        protected = encoded(_plain(head))
        content = "" if payload is None else encoded(_plain(payload))
        der = self._key.sign(f"{protected}.{content}".encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        signature = encoded(r.to_bytes(_SIZE, "big") + s.to_bytes(_SIZE, "big"))
        return _plain({"protected": protected, "payload": content, "signature": signature})


def _plain(document: Any) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
