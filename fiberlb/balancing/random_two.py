"""Random two: of two members drawn by chance, the one that has less to do."""

from __future__ import annotations

from collections.abc import Callable

from fiberlb.balancing.draws import Draws
from fiberlb.balancing.interface import Loaded, Weighted


class RandomTwo(Draws[Loaded]):
    """Compares requests in flight, for their weights."""

    def __init__(self, random: Callable[[], float]) -> None:
        super().__init__(random, _less_to_do)


def _less_to_do(one: Weighted[Loaded], other: Weighted[Loaded]) -> bool:
    return one[2].in_flight * other[1] <= other[2].in_flight * one[1]
