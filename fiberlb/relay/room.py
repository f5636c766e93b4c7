"""How much a member may have to do at once, in all processes together, and by turns."""

from __future__ import annotations

from typing import Any, Final

from fiberlb.relay.bound import Bound, Share
from fiberlb.relay.member_state import MemberState

#: Seconds between two looks at what others have given back, while something waits here.
LOOK: Final = 0.005
#: What a process writes beside the number of what it has: that somebody waits there.
WAITS: Final = 1 << 32
#: Seconds for which a place that was given back is left to other processes where somebody waits.
COURTESY: Final = 2 * LOOK


class Room(Bound):
    """
    The bound of one member in this process; what it bounds is C{in_flight}.

    Each process has its part of the places while others wait: what it gives back of more than
    that is theirs first, or who has all places would keep them.

    @ivar queue: L{fiberlb.relay.queue.Queue}: who is told when a place is free.
    """

    __slots__ = ("_courteous", "_state", "queue")

    def __init__(self, limit: int, state: MemberState, share: Share | None, queue: Any) -> None:
        self.queue = queue
        self._state = state
        self._courteous = 0.0
        super().__init__(limit, lambda: state.in_flight, share)

    def full(self) -> bool:
        """Whether no place is free, as far as is known."""
        share = self.share
        return (self._count() if share is None else share.total() % WAITS) >= self.limit

    def take(self) -> bool:
        """See L{Bound.take}; also whether it is another process's turn."""
        share = self.share
        if share is None:
            return self._count() < self.limit
        share.write(self._told(1))
        total = share.total()
        if total % WAITS <= self.limit and not (
            self._courteous > self.queue.now() and self._has_enough(total)
        ):
            return True
        share.write(self._told())
        return False

    def told(self) -> None:
        """Tell others how many there are here, and whether somebody waits."""
        if self.share is not None:
            self.share.write(self._told())

    def _told(self, more: int = 0) -> int:
        return self._count() + more + (WAITS if self.queue.waiting else 0)

    def _has_enough(self, total: int) -> bool:
        """Whether somebody waits elsewhere, and this process has its part of the places."""
        others = total // WAITS - (1 if self.queue.waiting else 0)
        return others > 0 and self._count() >= self.limit // (others + 1)

    def left(self) -> None:
        """The member has one less to do: whoever waits for it is next."""
        self.told()
        if self.share is not None and self._has_enough(self.share.total()):
            self._courteous = self.queue.now() + COURTESY
        if self.queue.waiting:
            self.queue.wake(self._state)


def furnish(state: MemberState, limit: int | None, share: Share | None, queue: Any) -> None:
    """
    Have a member bounded by this from now on.

    @param limit: C{None}: by nothing.
    """
    before: Room | None = state.room
    if limit is None:
        state.room = None
    elif before is not None and before.share == share:
        before.limit, before.queue = limit, queue
        return
    else:
        state.room = Room(limit, state, share, queue)
    if before is not None:
        before.end()


def vacate(state: MemberState) -> None:
    """A member is gone: what it still has to do counts in this process only."""
    if state.room is not None:
        state.room.end()
        state.room.share = None
