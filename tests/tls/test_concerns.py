"""Tests of fiberlb.tls.concerns."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.certificate import Certificate, CertificateType
from fiberlb.tls.authorities import examine
from fiberlb.tls.concerns import lasting, left, timely
from fiberlb.tls.material import inspect
from tests.support.certificates import Leaf, authority, judge, key, leaf

DAY = 86400.0


def homemade() -> Certificate:
    """What C{openssl req -x509} makes."""
    own = key.__wrapped__("ec")
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "home.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(own.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=100))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(own, hashes.SHA256())
    )
    return Leaf(made, own).model()


class DateTests(SynchronousTestCase):
    """What is said of dates."""

    def test_end(self) -> None:
        """Nothing is said until thirty days before the end; afterwards that it is over."""
        material = inspect(leaf("a.test", days=90).model())
        end = material.not_after.timestamp()
        self.assertEqual(timely(material, end - 31 * DAY), ())
        self.assertIn("expires in 29 days", timely(material, end - 29.5 * DAY)[0])
        self.assertIn("expires in 1 day,", timely(material, end - 1.5 * DAY)[0])
        self.assertIn("expired on ", timely(material, end + 1)[0])

    def test_begin(self) -> None:
        """One of tomorrow."""
        material = inspect(leaf("a.test").model())
        (said,) = timely(material, material.not_before.timestamp() - 1)
        self.assertIn("is not valid before", said)

    def test_chain(self) -> None:
        """What stands above it and ends sooner is told by name."""
        lower = authority("Lower", authority())
        material = inspect(leaf("b.test", issuer=lower, issuers=(lower,), days=3000).model())
        end = lower.certificate.not_valid_after_utc.timestamp()
        (said,) = timely(material, end - 10.5 * DAY)
        self.assertIn("has 'Lower' in its chain, which expires in 10 days", said)

    def test_authorities(self) -> None:
        """Those that judge are told of one by one."""
        one, two = authority("One"), authority("Two")
        end = one.certificate.not_valid_after_utc.timestamp()
        said = timely(examine(judge(one, two)), end + 1)
        self.assertEqual([s.split(",")[0] for s in said], ["holds 'One'", "holds 'Two'"])

    def test_left(self) -> None:
        """The unit is the one that a person thinks in."""
        at = datetime(2026, 1, 1, tzinfo=UTC)
        for hours, expected in ((49, "2 days"), (24, "1 day"), (5, "5 hours"), (1, "1 hour")):
            self.assertEqual(left(at + timedelta(hours=hours), at), expected)
        self.assertEqual(left(at + timedelta(minutes=9), at), "less than an hour")


class LastingTests(SynchronousTestCase):
    """What does not change with time."""

    def said(self, certificate: Certificate) -> str:
        """Everything."""
        return "; ".join(lasting(examine(certificate), certificate.cert_type))

    def test_nothing(self) -> None:
        """There is nothing to say of a good one."""
        self.assertEqual(self.said(leaf("a.test").model()), "")

    def test_nameless(self) -> None:
        """Nobody can look for it; one for members needs no name."""
        certificate = leaf().model()
        self.assertIn("no name", self.said(certificate))
        self.assertEqual(self.said(attrs.evolve(certificate, cert_type=CertificateType.CLIENT)), "")

    def test_purpose(self) -> None:
        """A client's certificate shown by a server."""
        self.assertIn("not meant for servers", self.said(leaf("a.test", purpose="client").model()))
        self.assertEqual(self.said(leaf("a.test", purpose=None).model()), "")

    def test_homemade(self) -> None:
        """A certificate that signs itself is taken, and called what it is."""
        self.assertIn("good for tests only", self.said(homemade()))
