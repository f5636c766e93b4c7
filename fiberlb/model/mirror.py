"""Copies of requests for a second pool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from fiberlb.errors import Problem
from fiberlb.model.fields import Reference, Whole, field


@attrs.frozen(kw_only=True)
class MirrorSettings:
    """
    Which requests another pool gets a copy of; nobody hears what it answers.

    @ivar pool_id: who gets the copies.
    @ivar percent: of the requests.
    """

    pool_id: str = field(Reference("pools"))
    percent: int = field(Whole(1, 100), 100)


def targets(holders: Iterable[Any]) -> list[str]:
    """The pools that get copies from any of some objects."""
    found = [holder.mirror.pool_id for holder in holders if holder.mirror is not None]
    return list(dict.fromkeys(found))


def misfits(holders: Iterable[Any], pools: Mapping[str, Any]) -> Iterable[Problem]:
    """
    What is wrong with the mirrors of some objects.

    @param holders: L{fiberlb.model.treated.Treated}.
    @param pools: L{fiberlb.model.pool.Pool} by id.
    """
    for holder in holders:
        pool = None if holder.mirror is None else pools.get(holder.mirror.pool_id)
        if pool is None:
            continue
        at = (holder.COLLECTION, holder.id, "mirror", "pool_id")
        if pool.protocol.value not in ("http", "https"):
            message = f"pool {pool.name!r} is {pool.protocol.value}, a mirror needs http or https"
            yield Problem(at, message)
        elif pool.proxy_protocol is not None:
            message = (
                f"pool {pool.name!r} expects PROXY headers; a copy has no connection to tell of"
            )
            yield Problem(at, message)
