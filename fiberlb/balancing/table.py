"""The balancing algorithms there are, by the name that a pool gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fiberlb.balancing.round_robin import RoundRobin
from fiberlb.model.pool import Algorithm

#: One line an algorithm; each class has C{update(members)} and C{pick(tried)} as L{RoundRobin} has.
ALGORITHMS: Mapping[Algorithm, type[RoundRobin[Any]]] = {
    Algorithm.ROUND_ROBIN: RoundRobin,
}
