"""Requests split over several pools by weight, and what keeps a client at its pool."""

from __future__ import annotations

from typing import Any, Final

import attrs

from fiberlb.errors import Path
from fiberlb.model.convert import Nested
from fiberlb.model.fields import Loading, Optional, Reference, Several, Text, Whole, field
from fiberlb.model.persistence import TOKEN, YEARS

#: Of a cookie that keeps clients at their pool and has no other name.
SPLIT_COOKIE: Final = "FIBERLB_SPLIT"
#: The largest weight of a pool.
MOST_WEIGHT: Final = 1_000_000
#: Pools of one split.
MOST_POOLS: Final = 64


@attrs.frozen(kw_only=True)
class WeightedPool:
    """
    A pool and its share.

    @ivar weight: requests that it gets, of the sum of all weights; 0: none.
    """

    pool_id: str = field(Reference("pools"))
    weight: int = field(Whole(0, MOST_WEIGHT), 1)


#: The pools of a split, each once.
WEIGHTED_POOLS: Final = Several(Nested(WeightedPool), most=MOST_POOLS)


@attrs.frozen(kw_only=True)
class SplitPersistence:
    """
    The cookie that keeps a client at its pool of a split.

    @ivar timeout_seconds: its C{Max-Age}; C{None}: as long as the browser runs.
    """

    cookie_name: str = field(Text(255, 1, TOKEN, "the name of a cookie"), SPLIT_COOKIE)
    timeout_seconds: int | None = field(Optional(Whole(1, YEARS)), None)


#: What keeps clients at their pool; C{None}: nothing does.
PERSISTENCE: Final = Optional(Nested(SplitPersistence))


def check_split(
    pools: tuple[WeightedPool, ...],
    persistence: SplitPersistence | None,
    name: str,
    path: Path,
    loading: Loading,
) -> None:
    """
    What is wrong with a split in itself.

    @param name: of the field that holds the pools.
    """
    at: tuple[Any, ...] = (*path, name)
    seen: set[str] = set()
    for index, one in enumerate(pools):
        if one.pool_id in seen:
            message = f"{one.pool_id} is named twice; add the weights up"
            loading.refuse((*at, index, "pool_id"), message, code="duplicate")
        seen.add(one.pool_id)
    if pools and not any(one.weight for one in pools):
        loading.refuse(at, "needs a pool with a weight above 0")
    if persistence is not None and not pools:
        loading.refuse((*path, "split_persistence"), f"does nothing without {name}")
