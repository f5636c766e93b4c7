"""The store layer: what the store holds of the configuration, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import le

import attrs

from fiberlb.control.packs import PACKS, Key, Packs, pack_name, unpack
from fiberlb.control.records import (
    CONTENTS,
    COUNTER,
    OBJECTS,
    Record,
    Unreadable,
    collection_of,
    decode,
    id_of,
)
from fiberlb.model.configuration import COLLECTIONS
from fiberlb.store.interface import Changes, Entry
from fiberlb.store.sealed import Keyring

Records = Mapping[str, Mapping[str, Record]]


def _nothing() -> Records:
    return {collection: {} for collection in COLLECTIONS}


@attrs.frozen
class StoreLayer:
    """
    The objects of the store at one revision.

    @ivar revision: the counter of configuration commits, 0 in an empty store.
    @ivar counter: the store revision that last changed the counter, 0: never.
    @ivar at: the store revision this is a picture of; the watch goes on from it.
    @ivar records: collection -> id -> record, in order of creation.
    @ivar contents: id -> the revision that last took a child out of that object.
    @ivar packs: which objects are stored together, and where.
    @ivar apart: those of them that have got a key of their own since.
    """

    revision: int = 0
    counter: int = 0
    at: int = 0
    records: Records = attrs.field(factory=_nothing)
    contents: Mapping[str, int] = attrs.field(factory=dict)
    packs: Packs = attrs.field(factory=dict)
    apart: frozenset[Key] = frozenset()

    def holds(self, collection: str, ident: str) -> bool:
        """Whether an object is of this layer."""
        return ident in self.records[collection]


def loaded(at: int, entries: Mapping[bytes, Entry], keyring: Keyring) -> StoreLayer:
    """
    The layer out of everything that a store holds.

    @param at: the store revision of C{entries}.

    @raise Unreadable: some document is not understood.
    """
    found: dict[str, dict[str, Record]] = {collection: {} for collection in COLLECTIONS}
    contents = {}
    packs: dict[str, list[Key]] = {}
    alone: set[Key] = set()
    for key, (value, _) in entries.items():
        if key.startswith(OBJECTS):
            record = decode(key, value, keyring)
            found[record.made.COLLECTION][record.made.id] = record
            alone.add(_key(record))
        elif key.startswith(PACKS):
            several = unpack(key, value, keyring)
            packs[pack_name(key)] = [_key(record) for record in several]
            for record in several:
                found[record.made.COLLECTION].setdefault(record.made.id, record)
        elif key.startswith(CONTENTS):
            contents[key[len(CONTENTS) :].decode()] = _number(key, value)
    records = {collection: in_order(several.values()) for collection, several in found.items()}
    value, counter = entries.get(COUNTER, (b"0", 0))
    apart = frozenset(alone & _all(packs) if packs else ())
    return StoreLayer(_number(COUNTER, value), counter, at, records, contents, packs, apart)


def _key(record: Record) -> Key:
    return record.made.COLLECTION, record.made.id


def _all(packs: Packs) -> set[Key]:
    return {key for keys in packs.values() for key in keys}


def advanced(layer: StoreLayer, at: int, changes: Changes, keyring: Keyring) -> StoreLayer:
    """
    The layer after one more revision of the store.

    @raise Unreadable: some document is not understood.
    """
    revision, counter = layer.revision, layer.counter
    contents = dict(layer.contents)
    stored = _Changed(layer)
    for key, value in changes:
        if key == COUNTER and value is not None:
            revision, counter = _number(key, value), at
        elif key.startswith(CONTENTS):
            ident = key[len(CONTENTS) :].decode()
            if value is None:
                contents.pop(ident, None)
            else:
                contents[ident] = _number(key, value)
        elif key.startswith(OBJECTS):
            stored.alone(key, value, keyring)
    for key, value in changes:
        if key.startswith(PACKS):
            stored.pack(key, value, keyring)
    packs, apart = stored.packs, stored.apart()
    return StoreLayer(revision, counter, at, stored.records(), contents, packs, apart)


class _Changed:
    """
    What a revision of the store changes of the objects. First L{alone}, then L{pack}.

    @ivar packs: after it.
    """

    def __init__(self, layer: StoreLayer) -> None:
        self.packs = dict(layer.packs)
        self._before = layer
        self._alone = set(layer.apart)
        self._put: dict[Key, Record] = {}
        self._gone: set[Key] = set()

    def alone(self, key: bytes, value: bytes | None, keyring: Keyring) -> None:
        """A key of an object of its own."""
        _, collection, ident = key.decode("utf-8", "backslashreplace").split("/", 2)
        if value is None:
            self._gone.add((collection, ident))
            self._alone.discard((collection, ident))
        else:
            self._put[collection, ident] = decode(key, value, keyring)
            self._alone.add((collection, ident))

    def pack(self, key: bytes, value: bytes | None, keyring: Keyring) -> None:
        """A key of a pack."""
        self._gone.update(set(self.packs.pop(pack_name(key), ())) - self._alone)
        if value is None:
            return
        several = unpack(key, value, keyring)
        self.packs[pack_name(key)] = list(map(_key, several))
        self._put.update({_key(r): r for r in several if _key(r) not in self._alone})

    def apart(self) -> frozenset[Key]:
        """As of L{StoreLayer}, after it."""
        return frozenset(self._alone & _all(self.packs) if self.packs else ())

    def records(self) -> Records:
        """After it, in order of creation."""
        put = sorted(self._put.values(), key=lambda record: record.order)
        return altered(self._before.records, put, self._gone - self._put.keys())


def altered(
    records: Records, changed: Iterable[Record], gone: Iterable[tuple[str, str]]
) -> Records:
    """
    The records with some put and some taken out, in order of creation: what is new comes
    last, what comes back has its old place.

    @param gone: pairs of collection and id.
    """
    done = dict(records)
    put: dict[str, dict[str, Record]] = {}
    for collection, group in groupby(changed, collection_of):
        several = list(group)
        put.setdefault(collection, {}).update(zip(map(id_of, several), several, strict=True))
    out: dict[str, list[str]] = {}
    for collection, ident in gone:
        out.setdefault(collection, []).append(ident)
    for collection in put.keys() | out.keys():
        there = dict(done[collection])
        for ident in out.get(collection, ()):
            there.pop(ident, None)
        done[collection] = _joined(there, put.get(collection, {}))
    return done


def _joined(there: dict[str, Record], put: Mapping[str, Record]) -> dict[str, Record]:
    """Records in order of creation with others, which are new or take their places."""
    orders = [record.order for ident, record in put.items() if ident not in there]
    last = next(reversed(there.values())).order if there else (0, 0)
    in_turn = all(map(le, [last, *orders], orders))
    there.update(put)
    return there if in_turn else in_order(there.values())


def in_order(records: Iterable[Record]) -> dict[str, Record]:
    """Records of one collection by id, in order of creation."""
    return {r.made.id: r for r in sorted(records, key=lambda r: (r.order, r.made.id))}


def _number(key: bytes, value: bytes) -> int:
    try:
        return int(value)
    except ValueError:
        raise Unreadable(f"{key.decode()} of the store is not a number") from None
