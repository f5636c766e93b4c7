"""
What objects were before and after each revision, so that any of them can be looked at and restored.

Written in the commit it tells of, as lists of C{{"object": "pools/ID", "before": DOCUMENT or
null, "after": DOCUMENT or null}}, where the documents are those of L{fiberlb.control.records},
secrets sealed. A list is cut into pieces, for stores bound the size of one value. Key:
C{past/<n, zero padded>/<piece>/<bytes>}, so that what the past takes is known without reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import attrs

from fiberlb.control.layer import Records, altered
from fiberlb.control.packing import packed, unpacked
from fiberlb.control.records import Record, understood
from fiberlb.model.certificate import Certificate
from fiberlb.store.interface import Store
from fiberlb.store.sealed import Keyring

PAST = b"past/"
#: Bytes of a piece; an object that is larger has one of its own.
PIECE = 256 * 1024
#: What a certificate is made of, and stays when its other fields are restored.
MATERIAL = ("certificate", "private_key", "passphrase", "crl", "ocsp")
#: Pieces that are read from the store at a time.
PAGE = 8


@attrs.define
class Version:
    """
    One object around one revision. It does not change, as L{Record} does not.

    @ivar before: C{None}: the revision made it.
    @ivar after: C{None}: the revision deleted it.
    """

    before: Record | None
    after: Record | None

    @property
    def record(self) -> Record:
        """The object as it was last."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def key(self) -> tuple[str, str]:
        """Its collection and its id."""
        made = (self.after or self.before).made  # type: ignore[union-attr]
        return made.COLLECTION, made.id

    @property
    def op(self) -> str:
        """As of L{fiberlb.control.operations.Change}."""
        if self.before is None:
            return "create"
        return "delete" if self.after is None else "update"


def past_prefix(revision: int) -> bytes:
    """What the keys of a revision's pieces begin with."""
    return PAST + f"{revision:012d}/".encode()


#: Makes the document of an object (L{fiberlb.control.records.encode}).
Encode = Callable[[Record], bytes]


def written(revision: int, versions: Iterable[Version], encode: Encode) -> dict[bytes, bytes]:
    """The pieces of a revision, by their keys."""
    pieces = {}
    for index, items in enumerate(_cut(_item(version, encode) for version in versions)):
        value = packed(b"[" + b",".join(items) + b"]")
        pieces[past_prefix(revision) + f"{index:04d}/{len(value)}".encode()] = value
    return pieces


def _item(version: Version, encode: Encode) -> bytes:
    before, after = version.before, version.after
    name = "/".join(version.key).encode()  # an id, which needs no quoting
    old = b"null" if before is None else encode(before)
    return b'{"object":"%b","before":%b,"after":%b}' % (
        name,
        old,
        b"null" if after is None else encode(after),
    )


def _cut(items: Iterable[bytes]) -> Iterator[list[bytes]]:
    piece: list[bytes] = []
    size = 0
    for item in items:
        if piece and size + len(item) > PIECE:
            yield piece
            piece, size = [], 0
        piece.append(item)
        size += len(item)
    if piece:
        yield piece


def size_of(key: bytes) -> tuple[int, int]:
    """The revision that a piece belongs to, and its bytes."""
    _, revision, _, size = key.split(b"/")
    return int(revision), int(size)


async def read(store: Store, first: int, last: int) -> dict[int, list[bytes]]:
    """
    The pieces of the revisions from C{first} to C{last}, as far as they are there.

    @raise fiberlb.store.interface.Unavailable: nothing could be read.
    """
    found: dict[int, list[bytes]] = {}
    before, end = past_prefix(last + 1), past_prefix(first)
    while True:
        page = await store.page(PAST, before=before, limit=PAGE)
        for key, value in page:
            if key < end:
                return found
            found.setdefault(size_of(key)[0], []).append(value)
        if len(page) < PAGE:
            return found
        before = page[-1][0]


def versions(pieces: Iterable[bytes], keyring: Keyring) -> list[Version]:
    """
    What one revision did, in its order.

    @param pieces: of the revision, the last one first, as of L{read}.
    @raise fiberlb.control.records.Unreadable: damaged, or sealed with a key that is not there.
    """
    items = [item for piece in reversed(list(pieces)) for item in unpacked(piece)]
    return [
        Version(*(_record(item["object"], item[side], keyring) for side in ("before", "after")))
        for item in items
    ]


def _record(name: str, document: Any, keyring: Keyring) -> Record | None:
    collection, ident = name.split("/")
    return None if document is None else understood(collection, ident, document, keyring)


def unwound(
    records: Records, pieces: Iterable[bytes], keyring: Keyring, newest_keys: bool = True
) -> Records:
    """
    The objects as they were before some revisions.

    @param records: after them.
    @param pieces: of all of the revisions, the newest first.
    @param newest_keys: certificates keep the newest material that is known of each (product
        page, decision 11).
    @raise fiberlb.control.records.Unreadable: as of L{versions}.
    """
    # The one read last counts: it is of the oldest revision.
    oldest: dict[str, Any] = {}
    material: dict[str, list[Any]] = {}
    for piece in pieces:
        for item in unpacked(piece):
            oldest[item["object"]] = item["before"]
            if item["object"].startswith(Certificate.COLLECTION) and item["before"] is not None:
                material.setdefault(item["object"], []).append(item["before"])
    put, gone = [], []
    for name, document in oldest.items():
        collection, ident = name.split("/")
        record = _record(name, document, keyring)
        if record is None:
            gone.append((collection, ident))
            continue
        if newest_keys and isinstance(record.made, Certificate):
            now = records[collection].get(ident)
            known = [] if now is None else [now]
            known += [understood(collection, ident, d, keyring) for d in material[name]]
            record = _with_material(record, known)
        put.append(record)
    return altered(records, put, gone)


def _with_material(record: Record, known: Iterable[Record]) -> Record:
    """The record of a certificate with the first material that is of its kind."""
    made = record.made
    assert isinstance(made, Certificate)
    for other in known:
        new = other.made
        assert isinstance(new, Certificate)
        if made.acme is None and new.acme is None and new.cert_type is made.cert_type:
            kept = {name: getattr(new, name) for name in MATERIAL}
            return attrs.evolve(record, made=attrs.evolve(made, **kept))
    return record
