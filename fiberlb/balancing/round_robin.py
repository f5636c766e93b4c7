"""Round robin: each member in its turn, in proportion to its weight."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Generic, TypeVar

M = TypeVar("M")


class _Turn(Generic[M]):
    """
    One member's standing.

    @ivar due: how far it is behind its share; the largest is next.
    """

    __slots__ = ("due", "id", "member", "weight")

    def __init__(self, ident: str, weight: int, member: M) -> None:
        self.id = ident
        self.weight = weight
        self.member = member
        self.due = 0


class RoundRobin(Generic[M]):
    """
    Smooth weighted round robin.

    Weights 5, 1, 1 give A A B A C A A, not A A A A A B C: every member gains
    its weight per pick, the one with most is picked and pays the sum. With
    equal weights that is a plain ring, which costs the same for any number of
    members.

    @param start: index of the member that the first pick takes, so that
        several workers do not begin with the same one.
    """

    def __init__(self, start: int = 0) -> None:
        self._start = start
        self._turns: list[_Turn[M]] = []
        #: Equal weights: the members as they follow each other, and whose turn it is.
        self._ring: list[M] | None = []
        self._next = 0
        self._total = 0

    def update(self, members: Sequence[tuple[str, int, M]]) -> None:
        """
        Take these members from now on; those that stay keep their place.

        @param members: id, weight and member; one of weight 0 takes no part.
        """
        turns = [_Turn(i, w, m) for i, w, m in members if w > 0]
        equal = len({turn.weight for turn in turns}) <= 1
        standing = {turn.id: turn.due for turn in self._in_order(equal)}
        places = {ident: place for place, ident in enumerate(standing)}
        if not places and turns:
            first = self._start % len(turns)
            turns = turns[first:] + turns[:first]
        # Those that stay come in their order, the new ones after them.
        turns.sort(key=lambda turn: places.get(turn.id, len(places)))
        total = sum(turn.weight for turn in turns)
        if not equal and self._total:
            # In the scale of the new weights, or one member could be due many times in a row.
            for turn in turns:
                turn.due = standing.get(turn.id, 0) * total // self._total
        self._turns = turns
        self._total = total
        self._next = 0
        self._ring = [turn.member for turn in turns] if equal else None

    def pick(self, tried: Container[str] = ()) -> M | None:
        """
        The member whose turn it is.

        @param tried: ids of members not to pick, those that this request failed on.

        @return: C{None} if there is no member, or none untried.
        """
        ring = self._ring
        if ring is None:
            return self._pick_weighted(tried)
        if tried:
            return self._pick_untried(ring, tried)
        place = self._next
        if place >= len(ring):
            if not ring:
                return None
            place = 0
        self._next = place + 1
        return ring[place]

    def _pick_untried(self, ring: list[M], tried: Container[str]) -> M | None:
        for step in range(len(ring)):
            place = (self._next + step) % len(ring)
            if self._turns[place].id not in tried:
                self._next = place + 1
                return ring[place]
        return None

    def _pick_weighted(self, tried: Container[str]) -> M | None:
        chosen: _Turn[M] | None = None
        total = self._total
        if tried:
            total = sum(turn.weight for turn in self._turns if turn.id not in tried)
        for turn in self._turns:
            if tried and turn.id in tried:
                continue
            turn.due += turn.weight
            if chosen is None or turn.due > chosen.due:
                chosen = turn
        if chosen is None:
            return None
        chosen.due -= total
        return chosen.member

    def _in_order(self, by_turn: bool) -> list[_Turn[M]]:
        """The turns as they decide between equals, or, C{by_turn}, the next one first."""
        if self._ring is not None:
            place = self._next % len(self._ring) if self._ring else 0
            return self._turns[place:] + self._turns[:place]
        return sorted(self._turns, key=lambda turn: -turn.due) if by_turn else self._turns
