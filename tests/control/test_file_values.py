"""Tests of fiberlb.control.file_values; what is refused is in those of document."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.file_values import NamedFile, Reading, content, stamp
from tests.control.loading import written


class StampTests(SynchronousTestCase):
    """Every way in which files are replaced is noticed."""

    def setUp(self) -> None:
        """Two files."""
        self.directory = Path(written(self, {"a": "one", "b": "two"}))
        self.path = self.directory / "a"
        self.file = NamedFile(str(self.path), stamp(str(self.path)))

    def changed(self, path: Path) -> bool:
        """Whether it has changed since the last time."""
        found = self.file.changed
        self.file = NamedFile(str(path), stamp(str(path)))
        return found

    def test_changes(self) -> None:
        """Written to, renamed over, taken away, come back; and nothing, which is no change."""
        self.assertFalse(self.changed(self.path))
        self.path.write_text("three")
        self.assertTrue(self.changed(self.path))
        os.replace(self.directory / "b", self.path)
        self.assertTrue(self.changed(self.path))
        self.path.unlink()
        self.assertTrue(self.changed(self.path))
        self.assertFalse(self.changed(self.path))
        self.path.write_text("four")
        self.assertTrue(self.changed(self.path))

    def test_links(self) -> None:
        """A link anywhere on the way that is turned."""
        for name in ("v1", "v2"):
            (self.directory / name).mkdir()
            (self.directory / name / "tls.crt").write_text("same")
        link = self.directory / "data"
        link.symlink_to("v1")
        path = link / "tls.crt"
        self.file = NamedFile(str(path), stamp(str(path)))
        fresh = self.directory / "data_tmp"
        fresh.symlink_to("v2")
        os.replace(fresh, link)
        self.assertTrue(self.changed(path))


class ReadingTests(SynchronousTestCase):
    """What is read is remembered as it was."""

    def test_remembered(self) -> None:
        """The absolute path and the stamp, also of what is not there."""
        directory = written(self, {"a": "one"})
        reading = Reading(directory)
        self.assertEqual(reading("a"), "one")
        self.assertRaises(OSError, reading, "b")
        self.assertEqual(reading.files["a"], NamedFile(f"{directory}/a", stamp(f"{directory}/a")))
        self.assertEqual(reading.files["b"], NamedFile(f"{directory}/b", None))

    def test_bounded(self) -> None:
        """Not more than one byte beyond the limit."""
        directory = written(self, {"a": "12345"})
        self.assertEqual(content(f"{directory}/a", 3), b"1234")
