"""What a member has failed at lately, as one process has seen it."""

from __future__ import annotations

from typing import Final

from fiberlb.model.passive_health import PassiveHealth

#: Seconds over which the share of failures is looked at.
WINDOW: Final = 10


class Tally:
    """
    Failures of one member, in a row and by share.

    @ivar policy: when there are too many.
    @ivar always: every answer has to be looked at, not only the one after a failure.
    """

    __slots__ = ("_all", "_bad", "_row", "_second", "always", "policy")

    def __init__(self, policy: PassiveHealth) -> None:
        self.policy = policy
        self.always = bool(policy.statuses) or policy.failure_percent is not None
        self._row = 0
        self._second = 0
        # Of each of the last seconds; the place is the second's remainder.
        self._all = [0] * WINDOW
        self._bad = [0] * WINDOW

    def clear(self) -> None:
        """Forget everything."""
        self._row = 0
        for place in range(WINDOW):
            self._all[place] = self._bad[place] = 0

    def counts(self, status: int) -> bool:
        """Whether an answer of this status is a failure."""
        return any(low <= status <= high for low, high in self.policy.statuses)

    def good(self, now: float) -> None:
        """It has answered."""
        self._row = 0
        if self.policy.failure_percent is not None:
            self._note(now, 0)

    def failed(self, cause: str, now: float) -> str:
        """
        It has failed.

        @param cause: a reason code, or the status.
        @return: in what it has failed too often, of which it is cleared then; empty: it has not.
        """
        policy = self.policy
        self._row += 1
        if policy.failure_percent is not None:
            self._note(now, 1)
        told = ""
        if self._row >= policy.consecutive_failures:
            told = f"{self._row} failures in a row, the last one {cause}"
        elif policy.failure_percent is not None:
            total, bad = sum(self._all), sum(self._bad)
            if total >= policy.minimum_requests and bad * 100 >= policy.failure_percent * total:
                told = f"{bad} of {total} requests failed within {WINDOW}s, the last one {cause}"
        if told:
            self.clear()
        return told

    def _note(self, now: float, bad: int) -> None:
        second = int(now)
        if second != self._second:
            for passed in range(max(self._second + 1, second - WINDOW + 1), second + 1):
                self._all[passed % WINDOW] = self._bad[passed % WINDOW] = 0
            self._second = second
        self._all[second % WINDOW] += 1
        self._bad[second % WINDOW] += bad
