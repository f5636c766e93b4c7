"""How much may be tried again: a share of the requests, so that retries do not bury who is left."""

from __future__ import annotations

from math import exp
from typing import Final

#: Seconds after which a request has lost most of its say about how many retries there may be.
WINDOW: Final = 10.0
#: Retries a second that any pool may have, however few requests it gets.
FLOOR: Final = 10.0


class RetryBudget:
    """
    One pool's budget, in one process.

    Requests earn a share of a retry each, and what was earned fades over L{WINDOW}. A retry that
    gets an answer gives back what it has cost: one bad member among good ones costs nothing, and
    where everybody fails, or is slow, no more than the share is sent again. Requests themselves
    cost nothing: how many there were is looked at when one is to be retried.

    @ivar percent: of the requests.
    @ivar refused: retries that there was no budget for.
    """

    __slots__ = ("_at", "_left", "_requests", "percent", "refused")

    def __init__(self, percent: int) -> None:
        self.percent = percent
        self.refused = 0
        self._left = FLOOR * WINDOW
        self._at = 0.0
        self._requests = 0

    def take(self, now: float, requests: int) -> bool:
        """
        Whether there may be one more retry now, which is then counted.

        @param now: seconds of a clock that does not go back.
        @param requests: of the pool, ever.
        """
        elapsed = now - self._at
        if elapsed > 0.0:
            kept = exp(-elapsed / WINDOW)
            rate = max(0, requests - self._requests) / elapsed
            earned = (rate * self.percent / 100.0 + FLOOR) * WINDOW * (1.0 - kept)
            self._left = self._left * kept + earned
            self._at = now
            self._requests = requests
        if self._left < 1.0:
            self.refused += 1
            return False
        self._left -= 1.0
        return True

    def helped(self, count: int) -> int:
        """
        So many retries have brought an answer: they are no burden that grows.

        @return: 0, how many of them are still to be answered for.
        """
        self._left += count
        return 0
