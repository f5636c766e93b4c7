"""Copies of a SQLite store: made while it is in use, and put back in its place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import attrs

from fiberlb.store.files import make_file
from fiberlb.store.interface import Unusable
from fiberlb.store.opening import APPLICATION_ID, VERSION, connect, explained

#: Called with pages copied, and pages in all.
Progress = Callable[[int, int], None]

#: Pages of a step: others write in between.
_PAGES = 256
_BUSY = 5.0


@attrs.frozen
class Copied:
    """
    What a copy holds.

    @ivar revision: the store revision.
    @ivar entries: keys in it.
    @ivar size: of the file, in bytes.
    """

    revision: int
    entries: int
    size: int


def copy_out(path: str, target: str, progress: Progress) -> Copied:
    """
    Copy a store as it is at one moment, whoever uses it, into a new file of mode 0600.

    Secrets are sealed in it as they are in the store.

    @raise Unusable: there is no store of ours, or the file is there already.
    @raise fiberlb.store.interface.Unavailable: it cannot be read or written now.
    """
    if os.path.lexists(target):
        raise Unusable(f"{target}: is there already")
    draft = f"{target}.new"
    try:
        Path(draft).unlink(missing_ok=True)
        make_file(draft)
        with closing(_reading(path)) as source, explained(draft):
            _copied_out(source, draft, progress)
        found = look(draft)
        _settled(draft)
        os.replace(draft, target)
    except OSError as why:
        raise Unusable(f"{why.filename or target}: {why.strerror}") from why
    finally:
        Path(draft).unlink(missing_ok=True)
    return found


def _copied_out(source: sqlite3.Connection, draft: str, progress: Progress) -> None:
    with closing(sqlite3.connect(draft, isolation_level=None)) as made:
        source.backup(made, pages=_PAGES, progress=_counted(progress))
        # One file, that nothing else belongs to.
        made.execute("PRAGMA journal_mode=DELETE")


def copy_in(copy: str, path: str, progress: Progress) -> Copied:
    """
    Put a copy in place of everything in a store that nobody uses: all of it, or nothing.

    @raise Unusable: it is no whole copy of ours, or the store is none of ours.
    @raise fiberlb.store.interface.Unavailable: it cannot be read or written now.
    """
    found = look(copy)
    with closing(_reading(copy)) as source, closing(connect(path, _BUSY)) as made, explained(path):
        # One step: a transaction of the whole.
        source.backup(made, pages=-1, progress=_counted(progress))
    return found


def _counted(progress: Progress) -> Callable[[int, int, int], None]:
    """As SQLite calls it: with what is left."""
    return lambda _, left, total: progress(total - left, total)


def look(path: str) -> Copied:
    """
    What a copy holds, after it was looked through.

    @raise Unusable: it is none of ours, or damaged.
    """
    with closing(_reading(path)) as copy, explained(path):
        (state,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if state != "ok":
            raise Unusable(f"{path}: is damaged: {state}")
        (entries,) = copy.execute("SELECT COUNT(*) FROM entry").fetchone()
        (revision,) = copy.execute("SELECT COALESCE(MAX(revision), 0) FROM revision").fetchone()
    return Copied(revision, entries, os.stat(path).st_size)


def _reading(path: str) -> sqlite3.Connection:
    """A database of ours, to be read only."""
    if not os.path.isfile(path):
        raise Unusable(f"{path}: there is no store")
    uri = f"{Path(path).absolute().as_uri()}?mode=ro"
    with explained(path):
        found = sqlite3.connect(uri, uri=True, timeout=_BUSY, isolation_level=None)
        try:
            (identity,) = found.execute("PRAGMA application_id").fetchone()
            (version,) = found.execute("PRAGMA user_version").fetchone()
        except BaseException:
            found.close()
            raise
    if identity != APPLICATION_ID or version > VERSION:
        found.close()
        said = "another program" if identity != APPLICATION_ID else "a newer FiberLB"
        raise Unusable(f"{path}: is a database of {said}")
    return found


def _settled(path: str) -> None:
    """Wait until a file is on the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
