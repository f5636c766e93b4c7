"""From a draft to what is stored: the objects that really changed, and the record of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import count, repeat
from operator import attrgetter

import attrs

from fiberlb.control.draft import Draft
from fiberlb.control.history import Revision
from fiberlb.control.layer import StoreLayer, altered
from fiberlb.control.operations import Change, Origin
from fiberlb.control.past import Version
from fiberlb.control.records import COUNTER, Record, id_of
from fiberlb.control.state import State
from fiberlb.control.union import default_settled
from fiberlb.control.validate import examined
from fiberlb.model.configuration import COLLECTIONS, DEFAULT_LOAD_BALANCER, Configuration
from fiberlb.model.resource import Meta, Owner, Resource

Key = tuple[str, str]


@attrs.frozen
class Commit:
    """
    One write, ready for the store.

    @ivar layer: the store layer after it, but for the store's own revisions.
    @ivar configuration: the union after it, references resolved.
    @ivar expect: what must hold in the store.
    @ivar puts: what is stored.
    @ivar versions: the objects that it changes, in the order of the entry's changes.
    @ivar examined: the configuration as it was found in order, before the times of the commit.
    """

    layer: StoreLayer
    configuration: Configuration
    expect: dict[bytes, int]
    puts: dict[bytes, bytes | None]
    entry: Revision
    versions: tuple[Version, ...] = ()
    examined: Configuration | None = None


def drawn_up(
    draft: Draft,
    origin: Origin,
    now: str,
    token: str,
    known: Configuration | None = None,
) -> Commit | None:
    """
    The commit of a draft, without documents; C{None} when it changes nothing.

    @param now: RFC 3339 in UTC.
    @param token: tells this write from every other.
    @param known: what an earlier commit of this draft has C{examined}.

    @raise fiberlb.errors.ConfigurationError: what is wrong between objects,
        at (collection, id, field, ...).
    """
    state = draft.state
    resolved = known or examined(_provisional(draft, origin, now), state.configuration)
    found = resolved
    changed = _changed(draft, resolved)
    gone = [key for key in draft.gone if state.layer.holds(*key)]
    if not changed and not gone:
        return None
    number = state.revision + 1
    made = list(_versions(draft, changed, origin, now, number))
    records = [version.record for version in made]
    lost = [ident for ident in draft.lost if ident in resolved.meta]
    contents = {i: n for i, n in state.layer.contents.items() if (i in resolved.meta)}
    contents.update(dict.fromkeys(lost, number))
    versions = (*made, *_deletions(draft, gone))
    changes = tuple(_changes(versions))
    entry = Revision(number, now, origin, changes, token)
    layer = attrs.evolve(
        state.layer,
        revision=number,
        records=altered(state.layer.records, records, gone),
        contents=contents,
    )
    if draft.known:
        resolved = _ordered(resolved, layer)
    configuration = _final(resolved, state, records)
    expect = {COUNTER: state.layer.counter}
    return Commit(layer, configuration, expect, {}, entry, versions, found)


def _provisional(draft: Draft, origin: Origin, now: str) -> Configuration:
    """
    The union with the draft's objects, references as they were written.

    The file's objects are taken as the file has them: what a name in the file
    means may change with the store.
    """
    state = draft.state
    objects: dict[str, dict[str, Resource]] = {}
    for collection in COLLECTIONS:
        own = state.file.configuration.objects.get(collection, {})
        rest = dict(draft.objects(collection))
        default = rest.get(DEFAULT_LOAD_BALANCER.id)
        if default is not None and draft.is_implicit(default):
            del rest[default.id]
        for ident in own:
            rest.pop(ident, None)
        objects[collection] = {**own, **rest} if own else rest
    meta: dict[str, Meta] = {}
    fresh = Meta(origin.owner, now, now, state.revision + 1)
    for several in objects.values():
        meta.update(dict.fromkeys(several, fresh))
    meta.update({i: known for i, known in state.configuration.meta.items() if i in meta})
    return Configuration(state.revision + 1, objects, meta)


def _changed(draft: Draft, resolved: Configuration) -> list[Resource]:
    """What really differs from before, parents first."""
    stored = draft.state.layer.records
    found: dict[str, list[Resource]] = {collection: [] for collection in COLLECTIONS}
    for key in draft.changed:
        collection, ident = key
        made = resolved.objects[collection][ident]
        record = stored[collection].get(ident)
        if record is None or not _is_as_before(draft, key, made, record):
            found[collection].append(made)
    return [made for several in found.values() for made in several]


def _is_as_before(draft: Draft, key: Key, made: Resource, record: Record) -> bool:
    """Whether an object of the store is what it was."""
    collection, ident = key
    before = draft.state.configuration.objects.get(collection, {}).get(ident)
    if before is None or ident in draft.notes:
        return False
    return draft.owners.get(key) in (None, record.meta.managed_by) and before == made


def _versions(
    draft: Draft, several: Iterable[Resource], origin: Origin, now: str, number: int
) -> Iterator[Version]:
    """What changed, as it was and as it is; new ones share what is known of all of them."""
    new: dict[Owner, Meta] = {}
    stored, owners, noted = draft.state.layer.records, draft.owners, draft.notes
    if not (draft.known or owners or noted or any(stored.values())):
        # Everything is new, as a large configuration is: at once, for it takes half of the time.
        orders = zip(repeat(number), count(), strict=False)
        metas = repeat(Meta(origin.owner, now, now, number))
        yield from map(Version, repeat(None), map(Record, several, metas, orders))
        return
    for index, made in enumerate(several):
        before = stored[made.COLLECTION].get(made.id)
        if before is not None or draft.known:
            known = before or draft.known.get((made.COLLECTION, made.id))
            if known is not None:
                yield Version(before, _again(draft, made, known, now, number))
                continue
        owner = owners.get((made.COLLECTION, made.id), origin.owner) if owners else origin.owner
        # Nothing was noted of an object that has just been made, unless it was now.
        notes = draft.noted(made.id) if noted else None
        meta = Meta(owner, now, now, number, notes=notes) if notes else new.get(owner)
        if meta is None:
            meta = new[owner] = Meta(owner, now, now, number)
        yield Version(None, Record(made, meta, (number, index)))


def _again(draft: Draft, made: Resource, known: Record, now: str, number: int) -> Record:
    """The record of an object that there was before."""
    meta = Meta(
        draft.owners.get((made.COLLECTION, made.id), known.meta.managed_by),
        known.meta.created_at,
        now,
        number,
        draft.noted(made.id),
    )
    return Record(made, meta, known.order)


def _changes(versions: Iterable[Version]) -> Iterator[Change]:
    for version in versions:
        before, after = version.before, version.after
        if after is not None:
            op, made = "create" if before is None else "update", after.made
        else:
            op, made = "delete", version.record.made
        yield Change(op, made.COLLECTION, made.id, made.name)


def _deletions(draft: Draft, gone: list[Key]) -> list[Version]:
    """Parents first here too: what went with a parent comes after it."""
    order = list(COLLECTIONS)
    records = draft.state.layer.records
    return [
        Version(records[collection][ident], None)
        for collection, ident in sorted(gone, key=lambda key: order.index(key[0]))
    ]


def _ordered(configuration: Configuration, layer: StoreLayer) -> Configuration:
    """The configuration with what came back at its old place among the objects of the store."""
    objects = {}
    for collection, there in configuration.objects.items():
        stored = layer.records[collection]
        own = {ident: made for ident, made in there.items() if ident not in stored}
        objects[collection] = {**own, **{ident: there[ident] for ident in stored}}
    return attrs.evolve(configuration, objects=objects)


def _final(resolved: Configuration, state: State, records: list[Record]) -> Configuration:
    meta = dict(resolved.meta)
    meta.update(zip(map(id_of, records), map(attrgetter("meta"), records), strict=True))
    return default_settled(attrs.evolve(resolved, meta=meta), state.file, state.since)


def time_text(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC: C{2026-01-31T08:00:00Z}."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
