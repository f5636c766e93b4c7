"""Tests of fiberlb.control.file_material."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.document import FileLayer, load_file
from fiberlb.errors import ConfigurationError
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


class AgainTests(SynchronousTestCase):
    """What stands in files is known, and read again."""

    TEXT = """\
certificates:
- {name: main, certificate: "file:main.pem", private_key: "file:main.key"}
- {name: other, certificate: "file:other.pem"}
- {name: inline, certificate: "INLINE"}
"""

    def layer(self) -> tuple[FileLayer, Path]:
        """A layer with files of its own, and their directory."""
        one, two, three = leaf("a.test"), leaf("b.test"), leaf("c.test")
        inline = (three.pem + three.key_pem()).replace("\n", "\\n")
        path = written(
            self,
            {
                "f.yaml": self.TEXT.replace("INLINE", inline),
                "main.pem": one.pem,
                "main.key": one.key_pem(),
                "other.pem": two.pem + two.key_pem(),
            },
        )
        return load_file(f"{path}/f.yaml", {}), Path(path)

    def test_materials(self) -> None:
        """By id, with the fields that stand in files; nothing of a key is shown."""
        layer, _ = self.layer()
        found = {
            layer.configuration.all(Certificate)[ident].name: sorted(material.files)
            for ident, material in layer.materials.items()
        }
        self.assertEqual(found, {"main": ["certificate", "private_key"], "other": ["certificate"]})
        self.assertNotIn("PRIVATE", repr(layer) + repr(layer.materials))

    def test_again(self) -> None:
        """Only what has changed says so; what is read is what the files hold."""
        layer, path = self.layer()
        main, other = layer.materials.values()
        new = leaf("new.test")
        (path / "main.pem").write_text(new.pem)
        self.assertEqual((main.changed, other.changed), (True, False))
        again = main.again()
        self.assertEqual((again.made.certificate, again.made.name), (new.pem, "main"))
        self.assertEqual(again.made.private_key, main.made.private_key)
        self.assertFalse(again.changed)

    def test_gone(self) -> None:
        """A file that is gone is told at its field."""
        layer, path = self.layer()
        main = next(iter(layer.materials.values()))
        (path / "main.key").unlink()
        why = self.assertRaises(ConfigurationError, main.again)
        self.assertEqual(why.problems[0].path, ("private_key",))
        self.assertIn("No such file", why.problems[0].message)
