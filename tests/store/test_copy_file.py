"""Tests of L{fiberlb.store.copy_file}."""

from __future__ import annotations

import os

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.copy_file import Copy, CopyFile


class CopyFileTests(SynchronousTestCase):
    """A copy on a disk."""

    def setUp(self) -> None:
        """A directory with one."""
        self.directory = self.mktemp()
        os.mkdir(self.directory)
        self.path = os.path.join(self.directory, "copy")
        self.copy = Copy(57, {b"a": (bytes(range(256)), 3), b"b": (b"", 57)})
        CopyFile(self.path, "etcd /fiberlb/").write(self.copy)

    def read(self) -> Copy | None:
        """What is there."""
        return CopyFile(self.path, "etcd /fiberlb/").read()

    def test_copy(self) -> None:
        """It comes back as it was, is nobody else's, and has nothing beside it."""
        self.assertEqual(self.read(), self.copy)
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        self.assertEqual(os.listdir(self.directory), ["copy"])
        CopyFile(self.path, "etcd /fiberlb/").write(Copy(1, {}))
        self.assertEqual(self.read(), Copy(1, {}))

    def test_other(self) -> None:
        """That of another store is none."""
        self.assertIsNone(CopyFile(self.path, "etcd /elsewhere/").read())

    def test_damaged(self) -> None:
        """A damaged one is none, wherever the damage is; nor is one that is not there."""
        with open(self.path, "rb") as file:
            whole = file.read()
        for damaged in (whole[:-1], whole[:10], b"", whole[:60] + b"x" + whole[61:]):
            with open(self.path, "wb") as file:
                file.write(damaged)
            self.assertIsNone(self.read())
        os.unlink(self.path)
        self.assertIsNone(self.read())

    def test_cannot(self) -> None:
        """Where it cannot be written the one before it stays."""
        self.assertRaises(OSError, CopyFile(os.path.join(self.path, "a"), "x").write, self.copy)
        self.assertEqual(self.read(), self.copy)
