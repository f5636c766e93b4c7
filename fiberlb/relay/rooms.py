"""The limits of all members, and the queues of their pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fiberlb.relay.bound import Share
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.queue import Queue
from fiberlb.relay.room import LOOK, furnish, vacate

#: Seconds between two looks where no other process gives anything back.
ALONE = 0.05


def place_of(member_id: str) -> str:
    """What a member with a limit is called where listeners with a limit are called by their ids."""
    return f"member {member_id}"


class Rooms:
    """
    Gives members their limits, and looks after those who wait.

    @param call_later: of the reactor.
    @param clock: seconds that never go back.
    @param share: what other processes see of this, by name; C{None}: there are none.
    """

    def __init__(
        self,
        call_later: Callable[..., Any],
        clock: Callable[[], float],
        share: Callable[[str], Share | None],
    ) -> None:
        self._call_later = call_later
        self._clock = clock
        self._share = share
        self._queues: dict[str, Queue] = {}
        #: Where somebody waits.
        self._busy: dict[Queue, None] = {}
        self._timer: Any = None
        self._pause = ALONE

    def settle(self, pool: Any) -> None:
        """A pool (L{fiberlb.relay.pool_state.PoolState}) has these members and limits."""
        plan = pool.plan
        queue = self._queues.get(pool.id)
        if queue is None and not plan.limited:
            return
        if queue is None:
            queue = self._queues[pool.id] = Queue(pool, self._watch, self._clock)
        queue.pool = pool
        for member, state in zip(plan.members, pool.states(), strict=False):
            share = self._share(place_of(member.id))
            if share is not None:
                self._pause = LOOK
            furnish(state, plan.most(member), share, queue)
        pool.queue = queue if plan.limited else None
        if not plan.limited:
            # Those that wait in it are served, and nobody comes any more.
            del self._queues[pool.id]

    def forget(self, ident: str) -> None:
        """A pool is gone; who waits there already has until its time is over."""
        self._queues.pop(ident, None)

    def vacate(self, state: MemberState) -> None:
        """A member is gone."""
        vacate(state)

    # While somebody waits.

    def _watch(self, queue: Queue) -> None:
        self._busy[queue] = None
        if self._timer is None:
            self._timer = self._call_later(self._pause, self._look)

    def _look(self) -> None:
        self._timer = None
        try:
            for queue in list(self._busy):
                queue.look()
                if not queue.waiting:
                    self._busy.pop(queue, None)
        finally:
            if self._busy and self._timer is None:
                self._timer = self._call_later(self._pause, self._look)
