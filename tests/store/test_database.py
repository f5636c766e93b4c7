"""Tests of L{fiberlb.store.database}: what concerns the file and other processes."""

from __future__ import annotations

import os
import sqlite3

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.database import LARGEST, Database
from fiberlb.store.engine import Kept
from fiberlb.store.interface import Conflict, Unavailable


class DatabaseTests(SynchronousTestCase):
    """One file, and several connections to it."""

    def setUp(self) -> None:
        """One connection, nothing written."""
        self.path = os.path.join(self.mktemp(), "fiberlb.db")
        self.database = self.open()

    def open(self, kept: Kept | None = None) -> Database:
        """Another connection, until the end of the test."""
        database = Database(self.path, busy=0.1, kept=kept or Kept())
        self.addCleanup(database.close)
        return database

    def raw(self) -> sqlite3.Connection:
        """The file as any program sees it."""
        connection = sqlite3.connect(self.path, timeout=0.1, isolation_level=None)
        self.addCleanup(connection.close)
        return connection

    def test_lasting(self) -> None:
        """What was written is there after closing, in the one file that is left."""
        self.database.commit({}, {b"a": b"1", b"b": b"2"}, 0.0)
        self.database.commit({}, {b"b": None}, 0.0)
        self.database.close()
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["fiberlb.db"])
        again = self.open()
        self.assertEqual(again.load(b""), (2, {b"a": (b"1", 1)}))
        self.assertEqual(again.since(1, 9), [(2, [(b"b", None)])])

    def test_two(self) -> None:
        """Two connections see each other's writes, and their expectations hold across."""
        other = self.open()
        self.database.commit({b"a": 0}, {b"a": b"1"}, 0.0)
        self.assertRaises(Conflict, other.commit, {b"a": 0}, {b"a": b"2"}, 0.0)
        self.assertEqual(other.commit({b"a": 1}, {b"a": b"2"}, 0.0), 2)
        self.assertEqual(self.database.load(b"a"), (2, {b"a": (b"2", 2)}))

    def test_disturbed(self) -> None:
        """Only others' writes disturb, each once."""
        other = self.open()
        self.database.commit({}, {b"a": b"1"}, 0.0)
        self.assertFalse(self.database.disturbed())
        self.assertTrue(other.disturbed())
        self.assertFalse(other.disturbed())

    def test_kept(self) -> None:
        """What is no longer kept of the past takes no room in the file."""
        database = self.open(Kept(revisions=3))
        for _ in range(10):
            database.commit({}, {b"a": b"1", b"b": b"2"}, 0.0)
        self.assertEqual(self.raw().execute("SELECT COUNT(*) FROM change").fetchone(), (6,))
        self.assertEqual(self.raw().execute("SELECT COUNT(*) FROM revision").fetchone(), (3,))
        self.assertIsNone(database.since(6, 9))
        self.assertEqual(len(database.since(7, 9) or ()), 3)

    def test_large(self) -> None:
        """A very large revision is written once: who is late loads, who has made it knows it."""
        many = {b"%d" % n: bytes(1000) for n in range(LARGEST // 1000 + 1)}
        other = self.open()
        self.database.commit({}, {b"a": b"1"}, 0.0)
        self.database.commit({}, many, 0.0)
        self.database.commit({}, {b"a": b"2"}, 0.0)
        self.assertEqual(self.raw().execute("SELECT COUNT(*) FROM change").fetchone(), (3,))
        found = self.database.since(1, 9)
        self.assertEqual(found, [(2, list(many.items())), (3, [(b"a", b"2")])])
        self.assertIsNone(other.since(1, 9))
        self.assertIsNone(other.since(0, 9))
        self.assertEqual(other.since(2, 9), [(3, [(b"a", b"2")])])
        self.assertEqual(len(other.load(b"")[1]), len(many) + 1)
        for _ in range(2):
            self.database.disturbed()
        self.assertIsNone(self.database.since(1, 9))

    def test_busy(self) -> None:
        """A writer that waits too long for another one is told so; readers never wait."""
        other = self.raw()
        other.execute("BEGIN IMMEDIATE")
        with self.assertRaises(Unavailable) as caught:
            self.database.commit({}, {b"a": b"1"}, 0.0)
        self.assertIn("another process holds it", str(caught.exception))
        self.assertEqual(self.database.load(b""), (0, {}))
        other.execute("ROLLBACK")
        self.assertEqual(self.database.commit({}, {b"a": b"1"}, 0.0), 1)

    def test_full(self) -> None:
        """A full disk: nothing of the commit is written, and the store works on."""
        self.database.commit({}, {b"a": b"1"}, 0.0)
        pages = self.raw().execute("PRAGMA page_count").fetchone()[0]
        connection = self.database._connection
        connection.execute(f"PRAGMA max_page_count={pages + 2}")
        with self.assertRaises(Unavailable) as caught:
            self.database.commit({}, {b"a": b"2", b"b": bytes(100_000)}, 0.0)
        self.assertIn("disk is full", str(caught.exception))
        self.assertEqual(self.database.load(b""), (1, {b"a": (b"1", 1)}))
        self.assertEqual(self.database.commit({}, {b"a": b"3"}, 0.0), 2)
        self.assertEqual(self.raw().execute("PRAGMA integrity_check").fetchone(), ("ok",))

    def test_replaced(self) -> None:
        """A file that was replaced while in use takes no more commits, which would be lost."""
        os.rename(self.path, self.path + ".old")
        with self.assertRaises(Unavailable) as caught:
            self.database.commit({}, {b"a": b"1"}, 0.0)
        self.assertIn("No such file", str(caught.exception))
        with open(self.path, "wb"):
            pass
        for call in (self.database.revision, self.database.disturbed):
            with self.assertRaises(Unavailable) as caught:
                call()
            self.assertIn("replaced", str(caught.exception))

    def test_damaged(self) -> None:
        """A damaged file is an error, never an empty configuration."""
        self.database.commit({}, {b"%04d" % n: bytes(500) for n in range(200)}, 0.0)
        self.database.close()
        with open(self.path, "r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (os.path.getsize(self.path) - 4096))
        with self.assertRaises(Unavailable) as caught:
            self.open().load(b"")
        self.assertIn("malformed", str(caught.exception))

    def test_crashed_leader(self) -> None:
        """A lease whose holder died ends by the wall clock, as a revision of its own."""
        self.assertEqual(self.database.take(b"leader/a", b"one", 100.0, 9.0), 1)
        self.database.close()
        other = self.open()
        self.assertIsNone(other.take(b"leader/a", b"two", 108.9, 9.0))
        self.assertEqual(other.take(b"leader/a", b"two", 109.0, 9.0), 3)
        self.assertEqual(
            other.since(1, 9), [(2, [(b"leader/a", None)]), (3, [(b"leader/a", b"two")])]
        )

    def test_old_lease(self) -> None:
        """A lease that is over is neither renewed nor does its fence hold."""
        self.database.take(b"leader/a", b"one", 100.0, 9.0)
        self.assertTrue(self.database.renew(b"leader/a", 1, 105.0, 9.0))
        self.database.commit({b"leader/a": 1}, {b"a": b"1"}, 113.9)
        self.assertRaises(Conflict, self.database.commit, {b"leader/a": 1}, {b"a": b"2"}, 114.0)
        self.assertFalse(self.database.renew(b"leader/a", 1, 114.0, 9.0))
        self.database.release(b"leader/a", 1, 114.0)
        self.assertEqual(self.database.load(b"")[1], {b"a": (b"1", 2)})
