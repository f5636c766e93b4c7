"""Members with something to do, for the tests of balancers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from fiberlb.balancing.interface import Latency


class Busy:
    """A member: its id, what it has to do, and whether it takes more."""

    def __init__(self, name: str, in_flight: int = 0) -> None:
        self.name = name
        self.in_flight = in_flight
        self.full = False
        self.latency: Latency | None = None

    def __repr__(self) -> str:
        return self.name


def weighted(**weights: int) -> list[tuple[str, int, Busy]]:
    """Members of these weights, with nothing to do, as balancers are given them."""
    return [(name, weight, Busy(name)) for name, weight in weights.items()]


def named(found: Any) -> str:
    """The name of what was picked, or a dash."""
    return "-" if found is None else str(found.name)


def shares(found: Iterable[Any]) -> Counter[str]:
    """How often each member was picked."""
    return Counter(named(member) for member in found)
