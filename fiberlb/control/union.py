"""The file layer and the store layer as one configuration (product page, decision 16)."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from fiberlb.control.document import FileLayer
from fiberlb.control.layer import StoreLayer
from fiberlb.errors import Problem
from fiberlb.model.configuration import COLLECTIONS, DEFAULT_LOAD_BALANCER, Configuration
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Pool
from fiberlb.model.resource import Meta, Owner, Resource, file_id


def union(file: FileLayer, layer: StoreLayer) -> Configuration:
    """
    Every object of both layers, the file's first; references are left as they are.

    Where both have an id, the file's object is taken: L{clashes} tells.
    """
    objects: dict[str, dict[str, Resource]] = {}
    meta: dict[str, Meta] = {}
    for collection in COLLECTIONS:
        both = {ident: record.made for ident, record in layer.records[collection].items()}
        meta.update({i: record.meta for i, record in layer.records[collection].items()})
        own = file.configuration.objects.get(collection, {})
        rest = {i: made for i, made in both.items() if i not in own}
        objects[collection] = {**own, **rest}
    meta.update(file.configuration.meta)
    return Configuration(layer.revision, objects, meta)


def default_settled(configuration: Configuration, file: FileLayer, since: str) -> Configuration:
    """
    The load balancer that is there by itself: only while it is needed, and with a time.

    @param configuration: examined, so that it is there unless one of its name is.
    @param since: RFC 3339 in UTC, for its times.
    """
    ident, collection = DEFAULT_LOAD_BALANCER.id, DEFAULT_LOAD_BALANCER.COLLECTION
    meta = configuration.meta.get(ident)
    implicit = ident not in file.configuration.objects.get(collection, {})
    if meta is None or meta.managed_by is not Owner.FILE or not implicit:
        return configuration
    there = configuration.objects[collection]
    used = any(one.loadbalancer_id == ident for one in configuration.all(Listener).values())
    if used or len(there) == 1:
        timed = attrs.evolve(meta, created_at=since, updated_at=since)
        return attrs.evolve(configuration, meta={**configuration.meta, ident: timed})
    rest = {i: made for i, made in there.items() if i != ident}
    left = {i: each for i, each in configuration.meta.items() if i != ident}
    objects = {**configuration.objects, collection: rest}
    return attrs.evolve(configuration, objects=objects, meta=left)


def clashes(file: FileLayer, layer: StoreLayer) -> Iterator[Problem]:
    """What the two layers both claim, at (collection, id, ...)."""
    for collection, cls in COLLECTIONS.items():
        own = file.configuration.objects.get(collection, {})
        for ident, record in layer.records[collection].items():
            name = record.made.name
            if ident in own:
                message = f"{name!r} is stored already; delete it there before the file has it"
                yield Problem((collection, ident), message, code="duplicate")
            if cls.PARENT is None:
                continue
            parent = getattr(record.made, cls.PARENT[0])
            if (parent, collection) in file.owned_lists:
                message = (
                    f"the file gives its {collection}, but {name!r} is stored:"
                    " leave the list out of the file, or delete what is stored"
                )
                yield Problem((cls.PARENT[1], parent), message, code="duplicate")


def with_monitor_ids(file: FileLayer) -> FileLayer:
    """The file layer with an id for every health monitor: the same for as long as its pool is."""
    pools = file.configuration.all(Pool)
    done = {ident: _with_monitor_id(pool) for ident, pool in pools.items()}
    objects = {**file.configuration.objects, Pool.COLLECTION: done}
    return attrs.evolve(file, configuration=attrs.evolve(file.configuration, objects=objects))


def _with_monitor_id(pool: Pool) -> Pool:
    monitor = pool.health_monitor
    if monitor is None or monitor.id:
        return pool
    return attrs.evolve(pool, health_monitor=attrs.evolve(monitor, id=monitor_id(pool.id)))


def monitor_id(pool: str) -> str:
    """The id of a pool's health monitor."""
    return file_id("health_monitors", pool, "")
