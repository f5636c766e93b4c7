"""The engine over a SQLite file. All of it blocks: it lives in one thread, from its making on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from fiberlb.store.engine import KEPT, Kept, end_of, size_of
from fiberlb.store.interface import Changes, Conflict, Entry, Unavailable
from fiberlb.store.opening import connect, explained

#: Bytes of a revision that is kept for watches; it is written twice for that. What reads it from
#: another process, as at an upgrade, has to load everything.
LARGEST = 4 * 1024 * 1024
#: Keys to be deleted from which on it is not asked of each whether it is there.
MANY = 1000
#: In place of all that a larger one changes: a key that there cannot be.
_NOT_KEPT = b""


class Database:
    """
    An L{Engine <fiberlb.store.engine.Engine>} on a disk, shared with other processes.

    @param path: of the file; made when it does not exist.
    @param busy: seconds to wait for other processes' writes.
    """

    def __init__(self, path: str, *, busy: float = 5.0, kept: Kept = KEPT) -> None:
        """@raise Unavailable: it cannot be opened; see L{connect}."""
        self._path = path
        self._kept = kept
        self._connection = connect(path, busy)
        self._file = self._identity()
        #: Commits of ours, until they were surely heard of; the last of them at the last look.
        self._recent: dict[int, Changes] = {}
        self._looked = 0
        self._version = self._data_version()

    def revision(self) -> int:
        """The store revision."""
        self._check_place()
        with explained(self._path):
            return self._revision()

    def load(self, prefix: bytes) -> tuple[int, dict[bytes, Entry]]:
        """What is below C{prefix}."""
        where, bounds = _below(prefix)
        with self._reading():
            rows = self._connection.execute(
                f"SELECT key, value, mod_rev FROM entry WHERE {where} ORDER BY key", bounds
            )
            return self._revision(), {key: (value, mod_rev) for key, value, mod_rev in rows}

    def keys(self, prefix: bytes) -> tuple[int, dict[bytes, int]]:
        """The C{mod_rev} of what is below C{prefix}."""
        where, bounds = _below(prefix)
        with self._reading():
            rows = self._connection.execute(
                f"SELECT key, mod_rev FROM entry WHERE {where} ORDER BY key", bounds
            )
            return self._revision(), dict(rows.fetchall())

    def page(self, prefix: bytes, before: bytes | None, limit: int) -> list[tuple[bytes, bytes]]:
        """The highest keys below C{prefix}."""
        where, bounds = _below(prefix)
        if before is not None:
            where, bounds = f"{where} AND key < ?", (*bounds, before)
        with self._reading():
            return self._connection.execute(
                f"SELECT key, value FROM entry WHERE {where} ORDER BY key DESC LIMIT ?",
                (*bounds, limit),
            ).fetchall()

    def commit(
        self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None], now: float
    ) -> int:
        """Compare and set."""
        self._expire(now)
        with self._writing():
            failed: dict[bytes, Entry | None] = {}
            for key, mod_rev in expect.items():
                entry = self._entry(key)
                if (entry[1] if entry else 0) != mod_rev:
                    failed[key] = entry
            if failed:
                raise Conflict(self._revision(), failed)
            before = self._revision()
            changes = self._changing(puts.items())
            made = self._apply(changes)
        if made > before:
            # It is on the disk. Who watches reads it next, and need not have it read again.
            self._recent[made] = changes
        return made

    def prune(self, prefix: bytes, keep: int, now: float) -> int:
        """Delete the lowest keys."""
        self._expire(now)
        where, bounds = _below(prefix)
        with self._writing():
            rows = self._connection.execute(
                f"SELECT key FROM entry WHERE {where} ORDER BY key DESC LIMIT -1 OFFSET ?",
                (*bounds, keep),
            ).fetchall()
            self._apply((key, None) for (key,) in rows)
            return len(rows)

    def since(self, revision: int, most: int) -> list[tuple[int, Changes]] | None:
        """The revisions after C{revision}."""
        with self._reading():
            oldest, newest = self._connection.execute(
                "SELECT COALESCE(MIN(revision), 1), COALESCE(MAX(revision), 0) FROM revision"
            ).fetchone()
            # Beyond the newest: the file was replaced by an older one.
            if revision < oldest - 1 or revision > newest:
                return None
            if newest == revision + 1 and newest in self._recent:
                return [(newest, self._recent[newest])]
            rows = self._connection.execute(
                "SELECT revision, key, value FROM change WHERE revision > ? AND revision <= ?"
                " ORDER BY revision, sequence",
                (revision, revision + most),
            )
            found: dict[int, list[tuple[bytes, bytes | None]]] = {}
            for at, key, value in rows:
                found.setdefault(at, []).append((key, value))
            return self._complete(found)

    def _complete(self, found: Mapping[int, Changes]) -> list[tuple[int, Changes]] | None:
        """Revisions with those that were too large to be kept; C{None}: one of another process."""
        complete: list[tuple[int, Changes]] = []
        for at, changes in found.items():
            whole = self._recent.get(at) if changes[0][0] == _NOT_KEPT else changes
            if whole is None:
                return None
            complete.append((at, whole))
        return complete

    def disturbed(self) -> bool:
        """Whether another connection wrote since the last call."""
        self._check_place()
        # Whoever watches has by now what was there at the last look.
        for made in [made for made in self._recent if made <= self._looked]:
            del self._recent[made]
        self._looked = max(self._recent, default=0)
        before, self._version = self._version, self._data_version()
        return before != self._version

    def take(self, key: bytes, value: bytes, now: float, ttl: float) -> int | None:
        """Create a leased key."""
        self._expire(now)
        with self._writing():
            if self._entry(key) is not None:
                return None
            self._connection.execute("INSERT INTO lease VALUES (?, ?)", (key, now + ttl))
            return self._apply([(key, value)])

    def renew(self, key: bytes, mod_rev: int, now: float, ttl: float) -> bool:
        """Move the end of a lease."""
        self._expire(now)
        with self._writing():
            entry = self._entry(key)
            if entry is None or entry[1] != mod_rev:
                return False
            self._connection.execute("UPDATE lease SET until = ? WHERE key = ?", (now + ttl, key))
            return True

    def release(self, key: bytes, mod_rev: int, now: float) -> None:
        """Delete a leased key."""
        self._expire(now)
        with self._writing():
            entry = self._entry(key)
            if entry is not None and entry[1] == mod_rev:
                self._connection.execute("DELETE FROM lease WHERE key = ?", (key,))
                self._apply([(key, None)])

    def close(self) -> None:
        """Close the file; the last one to do so folds the write-ahead log into it."""
        with explained(self._path):
            self._connection.close()

    def _revision(self) -> int:
        row = self._connection.execute("SELECT COALESCE(MAX(revision), 0) FROM revision")
        return int(row.fetchone()[0])

    def _entry(self, key: bytes) -> Entry | None:
        rows = self._connection.execute("SELECT value, mod_rev FROM entry WHERE key = ?", (key,))
        found: Entry | None = rows.fetchone()
        return found

    def _data_version(self) -> int:
        with explained(self._path):
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _expire(self, now: float) -> None:
        over = "SELECT key FROM lease WHERE until <= ?"
        with explained(self._path):
            if self._connection.execute(over, (now,)).fetchone() is None:
                return
        with self._writing():
            rows = self._connection.execute(over, (now,)).fetchall()
            self._connection.execute("DELETE FROM lease WHERE until <= ?", (now,))
            self._apply((key, None) for (key,) in rows)

    def _apply(self, puts: Iterable[tuple[bytes, bytes | None]]) -> int:
        """Write within a transaction; the revision that it became, the old one if nothing did."""
        revision = self._revision()
        changes = self._changing(puts)
        if not changes:
            return revision
        self._remember(revision + 1, changes)
        # All of one kind at once: of thousands, each by itself costs more than its writing.
        several = self._connection.executemany
        several("DELETE FROM entry WHERE key = ?", [(k,) for k, value in changes if value is None])
        # In the order of their keys: what is written together stands together.
        put = sorted((key, value, revision + 1) for key, value in changes if value is not None)
        several("REPLACE INTO entry VALUES (?, ?, ?)", put)
        return revision + 1

    def _changing(
        self, puts: Iterable[tuple[bytes, bytes | None]]
    ) -> list[tuple[bytes, bytes | None]]:
        """What is not there to be deleted changes nothing."""
        changes = list(puts)
        gone = [key for key, value in changes if value is None]
        if len(gone) > MANY:
            # All keys at once: a query for each of very many takes longer.
            there = {key for (key,) in self._connection.execute("SELECT key FROM entry")}
            return [item for item in changes if item[1] is not None or item[0] in there]
        missing = {key for key in gone if not self._entry(key)}
        return [item for item in changes if item[0] not in missing]

    def _remember(self, revision: int, changes: list[tuple[bytes, bytes | None]]) -> None:
        run = self._connection.execute
        last = run("SELECT before + size FROM revision WHERE revision = ?", (revision - 1,))
        before, size = (last.fetchone() or (0,))[0], size_of(changes)
        if size > LARGEST:
            changes, size = [(_NOT_KEPT, None)], 0
        run("INSERT INTO revision VALUES (?, ?, ?)", (revision, before, size))
        self._connection.executemany(
            "INSERT INTO change VALUES (?, ?, ?, ?)",
            [(revision, sequence, *change) for sequence, change in enumerate(changes)],
        )
        fits = run(
            "SELECT revision FROM revision WHERE before >= ? ORDER BY revision LIMIT 1",
            (before + size - self._kept.size,),
        ).fetchone()
        oldest = max(fits[0] if fits else revision, revision - self._kept.revisions + 1)
        run("DELETE FROM change WHERE revision < ?", (min(oldest, revision),))
        run("DELETE FROM revision WHERE revision < ?", (min(oldest, revision),))

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Everything within sees the same revision."""
        with explained(self._path):
            self._connection.execute("BEGIN")
            try:
                yield
            finally:
                # There is nothing to keep, and after some errors no transaction any more.
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """All of it or nothing; on the disk when this ends well."""
        self._check_place()
        with explained(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                with explained(self._path, committing=True):
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def _identity(self) -> tuple[int, int]:
        try:
            found = os.stat(self._path)
        except OSError as error:
            raise Unavailable(f"{self._path}: {error.strerror}") from error
        return found.st_dev, found.st_ino

    def _check_place(self) -> None:
        # SQLite goes on writing into a file that has no name any more, which nobody would find.
        if self._identity() != self._file:
            raise Unavailable(f"{self._path}: was replaced by another file while in use")


def _below(prefix: bytes) -> tuple[str, tuple[bytes, ...]]:
    """The condition, and its values."""
    end = end_of(prefix)
    return ("key >= ?", (prefix,)) if end is None else ("key >= ? AND key < ?", (prefix, end))
