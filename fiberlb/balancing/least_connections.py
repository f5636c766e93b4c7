"""Least connections: the member that has the least to do, for its weight."""

from __future__ import annotations

from collections.abc import Container, Sequence

from fiberlb.balancing.interface import Loaded, Weighted


class LeastConnections:
    """
    The least (requests in flight + 1) / weight; between equals the one that is next in turn.

    Over HTTP requests count and not connections, of which idle ones cost a member nothing.
    Costs a look at each member.
    """

    def __init__(self, start: int = 0) -> None:
        self._members: list[Weighted[Loaded]] = []
        self._next = start

    def update(self, members: Sequence[Weighted[Loaded]]) -> None:
        """See L{Balancer.update}."""
        self._members = [found for found in members if found[1] > 0]

    def pick(self, tried: Container[str] = ()) -> Loaded | None:
        """See L{Balancer.pick}."""
        members = self._members
        count = len(members)
        if not count:
            return None
        first = self._next % count
        best: Loaded | None = None
        least, share, place = 0, 1, first
        for at in range(first - count, first):
            ident, weight, member = members[at]
            if tried and ident in tried:
                continue
            load: int = member.in_flight + 1
            if best is None or load * share < least * weight:
                best, least, share, place = member, load, weight, at
        self._next = (place + 1) % count
        return best
