"""Tests of fiberlb.tls.private_keys; what is refused is in those of material."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.certificate import Certificate
from fiberlb.tls.private_keys import key_words, private_key, public_part, works
from tests.support.certificates import leaf


class KeyTests(SynchronousTestCase):
    """Keys as they are read."""

    def test_words(self) -> None:
        """The kind and the size are told as people know them."""
        words = {"ec": "EC P-256", "p384": "EC P-384", "rsa": "RSA 2048", "ed25519": "Ed25519"}
        for kind, expected in words.items():
            _, key = private_key(leaf("a.test", kind=kind).model())
            self.assertEqual(key_words(key), expected)
            self.assertTrue(works(key))

    def test_field(self) -> None:
        """The key is told of where it stands."""
        one = leaf("a.test")
        inside, key = private_key(Certificate(certificate=one.pem + one.key_pem()))
        beside, same = private_key(one.model())
        self.assertEqual((inside, beside), ("certificate", "private_key"))
        self.assertEqual(public_part(key), public_part(same))
