"""Two members drawn by chance, in proportion to their weights: the better one is taken."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Container, Sequence
from itertools import accumulate
from typing import Generic

from fiberlb.balancing.interface import M, Weighted


class Draws(Generic[M]):
    """
    The power of two choices (Mitzenmacher 2001): nearly as good as the best of all, at a
    price that does not grow with their number, and workers that know little of each other
    do not all run to the same member.

    @param random: numbers from 0 to 1.
    @param better: whether the first of two is to be taken.
    """

    def __init__(
        self,
        random: Callable[[], float],
        better: Callable[[Weighted[M], Weighted[M]], bool],
    ) -> None:
        self._random = random
        self._better = better
        self._members: list[Weighted[M]] = []
        self._sums: list[int] = []

    def update(self, members: Sequence[Weighted[M]]) -> None:
        """See L{Balancer.update}."""
        self._members = [found for found in members if found[1] > 0]
        self._sums = list(accumulate(weight for _, weight, _ in self._members))

    def pick(self, tried: Container[str] = ()) -> M | None:
        """See L{Balancer.pick}."""
        members, sums = self._members, self._sums
        if tried:
            members = [found for found in members if found[0] not in tried]
            sums = list(accumulate(weight for _, weight, _ in members))
        if not members:
            return None
        total = sums[-1]
        one = bisect_right(sums, self._random() * total)
        if len(members) == 1:
            return members[0][2]
        # The second among all others: as if the first one's weight were not there.
        weight = members[one][1]
        drawn = self._random() * (total - weight)
        if drawn >= sums[one] - weight:
            drawn += weight
        first, second = members[one], members[min(bisect_right(sums, drawn), len(members) - 1)]
        return first[2] if self._better(first, second) else second[2]
