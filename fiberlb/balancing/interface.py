"""What every balancing algorithm has, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Protocol, TypeVar

import attrs

M = TypeVar("M")

#: A member as balancers get it: id, weight and the member itself.
Weighted = tuple[str, int, M]


@attrs.frozen
class Sources:
    """
    What a balancer takes from outside, so that it is a function of its arguments.

    @ivar start: where rounds begin, so that several workers do not begin with the same member.
    @ivar random: numbers from 0 to 1, 1 excluded.
    @ivar clock: seconds that never go back, as they were when this turn of the reactor began.
    """

    start: int
    random: Callable[[], float]
    clock: Callable[[], float]


class Latency(Protocol):
    """How long a member takes to answer, as far as is known."""

    def cost(self, now: float) -> float:
        """Seconds, at this time."""


class Loaded(Protocol):
    """
    A member that can be asked how much it has to do.

    @ivar in_flight: requests, or relayed connections, running now.
    @ivar full: it takes no more for now.
    @ivar latency: C{None} where nobody measures it.
    """

    in_flight: int
    full: bool
    latency: Latency | None


class Balancer(Protocol[M]):
    """
    One pool's algorithm; state of its own, kept for as long as the pool has it.

    Those that need a key have L{KeyedBalancer}'s methods, too.
    """

    def update(self, members: Sequence[Weighted[M]]) -> None:
        """Choose among these from now on; none of weight 0 takes part."""

    def pick(self, tried: Container[str] = ()) -> M | None:
        """A member, none of those C{tried}; C{None} when there is none."""


class KeyedBalancer(Balancer[M], Protocol[M]):
    """An algorithm that gives the same member for the same key."""

    def arrange(self, members: Sequence[Weighted[M]]) -> None:
        """
        The members that are configured, whether they can be chosen now or not.

        Keys are shared out over these, so that a member that goes down and comes back
        moves its own keys only. L{update} follows.
        """

    def pick_for(self, key: bytes, tried: Container[str] = ()) -> M | None:
        """The member of this key, or, if it cannot be chosen, the one that stands in for it."""
