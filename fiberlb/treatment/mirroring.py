"""C{mirror}: which requests a second pool gets a copy of, and what became of the copies."""

from __future__ import annotations

from typing import Any

from fiberlb.model.mirror import MirrorSettings
from fiberlb.treatment.draft import Draft, Kept

#: The name that copies are kept by (L{fiberlb.treatment.draft.Kept}).
FEATURE = "mirror"


class Copies:
    """
    The copies that one pool gets, in this process.

    @ivar running: those that are not answered yet.
    @ivar sent: those that were answered.
    @ivar dropped: requests that were not copied although they should have been: too many copies
        ran, or the body was too large.
    @ivar failed: copies that nobody has answered.
    """

    __slots__ = ("dropped", "failed", "running", "sent")

    def __init__(self) -> None:
        self.running = self.sent = self.dropped = self.failed = 0

    def figures(self) -> dict[str, int]:
        """The totals, by name."""
        return {
            "copies_sent": self.sent,
            "copies_dropped": self.dropped,
            "copies_failed": self.failed,
        }


def copied(kept: Kept, pool_id: str) -> dict[str, int]:
    """The totals of a pool's copies; zeros where it gets none."""
    found: Copies = kept.find(FEATURE, pool_id) or Copies()
    return found.figures()


class Mirror:
    """
    What one route copies.

    @ivar pool: the state of the pool that gets the copies.
    @ivar copies: of that pool.
    @ivar route: for whoever sends them: kept here, as it is the same each time.
    """

    __slots__ = ("_percent", "_share", "copies", "pool", "route")

    def __init__(self, pool: Any, percent: int, copies: Copies) -> None:
        self.pool = pool
        self.copies = copies
        self.route: Any = None
        self._percent = percent
        self._share = 0

    def wants(self) -> bool:
        """Whether the next request is to be copied: exactly the share, spread evenly."""
        self._share += self._percent
        if self._share < 100:
            return False
        self._share -= 100
        return True


def mirror(value: MirrorSettings, draft: Draft) -> None:
    """A second pool gets copies."""
    copies = draft.around.kept.get(FEATURE, value.pool_id, Copies)
    draft.mirror = Mirror(draft.around.pools.get(value.pool_id), value.percent, copies)
