"""Commits to an etcd, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fiberlb.store.etcd.documents import (
    Keyspace,
    deleting,
    number,
    packed,
    pairs,
    putting,
    ranged,
    reading,
    unchanged,
)
from fiberlb.store.etcd.large import Large, fits, unheld
from fiberlb.store.etcd.reading import explained
from fiberlb.store.etcd.writer import Writer
from fiberlb.store.interface import Conflict
from fiberlb.turns import Turns

Puts = Mapping[bytes, bytes | None]


class Commits:
    """
    The commits of one process.

    @param make_id: gives texts that are unlike any other.
    """

    def __init__(
        self, keys: Keyspace, writer: Writer, large: Large, make_id: Callable[[], str]
    ) -> None:
        self._keys = keys
        self._writer = writer
        self._large = large
        self._make_id = make_id
        self._lock = Turns()

    async def commit(self, expect: Mapping[bytes, int], puts: Puts) -> int:
        """As of L{Store.commit <fiberlb.store.interface.Store.commit>}."""
        await self._lock.acquire()
        try:
            with explained():
                if fits(expect, puts):
                    return await self._small(expect, puts)
                return await self._large.commit(expect, puts, self._make_id())
        finally:
            self._lock.release()

    async def settled(self) -> None:
        """Returns when what was asked for before is done."""
        await self._lock.acquire()
        self._lock.release()

    async def _small(self, expect: Mapping[bytes, int], puts: Puts) -> int:
        """
        In one transaction.

        A value that was moved to its place is not at the revision of the etcd that wrote it; that
        shows in a transaction that fails, and is tried once more as it is.
        """
        pending = self._keys.pending
        entries = {key: self._keys.entry(key) for key in expect}
        writes = [
            deleting(self._keys.entry(key))
            if value is None
            else putting(self._keys.entry(key), packed(value))
            for key, value in puts.items()
        ]
        seen = dict(expect)
        while True:
            outcome = await self._writer.transact(
                [unchanged(pending, 0), *(unchanged(entries[key], seen[key]) for key in expect)],
                writes,
                [reading(ranged(key)) for key in (pending, *entries.values())],
            )
            if outcome.done:
                return outcome.revision
            waiting, *answers = outcome.answers
            for other in pairs(waiting):
                await self._large.finish(other)
            found = dict(zip(expect, answers, strict=True))
            failed = unheld(found, expect)
            if failed and not pairs(waiting):
                raise Conflict(outcome.revision, failed)
            seen = {key: _changed(pairs(answer)) for key, answer in found.items()}


def _changed(several: list[Mapping[str, object]]) -> int:
    return number(several[0], "mod_revision") if several else 0
