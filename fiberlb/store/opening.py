"""Opening a database file: making it, recognising it, refusing what is none of ours."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from fiberlb.store.files import make_directory, make_file
from fiberlb.store.interface import Unavailable, UnknownOutcome, Unusable

#: What C{file} shows, and what tells our databases from all others: "FiLB".
APPLICATION_ID = 0x46694C42
#: The form of the tables below.
VERSION = 1
TABLES = (
    "CREATE TABLE entry (key BLOB PRIMARY KEY, value BLOB NOT NULL, mod_rev INTEGER NOT NULL)",
    "CREATE TABLE lease (key BLOB PRIMARY KEY, until REAL NOT NULL)",
    # One row for each revision that is kept: its size, and that of all before it, in bytes.
    "CREATE TABLE revision (revision INTEGER PRIMARY KEY, before INTEGER NOT NULL,"
    " size INTEGER NOT NULL)",
    "CREATE TABLE change (revision INTEGER NOT NULL, sequence INTEGER NOT NULL,"
    " key BLOB NOT NULL, value BLOB, PRIMARY KEY (revision, sequence))",
)
#: Turning WAL on does not wait for a lock as other statements do.
WAL_ATTEMPTS = 50


@contextmanager
def explained(path: str, *, committing: bool = False) -> Iterator[None]:
    """
    Turn what SQLite raises into the errors of a store.

    @param committing: an I/O error leaves open whether the commit is on the disk.
    """
    try:
        yield
    except sqlite3.Error as error:
        # Not all errors come from SQLite itself; extended codes carry the family in one byte.
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_NOTADB:
            raise Unusable(f"{path}: is no database") from error
        if code == sqlite3.SQLITE_FULL:
            raise Unavailable(f"{path}: the disk is full") from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise Unavailable(f"{path}: another process holds it for too long") from error
        if code == sqlite3.SQLITE_IOERR and committing:
            raise UnknownOutcome(f"{path}: {error}, while writing") from error
        raise Unavailable(f"{path}: {error}") from error


def connect(path: str, busy: float) -> sqlite3.Connection:
    """
    Open the database, and make it first if there is none: its directory 0700, itself 0600.

    @param busy: seconds to wait for other processes' writes.
    @return: in WAL mode, each commit synchronised with the disk, no transaction begun by itself;
        for the calling thread only.
    @raise Unusable: it is no database of ours, of a newer form, or may not be used.
    @raise Unavailable: it cannot be used now.
    """
    try:
        make_directory(os.path.dirname(os.path.abspath(path)))
        # Never opened here once it exists: closing any descriptor of the file would drop the
        # locks that another store in this process holds on it (POSIX).
        make_file(path)
        if not os.path.isfile(path):
            raise Unusable(f"{path}: is no file")
    except OSError as error:
        raise Unusable(f"{path}: {error.strerror} ({error.filename})") from error
    with explained(path):
        connection = sqlite3.connect(path, timeout=busy, isolation_level=None)
    try:
        with explained(path):
            _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    # In one transaction: another process may be making it at this moment.
    with _ended(connection, "BEGIN"):
        new = _recognise(connection, path)
    _close_to_others(path)
    _write_ahead(connection, path)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA trusted_schema=OFF")
    # Also where nothing is to be made: a place that cannot be written to is told now.
    with _ended(connection, "BEGIN IMMEDIATE"):
        if new and _recognise(connection, path):
            for table in TABLES:
                connection.execute(table)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version={VERSION}")
        connection.execute("COMMIT")


@contextmanager
def _ended(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """A transaction that is taken back unless it was committed within."""
    connection.execute(begin)
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _recognise(connection: sqlite3.Connection, path: str) -> bool:
    """Whether it is empty; otherwise it is ours, in a form known here, or refused."""
    (identity,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    if identity == version == tables == 0:
        return True
    if identity != APPLICATION_ID:
        raise Unusable(f"{path}: is a database of another program")
    if version > VERSION:
        raise Unusable(
            f"{path}: was written by a newer FiberLB (form {version}, this one knows {VERSION})"
        )
    return False


def _close_to_others(path: str) -> None:
    try:
        if os.stat(path).st_mode & 0o077:
            os.chmod(path, 0o600)
    except OSError as error:
        raise Unusable(f"{path}: others can open it, and that cannot be changed") from error


def _write_ahead(connection: sqlite3.Connection, path: str) -> None:
    for _ in range(WAL_ATTEMPTS):
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            # This does wait, for whoever is just making or closing the same file.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
            continue
        if mode == "wal":
            return
        raise Unusable(f"{path}: its file system cannot hold it (no shared memory for WAL)")
    raise Unavailable(f"{path}: other processes hold it for too long")
