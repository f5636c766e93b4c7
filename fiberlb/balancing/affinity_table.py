"""
Who has been where: a table of fixed size, which several processes may share.

It is an array of 64-bit numbers, in memory of this process or in a mapped file. A client's
name is hashed to 128 bits and stands in one bucket of eight places; a new one takes an empty
place of its bucket, or that of the one that was seen longest ago. So the table never grows, and
nobody can make it.

Processes write without a lock. A place is four numbers: both halves of the name, the member
combined with them, and when it was used last. A place that two have written to at the same
time, or that is read while it is written, gives a number that no member has, which counts as
not found.
"""

from __future__ import annotations

from typing import Any, Final

from xxhash import xxh3_64_intdigest, xxh3_128_intdigest

#: Places of a bucket, and numbers of a place.
WAYS: Final = 8
WIDTH: Final = 4
#: Places of a table, and its size in bytes.
PLACES: Final = 1 << 18
SIZE: Final = PLACES * WIDTH * 8
_BUCKET: Final = WAYS * WIDTH
_HALF: Final = (1 << 64) - 1


def member_number(ident: str) -> int:
    """What stands for a member in the table, never 0."""
    return xxh3_64_intdigest(ident.encode()) or 1


class AffinityTable:
    """
    The table.

    @param words: numbers of 64 bits, as many as a multiple of a bucket's.
    @param seed: known to nobody outside, so that no one can choose names of one bucket.
    """

    def __init__(self, words: Any, seed: int) -> None:
        self._words = words
        self._buckets = len(words) // _BUCKET
        self._seed = seed

    def _place(self, name: bytes) -> tuple[int, int, int]:
        """Both halves of a name, and where its bucket begins."""
        digest = xxh3_128_intdigest(name, self._seed)
        first, second = digest & _HALF or 1, digest >> 64
        return first, second, second % self._buckets * _BUCKET

    def get(self, name: bytes, now: int, timeout: int | None) -> int:
        """
        The member of a client, 0 for none; one that is found is used by that.

        @param now: seconds of a clock that all processes have, at least 1.
        @param timeout: seconds without use after which it is forgotten.
        """
        words = self._words
        first, second, start = self._place(name)
        for at in range(start, start + _BUCKET, WIDTH):
            if words[at] != first or words[at + 1] != second:
                continue
            member = words[at + 2] ^ first ^ second
            used = words[at + 3]
            if used != now:
                # A clock that is ahead of ours is one from before the machine was started anew.
                if used > now + 1 or (timeout is not None and used + timeout < now):
                    return 0
                words[at + 3] = now
            return int(member)
        return 0

    def put(self, name: bytes, member: int, now: int) -> None:
        """Remember a client's member from now on."""
        words = self._words
        first, second, start = self._place(name)
        best, oldest = start, now + 2
        for at in range(start, start + _BUCKET, WIDTH):
            if words[at] == first and words[at + 1] == second:
                words[at + 2] = member ^ first ^ second
                words[at + 3] = now
                return
            used = words[at + 3]
            if used > now + 1:
                used = 0
            if used < oldest:
                best, oldest = at, used
        words[best] = 0
        words[best + 1] = second
        words[best + 2] = member ^ first ^ second
        words[best + 3] = now
        words[best] = first
