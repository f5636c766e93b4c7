"""
What every worker sees of the others: open connections of listeners with a limit, and what
members with a limit have to do.

One file in the state directory, mapped by all workers. Each worker has a row,
each listener or member with a limit a column; a worker writes its own row only, and adds
up a column to know how many connections all have. It says by itself who has
which row and column, so a control process that takes workers over goes on with
it, and the limits hold meanwhile.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
from collections.abc import Collection, Container, Iterator, Mapping
from contextlib import contextmanager

from twisted.logger import Logger

from fiberlb.relay.rooms import place_of
from fiberlb.snapshot import Snapshot

#: Of the file in the state directory.
NAME = "board"
#: Workers that may live at the same time; listeners and members that may have a limit.
ROWS, COLUMNS = 256, 16_384
#: Columns that the disk has room for at the beginning, and that are added when they are all taken.
STEP = 1024
_log = Logger()
#: Where what begins, in numbers of 8 bytes: the form, rows in use, columns that there is room
#: for, the rows' pids, the columns' keys.
_FORM, _USED, _ROOM, _PIDS, _KEYS = 0, 1, 2, 8, 8 + ROWS
_CELLS = _KEYS + COLUMNS
_SIZE = 8 * (_CELLS + ROWS * COLUMNS)
#: Tells a file of this form from any other.
_MARK = 0x66696265726C6202
#: Where a descriptor of this process can be opened anew.
_OPEN = "/proc/self/fd/"


class Share:
    """
    One worker's place in one column (L{fiberlb.relay.bound.Share}).
    """

    def __init__(self, numbers: memoryview, row: int, column: int) -> None:
        start = _CELLS + column * ROWS
        self._key = (row, column)
        self._numbers = numbers
        self._column = numbers[start : start + ROWS]
        self._row = row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Share) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def write(self, count: int) -> None:
        """So many connections are open here."""
        self._column[self._row] = count

    def total(self) -> int:
        """So many are open in all workers."""
        return sum(self._column[: self._numbers[_USED]])


class Board:
    """
    The file, mapped.

    Where nothing is written to disk it is one in memory, L{at_descriptor}.

    @raise OSError: it cannot be made, or the disk is full.
    """

    def __init__(self, path: str) -> None:
        self._fd = _opened(path)
        self._numbers = memoryview(mmap.mmap(self._fd, _SIZE)).cast("Q")
        self._freed: dict[int, int] = {}
        self._told = False

    @contextmanager
    def _locked(self) -> Iterator[memoryview]:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield self._numbers
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    # Rows: workers.

    def claim(self, pid: int) -> int | None:
        """A row for a worker, all zero; C{None} when all are taken."""
        with self._locked() as numbers:
            for row in range(ROWS):
                if not numbers[_PIDS + row]:
                    self._clear(row)
                    numbers[_PIDS + row] = pid
                    numbers[_USED] = max(numbers[_USED], row + 1)
                    return row
        return None

    def release(self, pid: int) -> None:
        """A worker has ended: what it held is free."""
        with self._locked() as numbers:
            for row in range(numbers[_USED]):
                if numbers[_PIDS + row] == pid:
                    self._clear(row)
                    numbers[_PIDS + row] = 0

    def keep(self, living: Container[int]) -> None:
        """Only these workers live."""
        pids = {int(pid) for pid in self._numbers[_PIDS : _PIDS + ROWS] if pid}
        for pid in pids:
            if pid not in living:
                self.release(pid)

    def _clear(self, row: int) -> None:
        for column in range(self._numbers[_ROOM]):
            self._numbers[_CELLS + column * ROWS + row] = 0

    # Columns: listeners and members.

    def columns(self, wanted: Collection[str], serial: int, oldest: int) -> Mapping[str, int]:
        """
        The column of each of these (L{limited_in}), those that had one before keep it.

        @param serial: of the revision that has these.
        @param oldest: the least serial that a living worker serves; a column
            is given again only when nobody can write for its last owner.
        """
        keys = {_key(ident): ident for ident in wanted}
        numbers = self._numbers
        used = [n for n in range(numbers[_ROOM]) if numbers[_KEYS + n]]
        known = {int(numbers[_KEYS + n]): n for n in used}
        for key, column in known.items():
            if key in keys:
                self._freed.pop(column, None)
            elif self._freed.setdefault(column, serial) <= oldest:
                del self._freed[column]
                numbers[_KEYS + column] = 0
        free = (n for n in range(COLUMNS) if self._has_room(n) and not numbers[_KEYS + n])
        given: dict[str, int] = {}
        for key, ident in keys.items():
            column = known.get(key, -1)
            if column < 0:
                column = next(free, -1)
                if column < 0:
                    self._tell()
                    continue
                numbers[_KEYS + column] = key
            given[ident] = column
        return given

    def _has_room(self, column: int) -> bool:
        """Whether the file has room for a column, which is made now if need be."""
        # Nobody but control makes room.
        if column >= self._numbers[_ROOM]:
            try:
                _make_room(self._fd, column + STEP)
            except OSError:
                return False
            self._numbers[_ROOM] = column + STEP
        return True

    def _tell(self) -> None:
        if not self._told:
            self._told = True
            text = (
                "More than {count} listeners and members have a limit of connections, or the"
                " disk is full: of the others each worker holds the limit for itself"
            )
            _log.error(text, count=self._numbers[_ROOM])

    def share(self, row: int, column: int) -> Share:
        """What a worker writes to, and adds up."""
        return Share(self._numbers, row, column)

    def total(self, column: int) -> int:
        """Connections of a listener in all workers, now."""
        return Share(self._numbers, 0, column).total()


def limited_in(snapshot: Snapshot) -> list[str]:
    """What needs a column: the listeners and members with a limit."""
    found = [i for i, p in snapshot.listeners.items() if p.listener.connection_limit >= 0]
    for plan in snapshot.pools.values():
        if plan.limited:
            found += [place_of(m.id) for m in plan.members if plan.most(m) is not None]
    return found


def at_descriptor(number: int) -> str:
    """The path of a board in memory, for a process that has it open under this number."""
    return f"{_OPEN}{number}"


def _key(ident: str) -> int:
    """An id as a number, never 0."""
    digest = hashlib.blake2b(ident.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") or 1


def _make_room(fd: int, columns: int) -> None:
    """What is written to must be there: a full disk would end whoever writes to it."""
    os.posix_fallocate(fd, 0, 8 * (_CELLS + ROWS * columns))


def _opened(path: str) -> int:
    """The file of this form at a path; one of another form is left to those who have it open."""
    flags = os.O_RDWR | os.O_CLOEXEC
    if not path.startswith(_OPEN):
        flags |= os.O_CREAT | os.O_NOFOLLOW
    while True:
        fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            size = os.fstat(fd).st_size
            if not size:
                os.ftruncate(fd, _SIZE)
                _make_room(fd, STEP)
                os.pwrite(fd, STEP.to_bytes(8, "little"), 8 * _ROOM)
                os.pwrite(fd, _MARK.to_bytes(8, "little"), 8 * _FORM)
                size = _SIZE
            if size == _SIZE and os.pread(fd, 8, 8 * _FORM) == _MARK.to_bytes(8, "little"):
                fcntl.flock(fd, fcntl.LOCK_UN)
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        os.unlink(path)
