"""Tests of fiberlb.control.file_material."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import load_file
from fiberlb.model.certificate import Certificate
from tests.control.loading import refused, written
from tests.support.certificates import leaf
from tests.tls.test_bundles import bundle

TEXT = """\
certificates:
- {name: main, certificate: "file:main.p12", passphrase: sesame}
"""


class OpenedTests(SynchronousTestCase):
    """Certificates of a file in other forms than PEM."""

    def test_bundle(self) -> None:
        """A binary PKCS#12 file is taken, and is PEM from then on."""
        one = leaf("a.test")
        path = written(self, {"f.yaml": TEXT, "main.p12": bundle(one, "sesame")})
        (made,) = load_file(f"{path}/f.yaml", {}).configuration.all(Certificate).values()
        self.assertEqual(made.certificate, one.pem)
        self.assertIn("BEGIN PRIVATE KEY", made.private_key or "")
        self.assertIsNone(made.passphrase)

    def test_refused(self) -> None:
        """One that does not open is told with its place."""
        path = written(self, {"f.yaml": TEXT, "main.p12": bundle(leaf("a.test"), "other")})
        self.assertEqual(
            refused(f"{path}/f.yaml", {}),
            [
                "f.yaml:2:46: certificates[0].passphrase: does not open the PKCS#12 of"
                " certificate (or that is damaged)"
            ],
        )
