"""
Maglev hashing: a table of members that every key points into.

After Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer"
(NSDI 2016), section 3.4. The table depends on nothing but the ids and weights of the
members that are configured, so every worker and every node has the same one.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Generic

from fiberlb.balancing.hashing import hashed, rendezvous
from fiberlb.balancing.interface import M, Weighted
from fiberlb.balancing.round_robin import RoundRobin

#: Sizes of tables, primes; the first that has a hundred places for each member is taken, the
#: last one in any case. Few sizes, since a table of another size sends most keys elsewhere.
SIZES = (16381, 65537, 655373)
_PLACES = 100
#: Places looked at for a key whose member cannot be chosen, before all members are compared.
_PROBES = 8
_OFFSET, _SKIP = 1, 2


def size_for(members: int) -> int:
    """The size of the table for so many members."""
    return next((size for size in SIZES if size >= members * _PLACES), SIZES[-1])


def table(members: Sequence[tuple[str, int]], size: int) -> list[int]:
    """
    Which member each place belongs to, as an index into C{members}.

    The members take turns in claiming the next free place of their own permutation; one of
    half the highest weight sits out every other turn.

    @param members: ids and weights above 0, in any order: the table is the same.
    @param size: a prime.
    """
    order = sorted(range(len(members)), key=lambda index: members[index][0])
    names = [members[index][0].encode() for index in order]
    heaviest = max(members[index][1] for index in order)
    at = [hashed(name, _OFFSET) % size for name in names]
    steps = [hashed(name, _SKIP) % (size - 1) + 1 for name in names]
    owners = [-1] * size
    credit = [0] * len(order)
    left = size
    while True:
        for turn, index in enumerate(order):
            credit[turn] += members[index][1]
            if credit[turn] < heaviest:
                continue
            credit[turn] -= heaviest
            place, step = at[turn], steps[turn]
            while owners[place] >= 0:
                place += step
                if place >= size:
                    place -= size
            owners[place] = index
            at[turn] = (place + step) % size
            left -= 1
            if not left:
                return owners


class Maglev(Generic[M]):
    """
    The member whose place in the table a key has.

    One that goes down leaves its places as they are; their keys go to others, evenly,
    until it comes back. Without a key it is round robin.
    """

    def __init__(self, start: int = 0) -> None:
        self._configured: tuple[tuple[str, int], ...] = ()
        self._owners: list[int] = []
        self._size = 1
        #: By index into the table's members; C{None} for those that cannot be chosen.
        self._members: list[M | None] = []
        self._eligible: list[Weighted[M]] = []
        self._keyless: RoundRobin[M] = RoundRobin(start)

    def arrange(self, members: Sequence[Weighted[M]]) -> None:
        """See L{KeyedBalancer.arrange}; takes some 10 ms when ids or weights have changed."""
        configured = tuple((ident, weight) for ident, weight, _ in members if weight > 0)
        if configured != self._configured:
            self._configured = configured
            self._size = size_for(len(configured))
            self._owners = table(configured, self._size) if configured else []

    def update(self, members: Sequence[Weighted[M]]) -> None:
        """See L{Balancer.update}."""
        self._eligible = [found for found in members if found[1] > 0]
        known = {ident: member for ident, _, member in self._eligible}
        self._members = [known.get(ident) for ident, _ in self._configured]
        self._keyless.update(members)

    def pick(self, tried: Container[str] = ()) -> M | None:
        """Somebody, for want of a key."""
        return self._keyless.pick(tried)

    def pick_for(self, key: bytes, tried: Container[str] = ()) -> M | None:
        """See L{KeyedBalancer.pick_for}."""
        if not self._owners:
            return rendezvous(self._eligible, key, tried)
        owner = self._owners[hashed(key) % self._size]
        member = self._members[owner]
        if member is not None and not (tried and self._configured[owner][0] in tried):
            return member
        for probe in range(1, _PROBES + 1):
            owner = self._owners[hashed(key, probe) % self._size]
            member = self._members[owner]
            if member is not None and not (tried and self._configured[owner][0] in tried):
                return member
        return rendezvous(self._eligible, key, tried)
