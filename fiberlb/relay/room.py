"""How much a member may have to do at once, in all processes together."""

from __future__ import annotations

from typing import Any

from fiberlb.relay.bound import Bound, Share
from fiberlb.relay.member_state import MemberState


class Room(Bound):
    """
    The bound of one member in this process; what it bounds is C{in_flight}.

    @ivar queue: L{fiberlb.relay.queue.Queue}: who is told when a place is free.
    """

    __slots__ = ("queue",)

    def __init__(self, limit: int, state: MemberState, share: Share | None, queue: Any) -> None:
        self.queue = queue
        super().__init__(limit, lambda: state.in_flight, share)

    def full(self) -> bool:
        """Whether no place is free, as far as is known."""
        share = self.share
        return (self._count() if share is None else share.total()) >= self.limit

    def left(self) -> None:
        """The member has one less to do: whoever waits for it is next."""
        self.told()
        if self.queue.waiting:
            self.queue.wake()


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
