"""Tests of fiberlb.store.copying."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.copying import copy_in, copy_out, look
from fiberlb.store.database import Database
from fiberlb.store.interface import Unusable


class CopyTests(SynchronousTestCase):
    """Copies of a store."""

    def setUp(self) -> None:
        """A store in use."""
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir(mode=0o700)
        self.path = str(self.directory / "store.db")
        self.copy = str(self.directory / "copy.db")
        self.store = Database(self.path)
        self.addCleanup(self.store.close)
        for number in range(50):
            self.store.commit({}, {b"key%d" % number: b"x" * 9000}, 0.0)
        self.told: list[tuple[int, int]] = []

    def note(self, done: int, total: int) -> None:
        """How far it is."""
        self.told.append((done, total))

    def test_out(self) -> None:
        """All of it, as one file, while somebody holds it; how far it is is told."""
        found = copy_out(self.path, self.copy, self.note)
        self.assertEqual((found.revision, found.entries), (50, 50))
        self.assertEqual(self.told[-1][0], self.told[-1][1])
        self.assertEqual(sorted(path.name for path in self.directory.glob("copy*")), ["copy.db"])

    def test_in(self) -> None:
        """All of it replaces all that is there, and it can be written to."""
        copy_out(self.path, self.copy, self.note)
        other = str(self.directory / "other.db")
        made = Database(other)
        made.commit({}, {b"gone": b"1"}, 0.0)
        made.close()
        copy_in(self.copy, other, self.note)
        made = Database(other)
        self.addCleanup(made.close)
        revision, entries = made.load(b"")
        self.assertEqual((revision, len(entries), b"gone" in entries), (50, 50, False))
        self.assertEqual(made.commit({}, {b"new": b"1"}, 0.0), 51)

    def test_refused(self) -> None:
        """What is no store of ours, or not whole, is not touched, and replaces nothing."""
        strange = str(self.directory / "strange.db")
        with sqlite3.connect(strange) as connection:
            connection.execute("CREATE TABLE x (y)")
        connection.close()
        with self.assertRaises(Unusable) as caught:
            look(strange)
        self.assertIn("another program", str(caught.exception))
        newer = str(self.directory / "newer.db")
        copy_out(self.path, newer, self.note)
        with sqlite3.connect(newer) as connection:
            connection.execute("PRAGMA user_version=99")
        connection.close()
        self.assertRaises(Unusable, look, newer)
        self.assertRaises(Unusable, copy_out, str(self.directory / "none"), self.copy, self.note)
        self.assertRaises(Unusable, copy_out, self.path, newer, self.note)
        self.assertRaises(Unusable, copy_out, self.path, "/no/such/copy", self.note)

    def test_damaged(self) -> None:
        """A copy that was damaged is told as such."""
        copy_out(self.path, self.copy, self.note)
        content = bytearray(Path(self.copy).read_bytes())
        content[4096 * 3 : 4096 * 4] = b"\xff" * 4096
        Path(self.copy).write_bytes(content)
        with self.assertRaises(Exception) as caught:
            look(self.copy)
        self.assertRegex(str(caught.exception), "damaged|malformed")
