"""Tests of fiberlb.tls.bundles."""

from __future__ import annotations

import base64
from typing import Any

import attrs
from cryptography.hazmat.primitives.asymmetric import dsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    pkcs12,
)
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.certificate import Certificate
from fiberlb.tls.bundles import has_bundled_key, unpacked
from fiberlb.tls.material import inspect
from tests.support.certificates import Leaf, authority, leaf

#: A certificate that signed itself, with its key, made with an empty passphrase.
EMPTY = """\
MIIEDAIBAzCCA8IGCSqGSIb3DQEHAaCCA7MEggOvMIIDqzCCAmIGCSqGSIb3DQEHBqCCAlMwggJPAgEAMIICSAYJKoZI
hvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhxI2N1TInhaAICCAAwDAYIKoZIhvcNAgkFADAdBglg
hkgBZQMEASoEEAO46pQn0S6Qyhsiln7sTROAggHgl4ekYi7Txi4yJbVBEi1Aur5LzxbvMTTgYySe/qcciQLrEo2kN+oj
VGmo0zPGKVsCZjvkl3A0xcLyD9uSgaihOJTu5x6pTQcIUov03hvvoPaQyq3xDrNYl9+HMi/XSp5JZog8J+w4yHMEonfo
89R8FfIxnFG6uIJ72mqDipsW4FBH95QwIv9M24xcQ1BEGXUefzyKOI2PCLheLFwGKObtGNs9QM92GLhxporKEBzxpVZc
eVkxtovF7mtab5odwMKQ0MQNUPGQ6W+jlF4HlBxZfZfuiF/xR075VPxMhyjl4pAey6DsYD1RmTNPLtEF6xK+DkThf5jM
IIh77ILoULWs3EUVbATHtVe5LfbpiWYGKSzZSbg5gJeNaapUxsdYXOo1skokxTQjPlDmXnKiuHkjCm0+qv3d4xw2wDYk
4y9BRA7JvtGXCvk4NSoXtbuhDykbHMrboVOjk/nb+SiZMONX44IWOJUneva2eoi4DfWKzfiwiP/vCqeUvL143AlbGTnD
YXFYqW3n/G8pJkv1rcWu5EI7iLiNjgWFSzH6DM0FOAZgHdOZX7G6BwkV7yF/XyFtNDutBc1v0QUewNbzrlP+ptwwZeVG
4ayFN06TVLpouEUwWKZ4uX4cuF6U/NN84CDYMIIBQQYJKoZIhvcNAQcBoIIBMgSCAS4wggEqMIIBJgYLKoZIhvcNAQwK
AQKgge8wgewwVwYJKoZIhvcNAQUNMEowKQYJKoZIhvcNAQUMMBwECO/JkJorviAqAgIIADAMBggqhkiG9w0CCQUAMB0G
CWCGSAFlAwQBKgQQ6S8B0r1obKQSDfxWrRc3+ASBkM8CBKPca0BJ1E9kmDK8LqUmJpSCKEF57LelvmcNEbdHD/a9rtzK
cPBY0j57CPVyK2TrxqXdM9RxPBz4PBwggtO0upLNHHEdMW8GnmxEa6f6pFYMhBbp7NT8DLhkATlxs7URDJwKOUeidY5b
hUMK3P3vHMS9ozwAd+tMq1n3I2iuVfl8HWgQCc6nYvwRwCXeJTElMCMGCSqGSIb3DQEJFTEWBBTKdEAWOGhX5s9ZcvWJ
u3m0LlcZnTBBMDEwDQYJYIZIAWUDBAIBBQAEID4cE8v+69+nf0c/jj9epDmZ8bu+DxgUOPeiW9vJkzK5BAhSO+bMsDwe
QQICCAA=
"""


def bundle(one: Leaf, passphrase: str | None = None, key: Any = None) -> bytes:
    """A PKCS#12 of a leaf with its chain."""
    encryption: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        encryption = BestAvailableEncryption(passphrase.encode())
    above = [issuer.certificate for issuer in one.issuers]
    return pkcs12.serialize_key_and_certificates(
        b"name", key or one.key, None if key else one.certificate, above, encryption
    )


class BundleTests(SynchronousTestCase):
    """PKCS#12 and DER become PEM."""

    def setUp(self) -> None:
        """A leaf with an intermediate."""
        lower = authority("Lower", authority())
        self.one = leaf("a.test", issuer=lower, issuers=(lower,))

    def forms(self, data: bytes) -> list[str]:
        """As a document has it in one line and in several, and as a file is loaded."""
        lines = base64.encodebytes(data).decode()
        armour = f"-----BEGIN PKCS12-----\n{lines}-----END PKCS12-----\n"
        return [base64.b64encode(data).decode(), lines, armour]

    def refused(self, certificate: Certificate) -> Problem:
        """The one problem, without anything of what was given."""
        why = self.assertRaises(ConfigurationError, unpacked, certificate)
        (problem,) = why.problems
        self.assertTrue(why.__suppress_context__ or why.__context__ is None)
        self.assertNotIn("sesame", str(why))
        return problem

    def test_forms(self) -> None:
        """With a passphrase and without, in every form; the passphrase is not needed any more."""
        for kind in ("ec", "rsa", "ed25519"):
            one = attrs.evolve(self.one) if kind == "ec" else leaf("a.test", kind=kind)
            for passphrase in (None, "open sesame"):
                for text in self.forms(bundle(one, passphrase)):
                    self.assertTrue(has_bundled_key(text))
                    found = unpacked(Certificate(certificate=text, passphrase=passphrase))
                    self.assertEqual(found.certificate, one.chain)
                    self.assertIsNone(found.passphrase)
                    self.assertEqual(inspect(found).leaf, one.certificate)

    def test_empty_passphrase(self) -> None:
        """One that was made with an empty passphrase opens without any."""
        # serialize_key_and_certificates refuses one; this is openssl's with "-passout pass:".
        self.assertEqual(
            unpacked(Certificate(certificate=EMPTY)).certificate.count("BEGIN CERTIFICATE"), 1
        )

    def test_der(self) -> None:
        """A certificate in DER, its key beside it."""
        data = self.one.certificate.public_bytes(Encoding.DER)
        for text in self.forms(data):
            self.assertFalse(has_bundled_key(text))
            found = unpacked(Certificate(certificate=text, private_key=self.one.key_pem()))
            self.assertEqual((found.certificate, inspect(found).chain), (self.one.pem, ()))

    def test_pem(self) -> None:
        """PEM, and anything that is neither, stays as it is."""
        for text in (self.one.pem, "garbage", "MIIgarbage", "M", "-----BEGIN PKCS12-----"):
            certificate = Certificate(certificate=text)
            self.assertIs(unpacked(certificate), certificate)
            self.assertFalse(has_bundled_key(text))

    def test_passphrase(self) -> None:
        """A missing and a wrong passphrase."""
        text = base64.b64encode(bundle(self.one, "open sesame")).decode()
        problem = self.refused(Certificate(certificate=text))
        self.assertEqual((problem.path, problem.code), (("passphrase",), "missing"))
        problem = self.refused(Certificate(certificate=text, passphrase="sesame"))
        self.assertEqual((problem.path, problem.code), (("passphrase",), "invalid"))

    def test_damaged(self) -> None:
        """Cut at any place it is refused and nothing else happens."""
        data = bundle(self.one, "open sesame")
        for cut in range(8, len(data), 37):
            text = base64.b64encode(data[:cut]).decode()
            self.refused(Certificate(certificate=text, passphrase="open sesame"))

    def test_key_twice(self) -> None:
        """A key beside one that brings its own."""
        text = base64.b64encode(bundle(self.one)).decode()
        problem = self.refused(Certificate(certificate=text, private_key=self.one.key_pem()))
        self.assertEqual(problem.path, ("private_key",))

    def test_lacking(self) -> None:
        """A key without a certificate, and one that TLS does not use."""
        lonely = bundle(self.one, key=self.one.key)
        problem = self.refused(Certificate(certificate=base64.b64encode(lonely).decode()))
        self.assertIn("without a certificate", problem.message)
        old = dsa.generate_private_key(2048)
        text = base64.b64encode(
            pkcs12.serialize_key_and_certificates(
                b"x", old, None, [self.one.certificate], NoEncryption()
            )
        ).decode()
        self.refused(Certificate(certificate=text))
