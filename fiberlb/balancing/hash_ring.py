"""
Consistent hashing with bounded loads: one member for one key, unless it has too much to do.

After Karger et al. 1997 for the ring, and Mirrokni, Thorup and Zadimoghaddam 2016,
"Consistent Hashing with Bounded Loads", for the bound.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Container, Sequence

from fiberlb.balancing.hashing import hashed
from fiberlb.balancing.interface import Loaded, Weighted
from fiberlb.balancing.round_robin import RoundRobin

#: Points on the ring of a member of the highest weight.
POINTS = 160
#: How much more than its share a member has to do before its keys go to the next one.
BOUND = 1.25
#: Requests in flight below which no member has too much to do: a share of little says little.
FEW = 4


class HashRing:
    """
    A ring with points of all configured members; a key belongs to the next point's member.

    Without a key it is round robin.
    """

    def __init__(self, start: int = 0) -> None:
        self._configured: tuple[tuple[str, int], ...] = ()
        self._hashes: list[int] = []
        self._owners: list[str] = []
        self._eligible: dict[str, tuple[int, Loaded]] = {}
        self._total = 0
        self._keyless: RoundRobin[Loaded] = RoundRobin(start)

    def arrange(self, members: Sequence[Weighted[Loaded]]) -> None:
        """See L{KeyedBalancer.arrange}; takes 0.1 ms a member when ids or weights have changed."""
        configured = tuple((ident, weight) for ident, weight, _ in members if weight > 0)
        if configured == self._configured:
            return
        self._configured = configured
        heaviest = max((weight for _, weight in configured), default=1)
        points = sorted(
            (hashed(ident.encode(), number), ident)
            for ident, weight in configured
            for number in range(max(1, POINTS * weight // heaviest))
        )
        self._hashes = [place for place, _ in points]
        self._owners = [ident for _, ident in points]

    def update(self, members: Sequence[Weighted[Loaded]]) -> None:
        """See L{Balancer.update}."""
        self._eligible = {ident: (weight, member) for ident, weight, member in members if weight}
        self._total = sum(weight for weight, _ in self._eligible.values())
        self._keyless.update(members)

    def pick(self, tried: Container[str] = ()) -> Loaded | None:
        """Somebody, for want of a key."""
        return self._keyless.pick(tried)

    def pick_for(self, key: bytes, tried: Container[str] = ()) -> Loaded | None:
        """See L{KeyedBalancer.pick_for}."""
        owners = self._owners
        at = bisect_left(self._hashes, hashed(key))
        seen: set[str] = set()
        fallback: Loaded | None = None
        for step in range(len(owners)):
            ident = owners[(at + step) % len(owners)]
            if ident in seen:
                continue
            seen.add(ident)
            found = self._eligible.get(ident)
            if found is None or (tried and ident in tried):
                continue
            weight, member = found
            if member.in_flight < FEW or not self._too_much(weight, member):
                return member
            fallback = fallback or member
            if len(seen) == len(self._configured):
                break
        # Backups have no points of their own: they share by turns.
        return fallback or self._keyless.pick(tried)

    def _too_much(self, weight: int, member: Loaded) -> bool:
        running = sum(other.in_flight for _, other in self._eligible.values()) + 1
        return member.in_flight + 1 > BOUND * running * weight / self._total
