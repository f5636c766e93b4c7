"""Sets of keys."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.guards.key_set import MOST_KEYS, keys_of
from tests.guards.test_tokens import RSA, SET, jwk

WEAK = rsa.generate_private_key(65537, 1024)


class KeysTests(SynchronousTestCase):
    """What is taken of a document."""

    def test_taken(self) -> None:
        """Each kind, for what it is."""
        found = {key.kid: key.algorithms for key in keys_of(SET)}
        self.assertEqual(found["ES256"], {"ES256"})
        self.assertEqual(found["EdDSA"], {"EdDSA"})
        self.assertEqual(len(found["RS256"]), 6)

    def test_left_out(self) -> None:
        """Shared secrets, private ones, weak ones, others' uses, and what is none."""
        good = jwk("RS256", RSA)
        wrong: list[Any] = [
            {"kty": "oct", "k": "c2VjcmV0", "kid": "s"},
            {**good, "use": "enc"},
            {**good, "alg": "HS256"},
            {**good, "alg": "none"},
            {**good, "alg": ["RS256"]},
            {**good, "d": "x"},
            {**good, "n": "!"},
            {**good, "n": 1},
            {**good, "kty": ["RSA"]},
            jwk("RS256", WEAK),
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
            {"kty": "EC", "crv": "secp256k1"},
            1,
        ]
        (only,) = keys_of(json.dumps({"keys": [*wrong, {**good, "alg": "RS512"}]}).encode())
        self.assertEqual(only.algorithms, {"RS512"})
        many = keys_of(json.dumps({"keys": [good] * (MOST_KEYS + 10)}).encode())
        self.assertEqual(len(many), MOST_KEYS)

    def test_none(self) -> None:
        """What is no set."""
        for text in (b"", b"{}", b"[]", b'{"keys": 1}', b"\xff", b"[" * 100000):
            with self.assertRaises(ValueError):
                keys_of(text)
