"""
What objects were before and after each revision, so that any of them can be looked at and restored.

Written in the commit it tells of, as lists of what L{fiberlb.control.sheets} describes, where the
documents are those of L{fiberlb.control.records}, secrets sealed. A list is cut into pieces, for
stores bound the size of one value. Key: C{past/<n, zero padded>/<piece>/<bytes>}, so that what the
past takes is known without reading it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import attrs

from fiberlb.control.layer import Records, altered
from fiberlb.control.packing import packed
from fiberlb.control.records import Record, understood
from fiberlb.control.sheets import element, items
from fiberlb.model.certificate import Certificate
from fiberlb.model.convert import secret_fields
from fiberlb.store.interface import Store
from fiberlb.store.sealed import Keyring

PAST = b"past/"
#: Bytes of a piece; an object that is larger has one of its own.
PIECE = 256 * 1024
#: Objects that are described together at most, and from which on they have a piece of their own.
MOST, MANY = 500, 100
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


@attrs.frozen
class Piece:
    """
    Some of what a revision did.

    @ivar value: as it is stored.
    @ivar all_new: it made these objects, which are alike and many, and did nothing else.
    """

    value: bytes
    versions: Sequence[Version]
    all_new: bool = False


def pieces_of(versions: Iterable[Version], encode: Encode) -> Iterator[Piece]:
    """What a revision did, in pieces."""
    texts: list[bytes] = []
    several: list[Version] = []
    size = 0
    for some, text in _described(versions, encode):
        if texts and (size + len(text) > PIECE or len(some) >= MANY):
            yield _piece(texts, several)
            texts, several, size = [], [], 0
        if len(some) >= MANY:
            yield _piece([text], some, some[0].before is None)
            continue
        texts.append(text)
        several += some
        size += len(text)
    if texts:
        yield _piece(texts, several)


def _piece(texts: Iterable[bytes], versions: Sequence[Version], all_new: bool = False) -> Piece:
    return Piece(packed(b"[" + b",".join(texts) + b"]"), versions, all_new)


def _described(
    versions: Iterable[Version], encode: Encode
) -> Iterator[tuple[Sequence[Version], bytes]]:
    """Versions that can be described together, and the text of them."""
    for (cls, *_), group in groupby(versions, _sort):
        same = list(group)
        if len(same) == 1 or secret_fields(cls):
            for one in same:
                yield [one], _item(one, encode)
            continue
        for start in range(0, len(same), MOST):
            yield from _fitting(same[start : start + MOST])


def _sort(version: Version) -> tuple[Any, ...]:
    """What versions have in common that are described together."""
    before, after = version.before, version.after
    cls = type((after or before).made)  # type: ignore[union-attr]
    return cls, before and before.meta, after and after.meta


def _fitting(same: Sequence[Version]) -> Iterator[tuple[Sequence[Version], bytes]]:
    """In halves, until each is small enough."""
    before = [one.before for one in same if one.before is not None]
    text = element(before, [one.after for one in same if one.after is not None])
    if len(text) <= PIECE or len(same) == 1:
        yield same, text
        return
    middle = len(same) // 2
    yield from _fitting(same[:middle])
    yield from _fitting(same[middle:])


def written(revision: int, pieces: Iterable[Piece]) -> dict[bytes, bytes]:
    """The pieces of a revision, by their keys."""
    several = enumerate(piece.value for piece in pieces)
    start = past_prefix(revision)
    return {start + f"{index:04d}/{len(value)}".encode(): value for index, value in several}


def _item(version: Version, encode: Encode) -> bytes:
    before, after = version.before, version.after
    name = "/".join(version.key).encode()  # an id, which needs no quoting
    old = b"null" if before is None else encode(before)
    return b'{"object":"%b","before":%b,"after":%b}' % (
        name,
        old,
        b"null" if after is None else encode(after),
    )


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
    return [
        Version(*(_record(collection, ident, each, keyring) for each in (before, after)))
        for piece in reversed(list(pieces))
        for collection, ident, before, after in items(piece)
    ]


def _record(collection: str, ident: str, document: Any, keyring: Keyring) -> Record | None:
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
    oldest: dict[tuple[str, str], Any] = {}
    material: dict[str, list[Any]] = {}
    for piece in pieces:
        for collection, ident, before, _ in items(piece):
            oldest[collection, ident] = before
            if collection == Certificate.COLLECTION and before is not None:
                material.setdefault(ident, []).append(before)
    put, gone = [], []
    for (collection, ident), document in oldest.items():
        record = _record(collection, ident, document, keyring)
        if record is None:
            gone.append((collection, ident))
            continue
        if newest_keys and isinstance(record.made, Certificate):
            now = records[collection].get(ident)
            known = [] if now is None else [now]
            known += [understood(collection, ident, d, keyring) for d in material[ident]]
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
