"""From a draft to what is stored: the objects that really changed, and the record of it."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs

from fiberlb.control.draft import Draft
from fiberlb.control.history import Revision, encode_revision, revision_key
from fiberlb.control.layer import StoreLayer, altered
from fiberlb.control.operations import Change, Origin
from fiberlb.control.records import (
    COUNTER,
    Record,
    contents_key,
    encode,
    object_key,
)
from fiberlb.control.state import State
from fiberlb.control.union import default_settled
from fiberlb.control.validate import examined
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.resource import Meta, Resource
from fiberlb.store.sealed import Keyring

Key = tuple[str, str]


@attrs.frozen
class Commit:
    """
    One write, ready for the store.

    @ivar layer: the store layer after it, but for the store's own revisions.
    @ivar configuration: the union after it, references resolved.
    @ivar expect: what must hold in the store.
    @ivar puts: what is stored.
    """

    layer: StoreLayer
    configuration: Configuration
    expect: dict[bytes, int]
    puts: dict[bytes, bytes | None]
    entry: Revision


def drawn_up(draft: Draft, origin: Origin, now: str, token: str, keyring: Keyring) -> Commit | None:
    """
    The commit of a draft; C{None} when it changes nothing.

    @param now: RFC 3339 in UTC.
    @param token: tells this write from every other.

    @raise fiberlb.errors.ConfigurationError: what is wrong between objects,
        at (collection, id, field, ...).
    """
    state = draft.state
    resolved = examined(_provisional(draft, origin, now), state.configuration)
    changed = _changed(draft, resolved)
    gone = [key for key in draft.gone if state.layer.holds(*key)]
    if not changed and not gone:
        return None
    number = state.revision + 1
    records = [
        _record(draft, made, origin, now, (number, index)) for index, made in enumerate(changed)
    ]
    lost = [ident for ident in draft.lost if ident in resolved.meta]
    contents = {i: n for i, n in state.layer.contents.items() if (i in resolved.meta)}
    contents.update(dict.fromkeys(lost, number))
    changes = (*(_change(state, made) for made in changed), *_deletions(draft, gone))
    entry = Revision(number, now, origin, changes, token)
    puts: dict[bytes, bytes | None] = {object_key(*key): None for key in gone}
    puts.update({object_key(r.made.COLLECTION, r.made.id): encode(r, keyring) for r in records})
    puts.update({contents_key(i): None for i in state.layer.contents.keys() - contents.keys()})
    puts.update({contents_key(ident): str(number).encode() for ident in lost})
    puts[COUNTER] = str(number).encode()
    puts[revision_key(number)] = encode_revision(entry)
    layer = attrs.evolve(
        state.layer,
        revision=number,
        records=altered(state.layer.records, records, gone),
        contents=contents,
    )
    configuration = _final(resolved, state, records)
    return Commit(layer, configuration, {COUNTER: state.layer.counter}, puts, entry)


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
        objects[collection] = {
            **own,
            **{
                ident: made
                for ident, made in draft.objects(collection).items()
                if ident not in own and not draft.is_implicit(made)
            },
        }
    fresh = Meta(origin.owner, now, now, state.revision + 1)
    known = state.configuration.meta
    meta = {ident: known.get(ident, fresh) for several in objects.values() for ident in several}
    return Configuration(state.revision + 1, objects, meta)


def _changed(draft: Draft, resolved: Configuration) -> list[Resource]:
    """What really differs from before, parents first."""
    state = draft.state
    found = []
    for collection in COLLECTIONS:
        before = state.configuration.objects.get(collection, {})
        for kind, ident in draft.changed:
            if kind != collection:
                continue
            made = resolved.objects[collection][ident]
            differs = before.get(ident) != made or ident in draft.notes
            if differs or not state.layer.holds(collection, ident):
                found.append(made)
    return found


def _record(
    draft: Draft, made: Resource, origin: Origin, now: str, order: tuple[int, int]
) -> Record:
    before = draft.state.layer.records[made.COLLECTION].get(made.id)
    notes = draft.noted(made.id)
    if before is None:
        return Record(made, Meta(origin.owner, now, now, order[0], notes=notes), order)
    meta = attrs.evolve(before.meta, updated_at=now, revision=order[0], notes=notes)
    return Record(made, meta, before.order)


def _change(state: State, made: Resource) -> Change:
    op = "update" if state.layer.holds(made.COLLECTION, made.id) else "create"
    return Change(op, made.COLLECTION, made.id, made.name)


def _deletions(draft: Draft, gone: list[Key]) -> list[Change]:
    """Parents first here too: what went with a parent comes after it."""
    order = list(COLLECTIONS)
    ordered = sorted(gone, key=lambda key: order.index(key[0]))
    return [Change("delete", key[0], key[1], draft.gone[key].name) for key in ordered]


def _final(resolved: Configuration, state: State, records: list[Record]) -> Configuration:
    meta = {**resolved.meta, **{record.made.id: record.meta for record in records}}
    return default_settled(attrs.evolve(resolved, meta=meta), state.file, state.since)


def time_text(seconds: float) -> str:
    """Seconds since the epoch as RFC 3339 in UTC: C{2026-01-31T08:00:00Z}."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
