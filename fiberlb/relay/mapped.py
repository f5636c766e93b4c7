"""Tables in files of the state directory, which all processes map."""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from fiberlb.balancing.affinity_table import SIZE, AffinityTable
from fiberlb.relay.affinity import private_table
from fiberlb.treatment.buckets import SIZE as RATES_SIZE
from fiberlb.treatment.buckets import BucketTable, private_buckets

#: Of the files.
TABLE: Final = "clients"
RATES: Final = "rates"
#: Tells a file of each form from any other.
_MARK: Final = 0x66696265726C6301
_RATES_MARK: Final = 0x66696265726C6303
#: Octets in front of the table: the mark, the seed.
_HEAD: Final = 64
#: A file in memory, which this process has open under a number.
_OPEN: Final = "/proc/self/fd/"
_log = Logger()


def client_table(directory: str | None, randomness: Callable[[int], bytes]) -> AffinityTable:
    """
    The table of a process.

    @param directory: the state directory; C{None}: nothing is on disk.
    @param randomness: so many bytes, from the system.
    """
    if directory is None:
        return private_table()
    try:
        return open_table(os.path.join(directory, TABLE), randomness)
    except OSError as why:
        text = "{path}: {why}; each process remembers clients for itself"
        _log.error(text, path=os.path.join(directory, TABLE), why=str(why))
        return private_table()


def open_table(path: str, randomness: Callable[[int], bytes]) -> AffinityTable:
    """
    The table in a file, which is made if there is none of this form.

    It outlives processes, so clients stay where they are over restarts.

    @param path: also C{/proc/self/fd/NUMBER}, of a file in memory.
    @raise OSError: it cannot be made, or the disk is full.
    """
    return AffinityTable(*_mapped(path, randomness, _MARK, SIZE))


def rate_table(directory: str | None, randomness: Callable[[int], bytes]) -> BucketTable:
    """Who has come how often, for a process; the same as of L{client_table}."""
    if directory is None:
        return private_buckets()
    try:
        return open_rates(os.path.join(directory, RATES), randomness)
    except OSError as why:
        text = "{path}: {why}; each process counts who comes how often for itself"
        _log.error(text, path=os.path.join(directory, RATES), why=str(why))
        return private_buckets()


def open_rates(path: str, randomness: Callable[[int], bytes]) -> BucketTable:
    """
    The same in a file, which is made if there is none of this form.

    @raise OSError: it cannot be made, or the disk is full.
    """
    words, seed = _mapped(path, randomness, _RATES_MARK, RATES_SIZE)
    # For as long as the process lives, as the table.
    fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def lock() -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    return BucketTable(words, seed, lock, lambda: fcntl.flock(fd, fcntl.LOCK_UN))


def _mapped(
    path: str, randomness: Callable[[int], bytes], mark: int, size: int
) -> tuple[memoryview, int]:
    """The numbers of a file's table, and its seed."""
    fd, seed = _opened(path, randomness, mark.to_bytes(8, "little"), _HEAD + size)
    try:
        memory = mmap.mmap(fd, _HEAD + size)
    finally:
        os.close(fd)
    return memoryview(memory)[_HEAD:].cast("Q"), seed


def _opened(
    path: str, randomness: Callable[[int], bytes], mark: bytes, wanted: int
) -> tuple[int, int]:
    """The file's descriptor and seed; one of another form is left to those who have it open."""
    flags = os.O_RDWR | os.O_CLOEXEC
    if not path.startswith(_OPEN):
        flags |= os.O_CREAT | os.O_NOFOLLOW
    while True:
        fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            size = os.fstat(fd).st_size
            if not size:
                # What is mapped must be there: a full disk would end whoever writes to it.
                os.posix_fallocate(fd, 0, wanted)
                os.pwrite(fd, mark + randomness(8), 0)
                size = wanted
            head = os.pread(fd, 16, 0)
            if size == wanted and head[:8] == mark:
                fcntl.flock(fd, fcntl.LOCK_UN)
                return fd, int.from_bytes(head[8:], "little")
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        os.unlink(path)
