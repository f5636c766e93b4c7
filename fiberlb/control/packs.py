"""
Many objects of the store under one key.

Where a write makes very many objects at once, to store each by itself is most of the time that the
write takes. They are stored as the history has them (L{fiberlb.control.sheets}): some hundred of
them are one value. Key: C{packs/<n>/<number>}, after the revision that made the pack.

An object that has a key of its own is what is stored there, whatever a pack says: where few objects
of a pack change, they get such keys, so that a small change stays small. When one is deleted, or
many change, the pack is written again with all that it has left, and those keys are gone. Objects
with secrets stand for themselves always.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from fiberlb.control.packing import packed
from fiberlb.control.records import Record, Unreadable, understood
from fiberlb.control.sheets import element, items
from fiberlb.store.sealed import Keyring

PACKS = b"packs/"
#: Bytes that a pack may grow to, as JSON, before its objects are stored by themselves.
LARGEST = 1024 * 1024

#: Collection and id of an object.
Key = tuple[str, str]
#: The names of packs, and what is in each, in its order.
Packs = Mapping[str, Sequence[Key]]


def pack_key(name: str) -> bytes:
    """The key of a pack."""
    return PACKS + name.encode()


def pack_name(key: bytes) -> str:
    """The inverse of L{pack_key}."""
    return key[len(PACKS) :].decode("utf-8", "backslashreplace")


def new_name(revision: int, number: int) -> str:
    """The name of a pack that a revision makes."""
    return f"{revision:012d}/{number:04d}"


def pack(records: Iterable[Record]) -> bytes | None:
    """The value of a pack of objects, which have no secrets; C{None}: it would be too large."""
    same = groupby(records, lambda record: (type(record.made), record.meta))
    text = b"[" + b",".join([element((), list(group)) for _, group in same]) + b"]"
    return packed(text) if len(text) <= LARGEST else None


def unpack(key: bytes, value: bytes, keyring: Keyring) -> list[Record]:
    """
    The objects of a pack, in its order.

    @raise Unreadable: damaged, or of a newer version.
    """
    return list(_unpack(pack_name(key), value, keyring))


def _unpack(name: str, value: bytes, keyring: Keyring) -> Iterator[Record]:
    try:
        for collection, ident, _, document in items(value):
            if document is not None:
                yield understood(collection, ident, document, keyring)
    except (ValueError, KeyError, TypeError) as why:
        what = type(why).__name__
        raise Unreadable(f"packs/{name} of the store is not understood ({what})") from None
