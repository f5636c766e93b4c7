"""Tests of L{fiberlb.store.files}."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.files import make_directory, make_file


class FileTests(SynchronousTestCase):
    """Files and directories for their owner alone."""

    def setUp(self) -> None:
        """A directory to work in, and the most open of umasks."""
        self.directory = self.mktemp()
        os.mkdir(self.directory)
        self.addCleanup(os.umask, os.umask(0))

    def path(self, name: str) -> str:
        """A path below that directory."""
        return os.path.join(self.directory, name)

    def test_directory(self) -> None:
        """A directory is made with mode 0700, an existing one is left alone."""
        make_directory(self.path("a/b"))
        self.assertEqual(os.stat(self.path("a/b")).st_mode & 0o777, 0o700)
        os.chmod(self.path("a/b"), 0o755)
        make_directory(self.path("a/b"))
        self.assertEqual(os.stat(self.path("a/b")).st_mode & 0o777, 0o755)

    def test_file(self) -> None:
        """A file is made whole with mode 0600, and leaves nothing beside it."""
        self.assertTrue(make_file(self.path("a"), b"content"))
        self.assertEqual(os.stat(self.path("a")).st_mode & 0o777, 0o600)
        with open(self.path("a"), "rb") as file:
            self.assertEqual(file.read(), b"content")
        self.assertEqual(os.listdir(self.directory), ["a"])

    def test_existing(self) -> None:
        """What exists is left alone, even a link to nowhere."""
        make_file(self.path("a"), b"first")
        os.symlink("nowhere", self.path("b"))
        for name in ("a", "b"):
            self.assertFalse(make_file(self.path(name), b"second"))
        with open(self.path("a"), "rb") as file:
            self.assertEqual(file.read(), b"first")
        self.assertEqual(sorted(os.listdir(self.directory)), ["a", "b"])

    def test_impossible(self) -> None:
        """What cannot be made is told."""
        make_file(self.path("a"))
        self.assertRaises(OSError, make_file, self.path("a/b"))
        self.assertRaises(OSError, make_directory, self.path("a/b"))
