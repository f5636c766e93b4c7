"""What a commit writes into the store: the documents of its objects, and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from fiberlb.control.commits import Commit
from fiberlb.control.draft import Draft
from fiberlb.control.history import encode_revision, revision_key
from fiberlb.control.layer import Records
from fiberlb.control.packs import Key, Packs, new_name, pack, pack_key
from fiberlb.control.past import Piece, pieces_of, written
from fiberlb.control.records import COUNTER, Record, contents_key, encode, object_key
from fiberlb.store.sealed import Keyring

#: What is stored, by its keys; C{None}: it is deleted.
Puts = dict[bytes, bytes | None]
#: Makes the document of an object.
Encode = Callable[[Record], bytes]


def documented(commit: Commit, draft: Draft, keyring: Keyring) -> Commit:
    """
    The commit with the documents that it stores.

    @param draft: what it is of.
    @param keyring: seals secrets.
    """
    before = draft.state.layer
    lost = [ident for ident in draft.lost if ident in commit.configuration.meta]
    number, layer = commit.entry.revision, commit.layer
    documents: dict[int, bytes] = {}

    def written_once(record: Record) -> bytes:
        found = documents.get(id(record))
        if found is None:
            found = documents[id(record)] = encode(record, keyring)
        return found

    pieces = list(pieces_of(commit.versions, written_once))
    entry = attrs.evolve(commit.entry, pieces=len(pieces))
    puts, packs = _objects(number, pieces, before.packs, layer.records, written_once)
    puts.update({contents_key(i): None for i in before.contents.keys() - layer.contents.keys()})
    puts.update({contents_key(ident): str(number).encode() for ident in lost})
    puts[COUNTER] = str(number).encode()
    puts[revision_key(number)] = encode_revision(entry)
    puts.update(written(number, pieces))
    layer = attrs.evolve(layer, packs=packs)
    return attrs.evolve(commit, puts=puts, entry=entry, layer=layer)


def _objects(
    number: int, pieces: list[Piece], before: Packs, after: Records, encode: Encode
) -> tuple[Puts, Packs]:
    """
    What is stored of the objects of a revision, and the packs after it.

    @param before: the packs before it.
    @param after: the objects after it.
    """
    puts: Puts = {}
    packs = dict(before)
    rest: dict[Key, Record | None] = {}
    for index, piece in enumerate(pieces):
        if not piece.alike:
            rest.update((version.key, version.after) for version in piece.versions)
            continue
        name = new_name(number, index)
        made = [version.record.made for version in piece.versions]
        packs[name] = [(one.COLLECTION, one.id) for one in made]
        puts[pack_key(name)] = piece.value
    for name, keys in before.items():
        if not rest.keys().isdisjoint(keys):
            _again(name, keys, rest, after, puts, packs)
    for key, record in rest.items():
        puts[object_key(*key)] = None if record is None else encode(record)
    return puts, packs


def _again(
    name: str,
    keys: Sequence[Key],
    rest: dict[Key, Record | None],
    after: Records,
    puts: Puts,
    packs: dict[str, Sequence[Key]],
) -> None:
    """
    A pack of which something has changed is written again.

    @param rest: what is left to be stored; what the pack has is taken out of it.
    """
    for key in keys:
        rest.pop(key, None)
    left = [key for key in keys if key[1] in after[key[0]]]
    records = [after[collection][ident] for collection, ident in left]
    value = pack(records) if left else None
    puts[pack_key(name)] = value
    if value is not None:
        packs[name] = left
        return
    del packs[name]
    rest.update(zip(left, records, strict=True))
