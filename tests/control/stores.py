"""A store that fails when it is told to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twisted.internet.task import Clock

from fiberlb.store.interface import Entry, StoreError
from fiberlb.store.memory import MemoryStore


class FailingStore(MemoryStore):
    """
    A store in memory.

    @ivar before: raised by the next commits, which write nothing.
    @ivar after: raised by the next commits, which are written nevertheless.
    @ivar loading: raised by the next loads.
    @ivar meanwhile: called before the next commits, such as to commit something else.
    @ivar pruned: what was asked of C{prune}.
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.before: list[StoreError] = []
        self.after: list[StoreError] = []
        self.loading: list[StoreError] = []
        self.meanwhile: list[Callable[[], None]] = []
        self.pruned: list[tuple[bytes, int]] = []

    async def commit(self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None]) -> int:
        """Fail, or write, or both."""
        if self.meanwhile:
            self.meanwhile.pop(0)()
        if self.before:
            raise self.before.pop(0)
        revision = await super().commit(expect, puts)
        if self.after:
            raise self.after.pop(0)
        return revision

    async def load(self, prefix: bytes = b"") -> tuple[int, dict[bytes, Entry]]:
        """Fail, or read."""
        if self.loading:
            raise self.loading.pop(0)
        return await super().load(prefix)

    async def prune(self, prefix: bytes, keep: int) -> int:
        """Note it."""
        self.pruned.append((prefix, keep))
        return await super().prune(prefix, keep)
