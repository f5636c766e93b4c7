"""First available: fill one member after the other, as few as are needed."""

from __future__ import annotations

from collections.abc import Container, Sequence

from fiberlb.balancing.interface import Loaded, Weighted


class FirstAvailable:
    """
    The first member, in the order they are written, that is not full.

    A member is full at its C{max_connections}; without them the first one that is up gets
    everything, and the others stand by. When all are full, the first one.
    """

    def __init__(self) -> None:
        self._members: list[Weighted[Loaded]] = []

    def update(self, members: Sequence[Weighted[Loaded]]) -> None:
        """See L{Balancer.update}."""
        self._members = [found for found in members if found[1] > 0]

    def pick(self, tried: Container[str] = ()) -> Loaded | None:
        """See L{Balancer.pick}."""
        first: Loaded | None = None
        for ident, _, member in self._members:
            if tried and ident in tried:
                continue
            if not member.full:
                return member
            if first is None:
                first = member
        return first
