"""Tests of L{fiberlb.store.key_rotation}; what a killed process leaves is in the live tests."""

from __future__ import annotations

import base64
import fcntl
import os
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.key_file import KeyFileError, read_keys
from fiberlb.store.key_rotation import keep_only, put_first
from fiberlb.store.sealed import key_id

ONE, TWO, THREE = b"1" * 32, b"2" * 32, b"3" * 32


def line(key: bytes) -> bytes:
    """A line of a key file."""
    return base64.b64encode(key) + b"\n"


class ChangeTests(SynchronousTestCase):
    """A key file that is changed."""

    def setUp(self) -> None:
        """A file with one key and a comment."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.path = self.directory / "key"
        self.path.touch(mode=0o600)
        self.path.write_bytes(b"# of 2026\n" + line(ONE))

    def test_put_first(self) -> None:
        """The new key is the first line, all else stays; nobody else may read it."""
        self.assertEqual(put_first(str(self.path), TWO), [TWO, ONE])
        self.assertEqual(self.path.read_bytes(), line(TWO) + b"# of 2026\n" + line(ONE))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)
        self.assertEqual(os.listdir(self.directory), ["key"])

    def test_keep_only(self) -> None:
        """Keys go, comments stay; the last key never goes."""
        put_first(str(self.path), TWO)
        put_first(str(self.path), THREE)
        ids = (key_id(THREE), key_id(ONE))
        self.assertEqual(keep_only(str(self.path), ids), [THREE, ONE])
        with self.assertRaises(KeyFileError) as caught:
            keep_only(str(self.path), ())
        self.assertIn("without any key", str(caught.exception))
        self.assertEqual(read_keys(str(self.path)), [THREE, ONE])

    def test_link(self) -> None:
        """Behind a link the file is replaced, not the link."""
        link = self.directory / "link"
        link.symlink_to("key")
        self.assertEqual(put_first(str(link), TWO), [TWO, ONE])
        self.assertTrue(link.is_symlink())
        self.assertEqual(read_keys(str(self.path)), [TWO, ONE])

    def test_left_over(self) -> None:
        """A draft that a crash left is no hindrance, and gone afterwards."""
        (self.directory / ".key.fiberlb-new").write_bytes(b"half")
        put_first(str(self.path), TWO)
        self.assertEqual(os.listdir(self.directory), ["key"])

    def test_locked(self) -> None:
        """Two do not change it at once."""
        with self.path.open() as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            with self.assertRaises(KeyFileError) as caught:
                put_first(str(self.path), TWO)
        self.assertIn("by another process", str(caught.exception))
        self.assertEqual(put_first(str(self.path), TWO), [TWO, ONE])

    def test_refused(self) -> None:
        """What is no good key file is not changed; no message holds a key."""
        self.path.chmod(0o644)
        for path in (self.path, self.directory / "missing"):
            with self.assertRaises(KeyFileError) as caught:
                put_first(str(path), TWO)
            self.assertNotIn(base64.b64encode(TWO).decode(), str(caught.exception))
        self.assertEqual(self.path.read_bytes(), b"# of 2026\n" + line(ONE))

    def test_last_line(self) -> None:
        """A last line without an end keeps its key."""
        self.path.write_bytes(base64.b64encode(ONE))
        self.assertEqual(put_first(str(self.path), TWO), [TWO, ONE])
