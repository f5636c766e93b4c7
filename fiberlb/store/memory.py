"""A store that ends with the process, for C{--from/--to} and for tests."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeVar

from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.interfaces import IReactorTime

from fiberlb.store.engine import KEPT, Kept, size_of
from fiberlb.store.interface import Changes, Conflict, Entry
from fiberlb.store.running import EngineStore

T = TypeVar("T")


class MemoryEngine:
    """Entries in a dictionary, the past in a queue."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._entries: dict[bytes, Entry] = {}
        self._leases: dict[bytes, float] = {}
        self._past: deque[tuple[int, Changes]] = deque()
        self._revision = 0
        self._size = 0

    def revision(self) -> int:
        """The store revision."""
        return self._revision

    def load(self, prefix: bytes) -> tuple[int, dict[bytes, Entry]]:
        """What is below C{prefix}."""
        return self._revision, {key: self._entries[key] for key in self._below(prefix)}

    def keys(self, prefix: bytes) -> tuple[int, dict[bytes, int]]:
        """The C{mod_rev} of what is below C{prefix}."""
        return self._revision, {key: self._entries[key][1] for key in self._below(prefix)}

    def page(self, prefix: bytes, before: bytes | None, limit: int) -> list[tuple[bytes, bytes]]:
        """The highest keys below C{prefix}."""
        keys = [key for key in self._below(prefix) if before is None or key < before]
        return [(key, self._entries[key][0]) for key in reversed(keys[-limit:])]

    def commit(
        self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None], now: float
    ) -> int:
        """Compare and set."""
        self._expire(now)
        entries = self._entries
        failed = {
            key: entries.get(key)
            for key, mod_rev in expect.items()
            if (entries[key][1] if key in entries else 0) != mod_rev
        }
        if failed:
            raise Conflict(self._revision, failed)
        return self._apply(puts)

    def prune(self, prefix: bytes, keep: int, now: float) -> int:
        """Delete the lowest keys."""
        self._expire(now)
        keys = self._below(prefix)
        old = keys[: max(0, len(keys) - keep)]
        self._apply(dict.fromkeys(old))
        return len(old)

    def since(self, revision: int, most: int) -> list[tuple[int, Changes]] | None:
        """The revisions after C{revision}."""
        oldest = self._past[0][0] if self._past else 1
        if revision < oldest - 1 or revision > self._revision:
            return None
        return [item for item in self._past if item[0] > revision][:most]

    def disturbed(self) -> bool:
        """Never: the memory is this process' own."""
        return False

    def take(self, key: bytes, value: bytes, now: float, ttl: float) -> int | None:
        """Create a leased key."""
        self._expire(now)
        if key in self._entries:
            return None
        self._leases[key] = now + ttl
        return self._apply({key: value})

    def renew(self, key: bytes, mod_rev: int, now: float, ttl: float) -> bool:
        """Move the end of a lease."""
        self._expire(now)
        if self._entries.get(key, (b"", 0))[1] != mod_rev:
            return False
        self._leases[key] = now + ttl
        return True

    def release(self, key: bytes, mod_rev: int, now: float) -> None:
        """Delete a leased key."""
        self._expire(now)
        if self._entries.get(key, (b"", 0))[1] == mod_rev:
            del self._leases[key]
            self._apply({key: None})

    def close(self) -> None:
        """Nothing is held."""

    def _below(self, prefix: bytes) -> list[bytes]:
        return sorted(key for key in self._entries if key.startswith(prefix))

    def _expire(self, now: float) -> None:
        over = [key for key, end in self._leases.items() if end <= now]
        for key in over:
            del self._leases[key]
        self._apply(dict.fromkeys(over))

    def _apply(self, puts: Mapping[bytes, bytes | None]) -> int:
        entries = self._entries
        changes = [item for item in puts.items() if item[1] is not None or item[0] in entries]
        if not changes:
            return self._revision
        self._revision += 1
        for key, value in changes:
            if value is None:
                del entries[key]
            else:
                entries[key] = (value, self._revision)
        self._past.append((self._revision, changes))
        self._size += size_of(changes)
        self._forget()
        return self._revision

    def _forget(self) -> None:
        past, kept = self._past, self._kept
        while len(past) > 1 and (len(past) > kept.revisions or self._size > kept.size):
            self._size -= size_of(past.popleft()[1])


class AtOnce:
    """Runs an engine's calls where they are made."""

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        """Has fired when it is returned."""
        return execute(job)

    def stop(self) -> Deferred[None]:
        """Nothing is running."""
        return succeed(None)


class MemoryStore(EngineStore):
    """
    The store C{memory:}. Everything but the calls of watches happens within the call itself.

    @param clock: its C{seconds} ends leases; its C{callLater} brings the watches their news.
    """

    def __init__(self, clock: IReactorTime, kept: Kept = KEPT) -> None:
        super().__init__(MemoryEngine(kept), AtOnce(), clock)
