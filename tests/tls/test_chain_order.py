"""Tests of fiberlb.tls.chain_order."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.tls.chain_order import check_signatures, in_order, self_signed, title
from fiberlb.tls.private_keys import public_part
from tests.support.certificates import Authority, authority, leaf

#: Signed with SHA-1, which cryptography does not do any more: "openssl x509 -req -sha1".
OLD = """\
-----BEGIN CERTIFICATE-----
MIIBDTCBtQIBBTAJBgcqhkjOPQQBMBMxETAPBgNVBAMMCE9sZCBSb290MCAXDTI2
MTEyNzExMTgxMVoYDzIxMjYxMTAzMTExODExWjATMREwDwYDVQQDDAhvbGQudGVz
dDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABJG+5CARLg5wBlAno6+h9EZ/eUmx
Wb0WlXPLWWyijl7qSRd7l/2YtpHnHSWNRlzjk3In95p9RATbgv+qbgDQlcwwCQYH
KoZIzj0EAQNIADBFAiEA9J0n1pBqkzxyLN4KjnU+8FoOhvh6nf9XEnjCuv0Sl2kC
IDm5hw1X8BvF8qbd7aCmXfvEGLPGAR8lxF3a2+AjBvAO
-----END CERTIFICATE-----
"""
OLD_ROOT = """\
-----BEGIN CERTIFICATE-----
MIIBezCCASKgAwIBAgIUSF4TAxX2IVxHghGc6IWN34tyU8EwCQYHKoZIzj0EATAT
MREwDwYDVQQDDAhPbGQgUm9vdDAgFw0yNjExMjcxMTE4MTFaGA8yMTI2MTEwMzEx
MTgxMVowEzERMA8GA1UEAwwIT2xkIFJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMB
BwNCAAT2CjvnIFePvH9cIAJCBY1EzS8S2dm56nlTHJkt7wPrTBXr1hikJzvR8Kgg
oNAdkNVw7cU7fXxUr+rmRl/43HYjo1MwUTAdBgNVHQ4EFgQU6am749QhiTy2f5h3
wnrjkvOKl3cwHwYDVR0jBBgwFoAU6am749QhiTy2f5h3wnrjkvOKl3cwDwYDVR0T
AQH/BAUwAwEB/zAJBgcqhkjOPQQBA0gAMEUCIGg1xUkjzgz4rK+HsBfWZTGVpGTy
m78SxU58yEUx/psOAiEA7u+56zTmyRqWvFDb31LW+zKTqFKQyJwJeNSkg5WbcXU=
-----END CERTIFICATE-----
"""


def crossed(one: Authority, by: Authority) -> x509.Certificate:
    """The same authority's key and name, certified by another one."""
    public = one.key.public_key()
    assert isinstance(public, EllipticCurvePublicKey)
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(one.certificate.subject)
        .issuer_name(by.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .sign(by.key, hashes.SHA256())
    )


class OrderTests(SynchronousTestCase):
    """Chains as people paste them."""

    def setUp(self) -> None:
        """A leaf below two intermediates."""
        self.upper = authority("Upper", authority())
        self.lower = authority("Lower", self.upper)
        self.one = leaf("a.test", issuer=self.lower)
        self.public = public_part(self.one.key)

    def refused(self, *certificates: x509.Certificate) -> tuple[str, str]:
        """The field and the message."""
        why = self.assertRaises(
            ConfigurationError, in_order, certificates, self.public, "private_key"
        )
        (problem,) = why.problems
        return str(problem.path[0]), problem.message

    def test_any_order(self) -> None:
        """Whatever the order, each certificate comes behind what it signed."""
        right = [self.one.certificate, *(a.certificate for a in (self.lower, self.upper))]
        right.append(authority().certificate)
        for given in itertools.permutations(right):
            self.assertEqual(in_order(given, self.public, "private_key"), right)

    def test_duplicates(self) -> None:
        """What stands there twice counts once."""
        given = [self.one.certificate, self.lower.certificate] * 2
        self.assertEqual(in_order(given, self.public, "private_key"), given[:2])

    def test_cross_signed(self) -> None:
        """Two ways to two roots both stay."""
        other = crossed(self.upper, authority("Other"))
        given = [other, self.lower.certificate, self.upper.certificate, self.one.certificate]
        done = in_order(given, self.public, "private_key")
        self.assertEqual(done[:2], [self.one.certificate, self.lower.certificate])
        self.assertEqual(set(done[2:]), {other, self.upper.certificate})

    def test_other_key(self) -> None:
        """The key of none of them."""
        field, message = self.refused(self.lower.certificate)
        self.assertEqual((field, message), ("private_key", "does not match the certificate"))

    def test_wrong_intermediate(self) -> None:
        """Last year's intermediate is refused, and the right one named."""
        wrong = authority("Lower of last year", authority())
        field, message = self.refused(self.one.certificate, wrong.certificate)
        self.assertEqual(field, "certificate")
        self.assertIn("number 2 of the text ('Lower of last year') signed none", message)
        self.assertIn("belongs there is the certificate of 'Lower'", message)

    def test_same_name(self) -> None:
        """An intermediate of the right name and the wrong key is seen through."""
        wrong = authority.__wrapped__("Lower", self.upper)
        self.assertIn("signed none", self.refused(self.one.certificate, wrong.certificate)[1])

    def test_unrelated(self) -> None:
        """Beside a complete chain, a certificate of something else."""
        root = leaf("a.test")
        self.public = public_part(root.key)
        stray = leaf("stray.test", common="Stray").certificate
        _, message = self.refused(root.certificate, authority().certificate, stray)
        self.assertIn("'Stray'", message)
        self.assertIn("complete without it", message)

    def test_two_for_one_key(self) -> None:
        """The old certificate beside the new one of the same key."""
        again = crossed(Authority(self.one.certificate, self.one.key), self.lower)  # type: ignore[arg-type]
        _, message = self.refused(self.one.certificate, again)
        self.assertIn("number 2 of the text", message)
        self.assertIn("keep the newer one", message)


class SignatureTests(SynchronousTestCase):
    """Digests of signatures."""

    def test_weak(self) -> None:
        """SHA-1 is refused, but on a root, where nobody looks."""
        old = x509.load_pem_x509_certificate(OLD.encode())
        root = x509.load_pem_x509_certificate(OLD_ROOT.encode())
        why = self.assertRaises(ConfigurationError, check_signatures, [old, root])
        self.assertIn("'old.test' is signed with SHA1", str(why))
        check_signatures([root])
        check_signatures([leaf("a.test").certificate, authority().certificate])

    def test_names(self) -> None:
        """What is said of a name, and what signs itself."""
        root = authority().certificate
        self.assertTrue(self_signed(root))
        self.assertFalse(self_signed(leaf("a.test").certificate))
        self.assertEqual(title(root.subject), "'Test CA'")
        self.assertEqual(title(x509.Name([])), "a nameless one")
