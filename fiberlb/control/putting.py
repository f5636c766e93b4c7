"""What a commit writes into the store: the documents of its objects, and the record of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import attrs

from fiberlb.control.commits import Commit
from fiberlb.control.draft import Draft
from fiberlb.control.history import encode_revision, revision_key
from fiberlb.control.layer import Records, StoreLayer
from fiberlb.control.packs import Key, new_name, pack, pack_key
from fiberlb.control.past import MANY, Piece, pieces_of, written
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
    stored = _Stored(before, layer.records, written_once)
    puts = stored.put(number, pieces)
    puts.update({contents_key(i): None for i in before.contents.keys() - layer.contents.keys()})
    puts.update({contents_key(ident): str(number).encode() for ident in lost})
    puts[COUNTER] = str(number).encode()
    puts[revision_key(number)] = encode_revision(entry)
    puts.update(written(number, pieces))
    layer = attrs.evolve(layer, packs=stored.packs, apart=frozenset(stored.apart))
    return attrs.evolve(commit, puts=puts, entry=entry, layer=layer)


class _Stored:
    """
    Where objects are stored.

    @param before: the layer before a commit.
    @param after: the objects after it.

    @ivar packs: after it, as of L{StoreLayer}.
    @ivar apart: after it, as of L{StoreLayer}.
    """

    def __init__(self, before: StoreLayer, after: Records, encode: Encode) -> None:
        self.packs: dict[str, Sequence[Key]] = dict(before.packs)
        self.apart = set(before.apart)
        self._after = after
        self._encode = encode

    def put(self, number: int, pieces: Iterable[Piece]) -> Puts:
        """What is stored of the objects of a revision."""
        puts: Puts = {}
        rest: dict[Key, Record | None] = {}
        there = list(self.packs.items())
        for index, piece in enumerate(pieces):
            if not piece.all_new:
                rest.update((version.key, version.after) for version in piece.versions)
                continue
            name = new_name(number, index)
            made = [version.record.made for version in piece.versions]
            self.packs[name] = [(one.COLLECTION, one.id) for one in made]
            puts[pack_key(name)] = piece.value
        for name, keys in there:
            changed = [key for key in keys if key in rest] if rest else []
            if len(changed) >= MANY or any(rest[key] is None for key in changed):
                puts.update(self._again(name, rest))
            else:
                self.apart.update(changed)
        for key, record in rest.items():
            puts[object_key(*key)] = None if record is None else self._encode(record)
        return puts

    def _again(self, name: str, rest: dict[Key, Record | None]) -> Puts:
        """
        A pack is written again.

        @param rest: what is left to be stored; what the pack has is taken out of it.
        """
        keys = self.packs.pop(name)
        left = [key for key in keys if key[1] in self._after[key[0]]]
        records = [self._after[collection][ident] for collection, ident in left]
        value = pack(records) if left else None
        puts: Puts = {object_key(*key): None for key in keys if key in self.apart}
        puts[pack_key(name)] = value
        self.apart.difference_update(keys)
        for key in keys:
            rest.pop(key, None)
        if value is None:
            rest.update(zip(left, records, strict=True))
        else:
            self.packs[name] = left
        return puts
