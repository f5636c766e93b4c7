"""
Who has come how often: a table of fixed size, which several processes may share.

Each key has one number, the time at which its bucket is full again (the theoretical arrival time
of the GCRA, ITU-T I.371 annex A): whoever comes moves it on by the interval of the rate, and may
not if it would lie more than the whole burst ahead. Nothing has to be refilled or swept.

The table is an array of 64-bit numbers, in memory of this process or in a mapped file. A key is
hashed and stands in one bucket of eight places; a new one takes the place of the one whose number
lies furthest back, which mostly is one that has none left to count. So the table never grows, and
nobody can make it.

Who is let in is counted under a lock that processes share. It is tried for a few microseconds
only: a process that is frozen with it must not hold up the others, who count without it then, so
that two that come in the same moment may count as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from xxhash import xxh3_128_intdigest

#: Places of a bucket, and numbers of a place: a key's hash, and its time in nanoseconds.
WAYS: Final = 8
WIDTH: Final = 2
#: Places of a table, and its size in bytes.
PLACES: Final = 1 << 17
SIZE: Final = PLACES * WIDTH * 8
SECOND: Final = 1_000_000_000
#: A time that lies so much further ahead than it may is one of a clock that has begun anew.
_ABSURD: Final = 60 * SECOND
_BUCKET: Final = WAYS * WIDTH
_HALF: Final = (1 << 64) - 1
_ATTEMPTS: Final = 64


class BucketTable:
    """
    The table.

    @param words: numbers of 64 bits, as many as a multiple of a bucket's.
    @param seed: known to nobody outside, so that no one can choose keys of one bucket.
    @param lock: tries to take the lock of those who share it; C{unlock} gives it back.
    """

    def __init__(
        self,
        words: Any,
        seed: int,
        lock: Callable[[], bool] | None = None,
        unlock: Callable[[], None] | None = None,
    ) -> None:
        self._lock = lock
        self._unlock = unlock
        self._words = words
        self._buckets = len(words) // _BUCKET
        self._seed = seed

    def take(self, key: bytes, now: int, interval: int, burst: int) -> int:
        """
        Let one more come, if it may.

        @param now: nanoseconds of a clock that all processes have.
        @param interval: nanoseconds between two that come evenly.
        @param burst: how many may come at once.
        @return: 0: it may, and is counted; else nanoseconds until it may.
        """
        digest = xxh3_128_intdigest(key, self._seed)
        name = digest & _HALF or 1
        start = (digest >> 64) % self._buckets * _BUCKET
        depth = interval * burst
        place, full = self._next(start, name, now, interval, depth)
        if full - now > depth or self._lock is None or self._unlock is None:
            return self._count(place, name, full, now, depth)
        # Others may have come since.
        held = any(self._lock() for _ in range(_ATTEMPTS))
        try:
            place, full = self._next(start, name, now, interval, depth)
            return self._count(place, name, full, now, depth)
        finally:
            if held:
                self._unlock()

    def _next(self, start: int, name: int, now: int, interval: int, depth: int) -> tuple[int, int]:
        """The place of a key, and when its bucket is full once one more has come."""
        place = self._place(start, name)
        full: int = self._words[place + 1] if self._words[place] == name else now
        if full < now or full > now + depth + _ABSURD:
            full = now
        return place, full + interval

    def _count(self, place: int, name: int, full: int, now: int, depth: int) -> int:
        """Write it down, if it may come; else how long it has to wait."""
        if full - now > depth:
            return full - depth - now
        self._words[place + 1] = full
        self._words[place] = name
        return 0

    def _place(self, start: int, name: int) -> int:
        """Where a key stands in its bucket, or is to stand."""
        words = self._words
        best, least = start, -1
        for at in range(start, start + _BUCKET, WIDTH):
            if words[at] == name:
                return at
            when: int = words[at + 1] if words[at] else 0
            if least < 0 or when < least:
                best, least = at, when
        return best


def private_buckets() -> BucketTable:
    """A table of this process alone."""
    return BucketTable(memoryview(bytearray(SIZE)).cast("Q"), 0)


class Rates:
    """
    The table of a process, made when the first limit needs it.

    @param make: makes or opens it.
    """

    def __init__(self, make: Callable[[], BucketTable] = private_buckets) -> None:
        self._make = make
        self._table: BucketTable | None = None

    @property
    def table(self) -> BucketTable:
        """Who has come how often."""
        if self._table is None:
            self._table = self._make()
        return self._table
