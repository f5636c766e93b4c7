"""
How many connections each client has open, in all processes together.

Each process counts by itself, in memory of its own that is as large as the connections it has.
Where there are several, it writes what it counts into its row of a file that all of them map, and
adds up the others' rows when a client comes. Nobody writes into another one's row, so nothing is
locked; the row of a process that has ended is found out by those who would refuse somebody because
of it.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Callable
from typing import Final

from xxhash import xxh3_64_intdigest

#: Of the file in the state directory.
CROWD: Final = "crowd"
#: Processes with a row, and places of a row.
ROWS: Final = 256
PLACES: Final = 8192
#: Places that a client may stand in; a client that finds them taken is counted in one process only.
WAYS: Final = 8
#: Numbers of a place: the client's, and how many connections it has.
WIDTH: Final = 2
_MARK: Final = 0x66696265726C6304
#: Where what begins, in numbers of 8 bytes: the mark, the seed, who has each row, the rows.
_OWNERS: Final = 2
_FIRST: Final = _OWNERS + ROWS
_ROW: Final = PLACES * WIDTH
_SIZE: Final = 8 * (_FIRST + ROWS * _ROW)
#: Seconds between two looks at who has ended.
LOOK: Final = 1.0
_OPEN: Final = "/proc/self/fd/"


class Rows:
    """
    The file, with one row for this process.

    @param path: also C{/proc/self/fd/NUMBER}, of a file in memory.
    @raise OSError: it cannot be made, the disk is full, or every row is taken.
    """

    def __init__(self, path: str, randomness: Callable[[int], bytes]) -> None:
        self._fd = _opened(path, randomness)
        self._numbers = memoryview(mmap.mmap(self._fd, _SIZE)).cast("Q")
        self.seed: int = self._numbers[1]
        self._row = self._claim(_owner(os.getpid()))

    def _claim(self, owner: int) -> int:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            self.sweep()
            for row in range(ROWS):
                if not self._numbers[_OWNERS + row]:
                    # What is written to must be there.
                    os.posix_fallocate(self._fd, 8 * (_FIRST + row * _ROW), 8 * _ROW)
                    self._clear(row)
                    self._numbers[_OWNERS + row] = owner
                    return row
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        raise OSError("too many processes count connections of clients")

    def sweep(self) -> None:
        """What processes counted that have ended counts no more."""
        for row in range(ROWS):
            owner = self._numbers[_OWNERS + row]
            if owner and _owner(owner >> 32) != owner:
                self._numbers[_OWNERS + row] = 0

    def _clear(self, row: int) -> None:
        start = _FIRST + row * _ROW
        self._numbers[start : start + _ROW] = memoryview(bytes(8 * _ROW)).cast("Q")

    def write(self, client: int, count: int) -> None:
        """So many connections of a client are open here."""
        numbers = self._numbers
        first = _FIRST + self._row * _ROW + client % (PLACES // WAYS) * WAYS * WIDTH
        free = -1
        for at in range(first, first + WAYS * WIDTH, WIDTH):
            if numbers[at] == client:
                numbers[at + 1] = count
                if not count:
                    numbers[at] = 0
                return
            if not numbers[at] and free < 0:
                free = at
        if free >= 0 and count:
            numbers[free + 1] = count
            numbers[free] = client

    def others(self, client: int) -> int:
        """So many are open in other processes."""
        numbers = self._numbers
        start = _FIRST + client % (PLACES // WAYS) * WAYS * WIDTH
        found = 0
        for row in range(ROWS):
            if not numbers[_OWNERS + row] or row == self._row:
                continue
            first = start + row * _ROW
            for at in range(first, first + WAYS * WIDTH, WIDTH):
                if numbers[at] == client:
                    found += numbers[at + 1]
        return found


class Crowd:
    """
    The clients of a process.

    @param make: makes or opens the rows; called when the first limit needs them; C{None}: there are
        no other processes.
    """

    def __init__(self, make: Callable[[], Rows | None] = lambda: None) -> None:
        self._make = make
        self._made = False
        self._rows: Rows | None = None
        self._counts: dict[int, int] = {}
        self._looked = 0.0

    def enter(self, name: bytes, limit: int, now: float) -> Place | None:
        """
        One more connection of a client; C{None}: it has as many as it may.

        @param name: of the client, and of what has the limit.
        @param now: seconds of a clock.
        """
        if not self._made:
            self._made = True
            self._rows = self._make()
        rows = self._rows
        client = xxh3_64_intdigest(name, rows.seed if rows is not None else 0) or 1
        count = self._counts.get(client, 0) + 1
        # At once, so that no two processes let in the last one.
        self._write(client, count)
        if count <= limit and self._elsewhere(client, limit - count, now) <= limit - count:
            return Place(self, client)
        self._write(client, count - 1)
        return None

    def _elsewhere(self, client: int, most: int, now: float) -> int:
        """How many it has in other processes that live."""
        rows = self._rows
        if rows is None:
            return 0
        found = rows.others(client)
        if found > most and now - self._looked >= LOOK:
            self._looked = now
            rows.sweep()
            found = rows.others(client)
        return found

    def _write(self, client: int, count: int) -> None:
        if count:
            self._counts[client] = count
        else:
            self._counts.pop(client, None)
        if self._rows is not None:
            self._rows.write(client, count)

    def leave(self, client: int) -> None:
        """A connection of a client has ended."""
        self._write(client, self._counts.get(client, 1) - 1)


class Place:
    """One connection of a client, while it is counted."""

    __slots__ = ("_client", "_crowd")

    def __init__(self, crowd: Crowd, client: int) -> None:
        self._crowd = crowd
        self._client = client

    def left(self) -> None:
        """It has ended."""
        self._crowd.leave(self._client)


def _owner(pid: int) -> int:
    """
    A process as one number: its id, and when it began, since ids are used again.

    @return: 0: it has ended.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return 0
    # State, then 18 others: proc(5), field 22.
    return 0 if fields[0] in (b"Z", b"X") else pid << 32 | int(fields[19]) & 0xFFFFFFFF


def _opened(path: str, randomness: Callable[[int], bytes]) -> int:
    """The file of this form at a path; one of another form is left to those who have it open."""
    flags = os.O_RDWR | os.O_CLOEXEC
    if not path.startswith(_OPEN):
        flags |= os.O_CREAT | os.O_NOFOLLOW
    mark = _MARK.to_bytes(8, "little")
    while True:
        fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if not os.fstat(fd).st_size:
                os.ftruncate(fd, _SIZE)
                os.posix_fallocate(fd, 0, 8 * _FIRST)
                os.pwrite(fd, mark + randomness(8), 0)
            if os.fstat(fd).st_size == _SIZE and os.pread(fd, 8, 0) == mark:
                fcntl.flock(fd, fcntl.LOCK_UN)
                return fd
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        os.unlink(path)
