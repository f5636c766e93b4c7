"""
How many connections of a listener may be open at once.

Beyond the bound nobody is turned away: who comes waits in the kernel's queue
until somebody has left. Nothing is asked for meanwhile; the end of a
connection of this process wakes who waits here, and what other processes hold
is looked at every few hundredths of a second, only while somebody waits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

#: Seconds between two looks at what others hold, while something waits here.
LOOK = 0.02


class Share(Protocol):
    """What this process holds of what all processes together may."""

    def write(self, count: int) -> None:
        """So many connections are open here."""

    def total(self) -> int:
        """So many are open in all processes."""


class Bound:
    """
    The bound of one listener in this process.

    @param count: how many connections of the listener are open here.
    @param share: seen by other processes that serve the listener; C{None}: there are none.

    @ivar limit: connections that may be open.
    """

    __slots__ = ("_count", "_waiting", "limit", "share")

    def __init__(self, limit: int, count: Callable[[], int], share: Share | None) -> None:
        self.limit = limit
        self.share = share
        self._count = count
        self._waiting: list[Callable[[], None]] = []
        self.told()

    def take(self) -> bool:
        """
        Whether one more may be accepted; it counts at once, so that no two take the last place.

        L{told} gives it back where nobody came.
        """
        share = self.share
        if share is None:
            return self._count() < self.limit
        share.write(self._count() + 1)
        if share.total() <= self.limit:
            return True
        share.write(self._count())
        return False

    def told(self) -> None:
        """Tell others how many are open here."""
        if self.share is not None:
            self.share.write(self._count())

    def wait(self, again: Callable[[], None]) -> None:
        """Have C{again} called when a connection has ended."""
        self._waiting.append(again)

    def left(self) -> None:
        """A connection has ended."""
        self.told()
        if self._waiting:
            self._wake()

    def end(self) -> None:
        """It does not bind any more."""
        if self.share is not None:
            self.share.write(0)
        self._wake()

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for again in waiting:
            again()


def settle(cell: Any, limit: int, share: Share | None) -> None:
    """
    Have a listener's cell bound by this from now on; what waits looks again.

    @param limit: -1 for none.
    """
    before: Bound | None = cell.bound
    if before is not None and (before.limit, before.share) == (limit, share):
        return
    cell.bound = None
    if before is not None:
        before.end()
    if limit >= 0:
        cell.bound = Bound(limit, lambda: int(cell.connections), share)
