"""Tests of L{fiberlb.store.opening}: whose file it is, and what errors say."""

from __future__ import annotations

import os
import sqlite3
import threading

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.interface import StoreError, Unavailable, UnknownOutcome, Unusable
from fiberlb.store.opening import APPLICATION_ID, VERSION, connect, explained


class OpeningTests(SynchronousTestCase):
    """A path with something there, or nothing."""

    def setUp(self) -> None:
        """The path of a database in a directory that does not exist."""
        self.path = os.path.join(self.mktemp(), "state", "fiberlb.db")

    def open(self) -> sqlite3.Connection:
        """Open it, until the end of the test."""
        connection = connect(self.path, 0.1)
        self.addCleanup(connection.close)
        return connection

    def refused(self, kind: type[StoreError] = Unusable) -> str:
        """What opening it says."""
        with self.assertRaises(kind) as caught:
            self.open()
        self.assertTrue(str(caught.exception).startswith(f"{self.path}: "))
        return str(caught.exception)[len(self.path) + 2 :]

    def existing(self, content: bytes = b"") -> None:
        """A file of that content is there."""
        os.makedirs(os.path.dirname(self.path))
        with open(self.path, "wb") as file:
            file.write(content)

    def foreign(self, *statements: str) -> None:
        """A database is there, with this done to it."""
        if not os.path.exists(self.path):
            self.existing()
        connection = sqlite3.connect(self.path)
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()

    def test_made(self) -> None:
        """A database is made for its owner alone, with everything that SQLite puts beside it."""
        self.addCleanup(os.umask, os.umask(0))
        self.open().execute("INSERT INTO lease VALUES (x'00', 0)")
        directory = os.path.dirname(self.path)
        self.assertEqual(os.stat(directory).st_mode & 0o777, 0o700)
        names = sorted(os.listdir(directory))
        self.assertEqual(names, ["fiberlb.db", "fiberlb.db-shm", "fiberlb.db-wal"])
        for name in names:
            self.assertEqual(os.stat(os.path.join(directory, name)).st_mode & 0o777, 0o600, name)

    def test_durable(self) -> None:
        """Commits are synchronised with the disk, in the write-ahead log."""
        connection = self.open()
        self.assertEqual(connection.execute("PRAGMA journal_mode").fetchone(), ("wal",))
        self.assertEqual(connection.execute("PRAGMA synchronous").fetchone(), (2,))

    def test_again(self) -> None:
        """A database that was made is opened again, beside itself too, and recognised."""
        self.open().execute("INSERT INTO lease VALUES (x'00', 7)")
        again = self.open()
        self.assertEqual(again.execute("SELECT until FROM lease").fetchone(), (7.0,))
        self.assertEqual(again.execute("PRAGMA application_id").fetchone(), (APPLICATION_ID,))
        self.assertEqual(again.execute("PRAGMA user_version").fetchone(), (VERSION,))

    def test_empty_file(self) -> None:
        """An empty file becomes a database, closed to others."""
        self.existing()
        os.chmod(self.path, 0o644)
        self.open()
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

    def test_no_database(self) -> None:
        """Any other file is refused and left as it is."""
        self.existing(b"listeners: []\n" * 100)
        self.assertEqual(self.refused(), "is no database")
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), b"listeners: []\n" * 100)

    def test_other_program(self) -> None:
        """A database of another program is refused and left as it is."""
        for statement in ("CREATE TABLE cookies (a)", "PRAGMA application_id=7"):
            self.foreign(statement)
            os.chmod(self.path, 0o644)
            self.assertEqual(self.refused(), "is a database of another program")
            self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o644)
            self.assertEqual(os.listdir(os.path.dirname(self.path)), ["fiberlb.db"])

    def test_newer(self) -> None:
        """A database of a newer form is refused, telling both forms."""
        self.open().close()
        self.foreign(f"PRAGMA user_version={VERSION + 1}")
        self.assertEqual(
            self.refused(),
            f"was written by a newer FiberLB (form {VERSION + 1}, this one knows {VERSION})",
        )

    def test_no_file(self) -> None:
        """A directory, or a place that cannot be, is refused."""
        os.makedirs(self.path)
        self.assertEqual(self.refused(), "is no file")
        os.rmdir(self.path)
        os.rmdir(os.path.dirname(self.path))
        self.existing()
        self.path += "/below"
        self.assertEqual(
            self.refused(), f"File exists ({os.path.abspath(os.path.dirname(self.path))})"
        )

    def test_busy(self) -> None:
        """A database that another process writes to for too long is not available now."""
        other = self.open()
        other.execute("BEGIN IMMEDIATE")
        self.assertEqual(self.refused(Unavailable), "another process holds it for too long")


class RaceTests(SynchronousTestCase):
    """Several that make the same database at the same moment."""

    def test_race(self) -> None:
        """All of them open it, and it is made once."""
        for _ in range(10):
            path = os.path.join(self.mktemp(), "fiberlb.db")
            told: list[object] = []
            start = threading.Barrier(4)
            threads = [
                threading.Thread(target=self.open, args=(path, start, told)) for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(told, [(VERSION,)] * 4)

    def open(self, path: str, start: threading.Barrier, told: list[object]) -> None:
        """Open it, and tell what was opened, or why not."""
        start.wait()
        try:
            connection = connect(path, 5.0)
            told.append(connection.execute("PRAGMA user_version").fetchone())
            connection.close()
        except StoreError as error:
            told.append(str(error))


class ErrorTests(SynchronousTestCase):
    """SQLite's errors, in words."""

    def kind(self, code: int, committing: bool = False) -> type[StoreError]:
        """What an error of that code becomes."""
        error = sqlite3.OperationalError("as SQLite says")
        error.sqlite_errorcode = code
        with self.assertRaises(StoreError) as caught, explained("p", committing=committing):
            raise error
        self.assertTrue(str(caught.exception).startswith("p: "))
        return type(caught.exception)

    def test_kinds(self) -> None:
        """Only an I/O error at the very end leaves open what happened."""
        full, disk = sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_FSYNC
        self.assertIs(self.kind(sqlite3.SQLITE_NOTADB), Unusable)
        self.assertIs(self.kind(full), Unavailable)
        self.assertIs(self.kind(full, committing=True), Unavailable)
        self.assertIs(self.kind(disk), Unavailable)
        self.assertIs(self.kind(disk, committing=True), UnknownOutcome)
        self.assertIs(self.kind(sqlite3.SQLITE_CORRUPT), Unavailable)
        self.assertIs(self.kind(sqlite3.SQLITE_BUSY_SNAPSHOT), Unavailable)

    def test_others(self) -> None:
        """Everything else passes through."""
        with self.assertRaises(ZeroDivisionError), explained("p"):
            raise ZeroDivisionError
