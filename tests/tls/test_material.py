"""Tests of fiberlb.tls.material."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import attrs
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.tls.material import MOST_CERTIFICATES, MOST_TEXT, inspect
from tests.support.certificates import authority, leaf


class KeyFormTests(SynchronousTestCase):
    """The forms in which keys come."""

    def test_forms(self) -> None:
        """PKCS#8, PKCS#1 and SEC 1 keys are read, encrypted and not."""
        for kind in ("ec", "rsa"):
            one = leaf("a.test", kind=kind)
            for form in ("pkcs8", "traditional"):
                for passphrase in (None, "open sesame"):
                    certificate = Certificate(
                        certificate=one.pem,
                        private_key=one.key_pem(form, passphrase),
                        passphrase=passphrase,
                    )
                    found = inspect(certificate)
                    assert isinstance(found.key, (RSAPrivateKey, EllipticCurvePrivateKey))
                    assert isinstance(one.key, (RSAPrivateKey, EllipticCurvePrivateKey))
                    self.assertEqual(found.key.private_numbers(), one.key.private_numbers())

    def test_openssl_parameters(self) -> None:
        """The parameters that openssl writes before an EC key do not disturb."""
        one = leaf("a.test")
        parameters = (
            "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        )
        certificate = Certificate(
            certificate=one.pem, private_key=parameters + one.key_pem("traditional")
        )
        self.assertEqual(inspect(certificate).key_type, "EC")

    def test_key_in_certificate(self) -> None:
        """The key may stand in the certificate's text, before or after it."""
        one = leaf("a.test")
        for text in (one.key_pem() + one.chain, one.chain + one.key_pem()):
            self.assertEqual(inspect(Certificate(certificate=text)).names, ("a.test",))

    def test_ed25519(self) -> None:
        """Ed25519 keys are served."""
        self.assertEqual(inspect(leaf("a.test", kind="ed25519").model()).key_type, "Ed25519")

    def test_needless_passphrase(self) -> None:
        """A passphrase beside a key that is not encrypted is no reason to refuse."""
        inspect(attrs.evolve(leaf("a.test").model(), passphrase="unused"))


class MaterialTests(SynchronousTestCase):
    """What is found out about a certificate."""

    def test_chain(self) -> None:
        """The leaf comes first, the rest is the chain, in the order given."""
        lower = authority("Lower", authority())
        one = leaf("a.test", issuer=lower, issuers=(lower, authority()))
        found = inspect(one.model())
        self.assertEqual(found.leaf, one.certificate)
        self.assertEqual(found.chain, (lower.certificate, authority().certificate))

    def test_names(self) -> None:
        """Alternative names in lower case and without a final dot, each once."""
        found = inspect(leaf("A.Test", "a.test.", "*.B.test", common="c.test").model())
        self.assertEqual(found.names, ("a.test", "*.b.test"))

    def test_common_name(self) -> None:
        """Without alternative names the common name counts; without it there is no name."""
        self.assertEqual(inspect(leaf(common="Old.Test").model()).names, ("old.test",))
        self.assertEqual(inspect(leaf().model()).names, ())
        self.assertEqual(inspect(leaf(common="Our old server").model()).names, ())

    def test_dates(self) -> None:
        """An expired certificate is taken, and says that it is expired."""
        found = inspect(leaf("a.test", days=-3).model())
        after = found.not_after.timestamp()
        self.assertFalse(found.expired(after - 1))
        self.assertTrue(found.expired(after + 1))
        self.assertEqual(found.not_after.utcoffset(), timedelta(0))
        before = found.not_before.timestamp()
        self.assertTrue(found.premature(before - 1))
        self.assertFalse(found.premature(before + 1))

    def test_key_is_not_shown(self) -> None:
        """The representation has nothing of the key."""
        self.assertNotIn("key", repr(inspect(leaf("a.test").model())).lower())


def pem(key: dsa.DSAPrivateKey | rsa.RSAPrivateKey) -> str:
    """A key as PKCS#8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def armoured(der: bytes, at: int, changed: bytes) -> str:
    """A certificate as PEM, with some octets replaced."""
    body = base64.encodebytes(der[:at] + changed + der[at + len(changed) :]).decode()
    return f"-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n"


class RefusalTests(SynchronousTestCase):
    """What is wrong is told, at its field, without quoting it."""

    def refused(self, certificate: Certificate) -> Problem:
        """The one problem; it must not hold anything that was given."""
        why = self.assertRaises(ConfigurationError, inspect, certificate)
        (problem,) = why.problems
        self.assertIsNone(why.__cause__)
        self.assertTrue(why.__suppress_context__ or why.__context__ is None)
        for given in (certificate.certificate, certificate.private_key, certificate.passphrase):
            for line in (given or "").splitlines():
                if len(line) > 8 and not line.startswith("-----"):
                    self.assertNotIn(line, str(why))
        return problem

    def check(self, field: str, part: str, **changes: Any) -> Problem:
        """A good certificate with some fields replaced is refused at a field."""
        problem = self.refused(attrs.evolve(leaf("a.test").model(), **changes))
        self.assertEqual(problem.path, (field,))
        self.assertIn(part, problem.message)
        return problem

    def test_garbage(self) -> None:
        """Texts without PEM."""
        self.check("certificate", "no PEM certificate", certificate="garbage and more of it")
        self.check("private_key", "one PEM private key, not none", private_key="SECRET-garbage")

    def test_broken_blocks(self) -> None:
        """PEM blocks whose inside is damaged."""
        one, two = leaf("a.test"), leaf("b.test")
        broken = one.pem.replace(one.pem.splitlines()[3], "!!!!")
        self.check(
            "certificate", "number 2 of the text cannot be read", certificate=two.pem + broken
        )
        lines = one.key_pem().splitlines()
        lines[1] = base64.b64encode(b"not a key, but as long as one could be").decode()
        self.check("private_key", "cannot be read", private_key="\n".join(lines))

    def test_every_truncation(self) -> None:
        """A key or a certificate cut anywhere is refused and nothing else happens."""
        one = leaf("a.test")
        for field, text in (("certificate", one.pem), ("private_key", one.key_pem())):
            body = text.splitlines()
            for cut in range(1, len(body) - 1):
                changed = "\n".join(body[:cut] + body[-1:])
                given: dict[str, Any] = {field: changed}
                self.refused(attrs.evolve(one.model(), **given))

    def test_mismatch(self) -> None:
        """A key of another certificate."""
        other = leaf("b.test")
        self.check("private_key", "does not match the certificate", private_key=other.key_pem())
        self.check("private_key", "does not match", private_key=leaf(kind="rsa").key_pem())

    def test_mismatch_inside(self) -> None:
        """A key that stands in the certificate's text is told of there."""
        text = leaf("a.test").pem + leaf("b.test").key_pem()
        problem = self.refused(Certificate(certificate=text))
        self.assertEqual(problem.path, ("certificate",))

    def test_leaf_not_first(self) -> None:
        """A chain in another order is put in order."""
        one = leaf("a.test")
        text = authority().pem + one.pem
        found = inspect(Certificate(certificate=text, private_key=one.key_pem()))
        self.assertEqual((found.leaf, found.chain), (one.certificate, (authority().certificate,)))

    def test_stray(self) -> None:
        """A certificate that belongs to none of the others."""
        one = leaf("a.test")
        other = leaf("b.test", common="Other")
        self.check("certificate", "('Other') signed none", certificate=one.pem + other.pem)

    def test_authority(self) -> None:
        """An authority's certificate is none of a server's."""
        lower = authority("Lower", authority())
        key = lower.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.check("certificate", "CA:TRUE", certificate=lower.pem, private_key=key)

    def test_nameless(self) -> None:
        """One that is chosen by name only needs a name."""
        one = attrs.evolve(leaf(common="Our Server").model(), cert_type=CertificateType.SNI)
        self.assertIn("bears no name", self.refused(one).message)

    def test_no_key(self) -> None:
        """There must be a key somewhere."""
        problem = self.check("private_key", "is needed", private_key=None)
        self.assertEqual(problem.code, "missing")

    def test_several_keys(self) -> None:
        """Two keys in one text are one too many."""
        one = leaf("a.test")
        self.check("private_key", "not 2", private_key=one.key_pem() + one.key_pem())

    def test_passphrase(self) -> None:
        """An encrypted key needs its passphrase, the right one."""
        one = leaf("a.test")
        for form in ("pkcs8", "traditional"):
            secret = one.key_pem(form, "open sesame")
            problem = self.check("passphrase", "is needed", private_key=secret)
            self.assertEqual(problem.code, "missing")
            self.check(
                "passphrase", "does not open", private_key=secret, passphrase="WRONG-passphrase"
            )

    def test_unfit_keys(self) -> None:
        """Keys that clients or OpenSSL refuse are refused when loaded, with what to use."""
        weak = leaf("a.test", kind="rsa1024").model()
        self.assertIn("1024 bits; at least 2048", self.refused(weak).message)
        odd = leaf("a.test", kind="secp256k1").model()
        self.assertIn("secp256r1", self.refused(odd).message)
        old = pem(dsa.generate_private_key(2048))
        self.check("private_key", "RSA, an EC", private_key=old)

    def test_damaged_rsa_key(self) -> None:
        """An RSA key that cannot sign is refused."""
        one = leaf("a.test", kind="rsa")
        assert isinstance(one.key, rsa.RSAPrivateKey)
        good = one.key.private_numbers()
        damaged = rsa.RSAPrivateNumbers(
            p=good.p,
            q=good.q,
            d=good.d ^ 1 << 80,
            dmp1=good.dmp1 ^ 1 << 64,
            dmq1=good.dmq1,
            iqmp=good.iqmp,
            public_numbers=good.public_numbers,
        ).private_key(unsafe_skip_rsa_key_validation=True)
        self.check("private_key", "is damaged", certificate=one.pem, private_key=pem(damaged))

    def test_unreadable_inside(self) -> None:
        """A certificate that is well-formed only outside is refused too."""
        one = leaf("a.test")
        der = one.certificate.public_bytes(Encoding.DER)
        names = der.index(b"a.test")
        # Alternative names: the tag of a DNS name becomes one that there is not.
        self.check(
            "certificate",
            "extensions",
            certificate=armoured(der, names - 2, b"\x9f"),
            private_key=one.key_pem(),
        )
        # The kind of the public key becomes one that nobody knows.
        kind = der.index(b"\x2a\x86\x48\xce\x3d\x02\x01") + 6
        self.check(
            "private_key",
            "does not match",
            certificate=armoured(der, kind, b"\x7f"),
            private_key=one.key_pem(),
        )

    def test_bounds(self) -> None:
        """Absurdly long texts and chains are refused."""
        one = leaf("a.test")
        self.check(
            "certificate", "at most", certificate=one.pem + authority().pem * MOST_CERTIFICATES
        )
        self.check("private_key", "at most", private_key="x" * (MOST_TEXT + 1))
