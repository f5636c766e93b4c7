"""
What an engine does, one blocking call at a time.

L{fiberlb.store.running.EngineStore} makes a L{Store <fiberlb.store.interface.Store>} of one: it
decides where the calls run, who is told, and when. An engine therefore knows no reactor and no
thread, and is called by one caller at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

import attrs
from twisted.internet.defer import Deferred

from fiberlb.store.interface import (
    COMMIT_LIMIT,
    KEY_LIMIT,
    LEADER_PREFIX,
    Changes,
    Entry,
    TooLarge,
)

T = TypeVar("T")


@attrs.frozen
class Kept:
    """
    How much of the past is kept for watches that start late; the newest revision always is, unless
    it is larger than an engine keeps at all.

    @ivar revisions: at most so many.
    @ivar size: their keys and values, in bytes.
    """

    revisions: int = 1000
    size: int = 32 * 1024 * 1024


KEPT = Kept()


class Engine(Protocol):
    """
    The blocking half of a store. Errors are those of L{Store <fiberlb.store.interface.Store>}.

    C{now} is always the wall clock in seconds: leases whose end is not after it are gone before
    the call looks at anything.
    """

    def revision(self) -> int:
        """The store revision."""

    def load(self, prefix: bytes) -> tuple[int, dict[bytes, Entry]]:
        """As of L{Store.load <fiberlb.store.interface.Store.load>}."""

    def keys(self, prefix: bytes) -> tuple[int, dict[bytes, int]]:
        """As of L{Store.keys <fiberlb.store.interface.Store.keys>}."""

    def page(self, prefix: bytes, before: bytes | None, limit: int) -> list[tuple[bytes, bytes]]:
        """As of L{Store.page <fiberlb.store.interface.Store.page>}."""

    def commit(
        self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None], now: float
    ) -> int:
        """As of L{Store.commit <fiberlb.store.interface.Store.commit>}; the arguments were
        checked."""

    def prune(self, prefix: bytes, keep: int, now: float) -> int:
        """As of L{Store.prune <fiberlb.store.interface.Store.prune>}."""

    def since(self, revision: int, most: int) -> list[tuple[int, Changes]] | None:
        """The first revisions after C{revision}, about C{most} of them; C{None} when some of them
        are no longer kept."""

    def disturbed(self) -> bool:
        """Whether another process wrote since the last call."""

    def take(self, key: bytes, value: bytes, now: float, ttl: float) -> int | None:
        """Create the leased key, to end at C{now + ttl}; its C{mod_rev}, C{None} if it exists."""

    def renew(self, key: bytes, mod_rev: int, now: float, ttl: float) -> bool:
        """Move the end of that very lease; false when it is gone. No new revision."""

    def release(self, key: bytes, mod_rev: int, now: float) -> None:
        """Delete that very leased key, if it still exists."""

    def close(self) -> None:
        """Let go of everything."""


class Runner(Protocol):
    """Where an engine's calls run, one after the other in the order they were asked for."""

    def run(self, job: Callable[[], T]) -> Deferred[T]:
        """
        Run C{job}.

        @return: its result or what it raised; L{Unavailable
            <fiberlb.store.interface.Unavailable>} once stopped.
        """

    def stop(self) -> Deferred[None]:
        """Run what was asked for, then nothing more; fires when all is over."""


def end_of(prefix: bytes) -> bytes | None:
    """The first key after all those below C{prefix}; C{None} when there is no such key."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else None


def check_commit(expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None]) -> None:
    """
    Refuse what no engine takes.

    @raise ValueError: a key is empty, too long, or the store's own.
    @raise TooLarge: it is.
    """
    for key in (*expect, *puts):
        if not 0 < len(key) <= KEY_LIMIT:
            raise ValueError(f"a key of {len(key)} bytes: 1 to {KEY_LIMIT} are allowed")
    for key in puts:
        if key.startswith(LEADER_PREFIX):
            raise ValueError(f"{key!r} is the store's own")
    size = size_of(puts.items())
    if size > COMMIT_LIMIT:
        raise TooLarge(size, COMMIT_LIMIT)


def size_of(changes: Iterable[tuple[bytes, bytes | None]]) -> int:
    """Keys and values added up, in bytes."""
    return sum(len(key) + len(value or b"") for key, value in changes)
