"""Tests of L{fiberlb.acme.jws}."""

from __future__ import annotations

import base64
import json

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.acme.issued import key_text
from fiberlb.acme.jws import AccountKey, encoded
from tests.support.certificates import key


def plain(text: str) -> bytes:
    """The inverse of L{encoded}."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class KeyTests(SynchronousTestCase):
    """What an account signs."""

    def test_signed(self) -> None:
        """The signature is the key's, over head and payload; the first request has the key."""
        made = AccountKey.made()
        request = json.loads(made.signed("https://a/new", "n1", {"a": 1}, None))
        head = json.loads(plain(request["protected"]))
        self.assertEqual(
            (head["alg"], head["nonce"], head["url"]), ("ES256", "n1", "https://a/new")
        )
        self.assertEqual(head["jwk"]["kty"], "EC")
        self.assertEqual(json.loads(plain(request["payload"])), {"a": 1})
        private = load_pem_private_key(made.pem().encode(), None)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        raw = plain(request["signature"])
        r, s = (int.from_bytes(raw[at : at + 32], "big") for at in (0, 32))
        signed = f"{request['protected']}.{request['payload']}".encode()
        public = private.public_key()
        public.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))

    def test_account(self) -> None:
        """Later ones name the account; reading has an empty payload."""
        request = json.loads(AccountKey.made().signed("https://a/x", "n", None, "https://a/1"))
        head = json.loads(plain(request["protected"]))
        self.assertEqual(head["kid"], "https://a/1")
        self.assertNotIn("jwk", head)
        self.assertEqual(request["payload"], "")

    def test_read(self) -> None:
        """The text gives the same key; any other kind is refused."""
        made = AccountKey.made()
        self.assertEqual(AccountKey.read(made.pem()).thumbprint, made.thumbprint)
        other = key("p384")
        assert isinstance(other, ec.EllipticCurvePrivateKey)
        with self.assertRaises(ValueError):
            AccountKey.read(key_text(other))

    def test_encoded(self) -> None:
        """No padding, nothing that an URL would not take."""
        self.assertEqual(encoded(b"\xfb\xff"), "-_8")
