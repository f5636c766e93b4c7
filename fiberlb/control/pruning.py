"""What of the history is thrown away: by number, by age, and by what it takes."""

from __future__ import annotations

from collections.abc import Sequence

from fiberlb.control.history import REVISIONS
from fiberlb.control.packing import unpacked
from fiberlb.control.past import PAST, size_of
from fiberlb.store.interface import Store

#: Entries that are looked at for their age in one go; the next go finds the others.
LOOK = 64


async def prune(store: Store, count: int, size: int, since: str) -> None:
    """
    Throw away all but the newest revisions.

    @param count: how many stay.
    @param size: bytes of what they changed; revisions beyond it stay as entries only.
    @param since: RFC 3339 in UTC; older ones go. The newest one stays in any case.
    @raise fiberlb.store.interface.StoreError: it is left for the next time.
    """
    _, entries = await store.keys(REVISIONS)
    kept = sorted(entries)[-count:]
    kept = kept[await _aged(store, kept[:-1], since) :]
    gone = set(entries) - set(kept)
    first = _number(kept[0]) if kept else 0
    _, pieces = await store.keys(PAST)
    left = size
    for key in sorted(pieces, reverse=True):
        revision, taken = size_of(key)
        left -= taken
        if left < 0 or revision < first:
            gone.add(key)
    if gone:
        await store.commit({}, dict.fromkeys(gone))


async def _aged(store: Store, keys: Sequence[bytes], since: str) -> int:
    """How many of the first ones are too old."""
    for index, key in enumerate(keys[:LOOK]):
        _, found = await store.load(key)
        if key in found and not _older(found[key][0], since):
            return index
    return min(LOOK, len(keys))


def _older(value: bytes, since: str) -> bool:
    try:
        return str(unpacked(value)["at"]) < since
    except (ValueError, KeyError, TypeError):
        return True


def _number(key: bytes) -> int:
    return int(key[len(REVISIONS) :])
