"""
Whose turn it is among things with weights, where each turn is a request of its own.

Turns are taken at points that are spread evenly over a line on which everything has a length of
its weight: multiples of the golden ratio, the fraction that is hardest to fall into step with. So
the shares come out as the weights say, within a few requests, and no rhythm of the requests, such
as a page and its picture in turn, goes to one place alone.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

_GOLDEN: Final = 0.6180339887498949


class Split:
    """
    Weights, and where the next turn is taken.

    @param weights: at least one, not all of them 0.
    @param start: where the first turn is taken, from 0 up to but not including 1; by chance,
        since there are several processes, and each one begins anew after a change.
    """

    __slots__ = ("_bounds", "_point", "_weights")

    def __init__(self, weights: Sequence[int], start: float) -> None:
        self._weights = tuple(weights)
        self._bounds = tuple(accumulate(weights))
        self._point = start

    def draw(self) -> int:
        """Whose turn it is: a place in the weights."""
        self._point = point = (self._point + _GOLDEN) % 1.0
        return _at(self._bounds, point)

    def draw_from(self, places: Sequence[int]) -> int | None:
        """The same among some of them; C{None}: they have no weight."""
        bounds = tuple(accumulate([self._weights[place] for place in places]))
        if not bounds or not bounds[-1]:
            return None
        self._point = point = (self._point + _GOLDEN) % 1.0
        return places[_at(bounds, point)]


def _at(bounds: Sequence[int], point: float) -> int:
    # Never beyond the last one, should the product be rounded up.
    return bisect_right(bounds, point * bounds[-1], 0, len(bounds) - 1)
