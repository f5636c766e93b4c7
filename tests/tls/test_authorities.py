"""Tests of fiberlb.tls.authorities."""

from __future__ import annotations

import base64
from typing import Any

import attrs
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.certificate import Certificate
from fiberlb.tls.authorities import (
    MOST_LISTS,
    Authorities,
    examine,
    inspect_authorities,
)
from fiberlb.tls.material import MOST_TEXT, Material
from tests.support.certificates import authority, judge, leaf, revoked

ROOT = authority("Root")
LOWER = authority("Lower", ROOT)


def pem(*lists: x509.CertificateRevocationList) -> str:
    """Lists as PEM."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in lists)


class AuthoritiesTests(SynchronousTestCase):
    """What is taken."""

    def test_bundle(self) -> None:
        """Roots and intermediates in one text, in the order given."""
        found = inspect_authorities(judge(LOWER, ROOT))
        self.assertEqual(found.certificates, (LOWER.certificate, ROOT.certificate))
        self.assertEqual(found.lists, ())
        ends = {LOWER.certificate.not_valid_after_utc, ROOT.certificate.not_valid_after_utc}
        self.assertEqual(found.not_after, min(ends))

    def test_examine(self) -> None:
        """The type decides what is read."""
        self.assertIsInstance(examine(judge(ROOT)), Authorities)
        self.assertIsInstance(examine(leaf("a.test").model()), Material)

    def test_lists(self) -> None:
        """Several lists as PEM, or one in DER as base64, with line ends or without."""
        first, second = revoked(by=ROOT), revoked(leaf("x.test"), by=LOWER)
        both = attrs.evolve(judge(ROOT, LOWER), crl=pem(first, second))
        self.assertEqual(inspect_authorities(both).lists, (first, second))
        der = first.public_bytes(Encoding.DER)
        for text in (base64.b64encode(der), base64.encodebytes(der)):
            one = attrs.evolve(judge(ROOT), crl=text.decode())
            self.assertEqual(inspect_authorities(one).lists, (first,))

    def test_overdue_list(self) -> None:
        """An overdue list is no reason to refuse a configuration: handshakes judge it."""
        late = attrs.evolve(judge(ROOT), crl=pem(revoked(by=ROOT, days=-2)))
        self.assertEqual(len(inspect_authorities(late).lists), 1)

    def test_nothing_shown(self) -> None:
        """The representation is short whatever is in it."""
        self.assertLess(len(repr(inspect_authorities(judge(ROOT)))), 120)


class RefusalTests(SynchronousTestCase):
    """What is refused, at which field."""

    def refused(self, certificate: Certificate) -> tuple[Any, str]:
        """The field and the message of the one problem."""
        why = self.assertRaises(ConfigurationError, inspect_authorities, certificate)
        (problem,) = why.problems
        (field,) = problem.path
        return field, problem.message

    def check(self, part: str, **changes: Any) -> None:
        """A good C{client_ca} with one field replaced is refused at it."""
        field, message = self.refused(attrs.evolve(judge(ROOT), **changes))
        self.assertEqual(field, next(iter(changes)))
        self.assertIn(part, message)

    def test_certificates(self) -> None:
        """Nothing, garbage, and a certificate that cannot sign others."""
        self.check("holds no PEM certificate", certificate="x")
        broken = ROOT.pem.replace(ROOT.pem.splitlines()[3], "!!!!")
        self.check("number 1 of the text cannot be read", certificate=broken)
        self.check("number 2 of the text is not an auth", certificate=ROOT.pem + leaf("a").pem)
        self.check("must have at most", certificate="x" * (MOST_TEXT + 1))

    def test_lists(self) -> None:
        """Neither PEM nor DER, damaged, too many, of somebody else, partial."""
        good = revoked(by=ROOT)
        self.check("neither PEM nor base64", crl="!")
        self.check("list number 1 of the text cannot be read", crl="AAAA")
        self.check("a list without its end", crl=pem(good) + pem(good)[:99])
        broken = pem(good).replace(pem(good).splitlines()[2], "!!!!")
        self.check("list number 2 of the text cannot be read", crl=pem(good) + broken)
        self.check("at most 64 lists", crl=pem(good) * (MOST_LISTS + 1))
        self.check("list number 2 is not signed", crl=pem(good, revoked(by=LOWER)))
        delta = x509.DeltaCRLIndicator(1)
        self.check("partial", crl=pem(revoked(by=ROOT, extension=delta)))

    def test_forged_list(self) -> None:
        """The name of an authority is not its signature."""
        namesake = authority.__wrapped__("Root")
        self.check("is not signed by any", crl=pem(revoked(by=namesake)))
