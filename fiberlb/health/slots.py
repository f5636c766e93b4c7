"""How many checks run at once."""

from __future__ import annotations

from collections import deque

from twisted.internet.defer import Deferred


class Slots:
    """
    A bound on the checks that run at once; the others queue.

    Checks of members that failed their last one are apart: they may take all of
    their timeout each, so they get at most half of the slots, and members that
    answer are still checked on time while a whole rack is gone.

    @ivar waiting: checks in the queues.
    """

    def __init__(self, total: int) -> None:
        """@param total: checks at once, at least 1."""
        self._free = total
        self._free_for_failing = max(1, total // 2)
        self._queues: dict[bool, deque[Deferred[None]]] = {False: deque(), True: deque()}
        self._turn = False
        self._serving = False

    @property
    def waiting(self) -> int:
        """How many checks wait for a slot."""
        return sum(map(len, self._queues.values()))

    def acquire(self, failing: bool) -> Deferred[None]:
        """
        Wait for a slot; L{release} gives it back, with the same argument.

        @param failing: the member failed its last check.
        @return: fires with the slot; may be cancelled until then.
        """
        queue = self._queues[failing]
        # A slot that was given away cannot be cancelled, and its waiter has left the queue.
        wait: Deferred[None] = Deferred(queue.remove)
        queue.append(wait)
        self._serve()
        return wait

    def release(self, failing: bool) -> None:
        """Give a slot back."""
        self._free += 1
        self._free_for_failing += failing
        self._serve()

    def _serve(self) -> None:
        # A check may end, and release, within the callback that starts it: a loop rather than
        # recursion, or a long queue of such checks would exhaust the stack.
        if self._serving:
            return
        self._serving = True
        try:
            while (failing := self._next()) is not None:
                self._free -= 1
                self._free_for_failing -= failing
                self._queues[failing].popleft().callback(None)
        finally:
            self._serving = False

    def _next(self) -> bool | None:
        """Which queue is served next, in turns; C{None} when none can be."""
        if self._free:
            self._turn = not self._turn
            for failing in (self._turn, not self._turn):
                if self._queues[failing] and (self._free_for_failing or not failing):
                    return failing
        return None
