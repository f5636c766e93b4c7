"""
Peak EWMA: of two members drawn by chance, the one that is likely to answer sooner.

What a member costs is a moving average of the time until its answers begin, which
rises at once and falls slowly, times what it has to do already.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp

from fiberlb.balancing.draws import Draws
from fiberlb.balancing.interface import Loaded, Weighted

#: Seconds in which an old time loses all but a third of its say.
DECAY = 10.0
#: What a member of which nothing is known costs once it has a request: seconds. Before its first
#: answer it is not to be sent everything.
UNKNOWN = 1.0
#: What a failure counts as at least: seconds. Refusing is fast, and no merit.
FAILURE = 1.0


class Average:
    """
    The moving average of one member.

    @ivar seconds: at C{stamp}.
    """

    __slots__ = ("seconds", "stamp")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.stamp = 0.0

    def observe(self, now: float, seconds: float) -> None:
        """An answer has begun after so many seconds."""
        before = self.cost(now)
        self.stamp = now
        if seconds > before:
            self.seconds = seconds
        else:
            # What came long after the last one says more than one of many.
            part = self._kept(now)
            self.seconds = before * part + seconds * (1.0 - part) if before else seconds

    def fail(self, now: float) -> None:
        """There was no answer; failures in a row count more and more, up to a minute."""
        self.seconds = min(max(self.cost(now) * 2.0, FAILURE), 60.0)
        self.stamp = now

    def cost(self, now: float) -> float:
        """Seconds: old news fade, so that a member gets another chance."""
        if not self.seconds:
            return 0.0
        return self.seconds * self._kept(now)

    def _kept(self, now: float) -> float:
        return exp(min(self.stamp - now, 0.0) / DECAY)


class PeakEwma(Draws[Loaded]):
    """Compares what another request would cost, for the weights."""

    def __init__(self, random: Callable[[], float], clock: Callable[[], float]) -> None:
        super().__init__(random, self._cheaper)
        self._clock = clock

    def _cheaper(self, one: Weighted[Loaded], other: Weighted[Loaded]) -> bool:
        now = self._clock()
        return _cost(one[2], now) * other[1] <= _cost(other[2], now) * one[1]


def _cost(member: Loaded, now: float) -> float:
    latency = member.latency
    seconds = latency.cost(now) if latency is not None else 0.0
    if not seconds:
        return UNKNOWN * member.in_flight
    return seconds * (member.in_flight + 1)
