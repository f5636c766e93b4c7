"""
Counters in shared memory: a worker writes its own page, control reads them all.

No message is needed to read one, and what a worker had counted is still there
after it was killed. A page consists of places, each four numbers: two gauges
(what is now), then two totals (what has been).

==========  ==============================  ===========================
place       gauges                          totals
==========  ==============================  ===========================
0           heartbeat (ms, monotonic),      processor time (ms), lost
            connections of closed           lines of the access log
            listeners
others      L{fiberlb.workers.counting} says what they are
==========  ===========================================================
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Collection, Iterable, Mapping

#: Numbers of a place.
WIDTH = 4
#: Bytes of a page: address space, of which only what is written to takes memory.
SIZE = 16 * 1024 * 1024
#: Places in a page.
PLACES = SIZE // (8 * WIDTH)
#: Where a worker says that it is alive.
BEAT = 0

Figures = tuple[int, int, int, int]
NOTHING: Figures = (0, 0, 0, 0)


def make_page() -> int:
    """The descriptor of a new page, all zero."""
    fd = os.memfd_create("fiberlb-page", os.MFD_CLOEXEC)
    os.ftruncate(fd, SIZE)
    return fd


class Page:
    """
    A page, mapped.

    @ivar fd: its descriptor, which L{close} closes.
    """

    def __init__(self, fd: int) -> None:
        """@raise ValueError: it is no page of this version."""
        self.fd = fd
        self._memory = mmap.mmap(fd, SIZE)
        self._numbers = memoryview(self._memory).cast("Q")

    def read(self, place: int) -> Figures:
        """The figures of a place."""
        start = place * WIDTH
        one, two, three, four = self._numbers[start : start + WIDTH]
        return one, two, three, four

    def write(self, place: int, figures: Figures) -> None:
        """Set the figures of a place; gauges below zero count as none."""
        start = place * WIDTH
        for index, figure in enumerate(figures):
            self._numbers[start + index] = max(figure, 0)

    def close(self) -> None:
        """Give everything back."""
        self._numbers.release()
        self._memory.close()
        os.close(self.fd)


def total(figures: Iterable[Figures]) -> Figures:
    """The sum over several pages."""
    one = two = three = four = 0
    for found in figures:
        one += found[0]
        two += found[1]
        three += found[2]
        four += found[3]
    return one, two, three, four


class Places:
    """
    Which object has which place; the same in every page.

    A place of something that is gone is given out again only when no worker
    can write to it any more: when all that live serve a later revision.
    """

    def __init__(self, places: int = PLACES) -> None:
        self._held: dict[str, int] = {}
        self._freed: list[tuple[int, int]] = []
        self._next = 1
        self._places = places

    @property
    def held(self) -> Mapping[str, int]:
        """The place of each object."""
        return self._held

    def assign(self, wanted: Collection[str], serial: int, oldest: int) -> list[int]:
        """
        Give each of these objects a place, and take back those of all others.

        @param serial: of the revision that consists of these objects.
        @param oldest: the least serial that a living worker serves.
        @return: places that have a new owner and must be all zero.
        """
        keep = set(wanted)
        for ident in [ident for ident in self._held if ident not in keep]:
            self._freed.append((serial, self._held.pop(ident)))
        reusable = [place for freed, place in self._freed if freed <= oldest]
        given: list[int] = []
        for ident in wanted:
            if ident in self._held:
                continue
            if reusable:
                self._held[ident] = reusable.pop()
                given.append(self._held[ident])
            elif self._next < self._places:
                self._held[ident] = self._next
                self._next += 1
        left = set(reusable)
        self._freed = [
            (freed, place) for freed, place in self._freed if freed > oldest or place in left
        ]
        return given
