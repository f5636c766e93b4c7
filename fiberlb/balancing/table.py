"""The balancing algorithms there are, by the name that a pool gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from fiberlb.balancing.first_available import FirstAvailable
from fiberlb.balancing.hash_ring import HashRing
from fiberlb.balancing.interface import Sources
from fiberlb.balancing.least_connections import LeastConnections
from fiberlb.balancing.maglev import Maglev
from fiberlb.balancing.peak_ewma import PeakEwma
from fiberlb.balancing.random_two import RandomTwo
from fiberlb.balancing.round_robin import RoundRobin
from fiberlb.model.pool import Algorithm


@attrs.frozen
class Entry:
    """
    One algorithm.

    @ivar make: makes a balancer; see L{fiberlb.balancing.interface.Balancer}.
    @ivar key: what it wants a key of: C{address}, C{address_port}, or C{hash_on} for what the
        pool says; C{None}: it has no keys, and its balancers no C{pick_for}.
    @ivar measures: members' times to answer have to be measured for it.
    """

    make: Callable[[Sources], Any]
    key: str | None = None
    measures: bool = False


#: One line an algorithm.
ALGORITHMS: Mapping[Algorithm, Entry] = {
    Algorithm.ROUND_ROBIN: Entry(lambda sources: RoundRobin(sources.start)),
    Algorithm.LEAST_CONNECTIONS: Entry(lambda sources: LeastConnections(sources.start)),
    Algorithm.SOURCE_IP: Entry(lambda sources: Maglev(sources.start), "address"),
    Algorithm.SOURCE_IP_PORT: Entry(lambda sources: Maglev(sources.start), "address_port"),
    Algorithm.MAGLEV: Entry(lambda sources: Maglev(sources.start), "address"),
    Algorithm.RANDOM_TWO: Entry(lambda sources: RandomTwo(sources.random)),
    Algorithm.PEAK_EWMA: Entry(
        lambda sources: PeakEwma(sources.random, sources.clock), measures=True
    ),
    Algorithm.HASH: Entry(lambda sources: HashRing(sources.start), "hash_on"),
    Algorithm.FIRST_AVAILABLE: Entry(lambda sources: FirstAvailable()),
}
