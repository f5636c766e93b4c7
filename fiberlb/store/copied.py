"""
A store that others share, and that may be away: its last content is kept on this node's disk.

While the store was not reached since the start, the copy is what is read; what is written is
refused. Watches go on from the copy as soon as the store is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.store.copy_file import Copy, CopyFile
from fiberlb.store.interface import (
    LEADER_PREFIX,
    Changes,
    Election,
    Entry,
    Health,
    OnRevision,
    Standing,
    Store,
    StoreError,
    Unavailable,
    Unusable,
)

#: Seconds between two looks at whether the store is there.
LOOK = 2.0
#: Seconds between a change and its place in the copy; others may follow.
SETTLE = 1.0
#: Seconds before what reads everything anew does so, while the store cannot be read.
AGAIN = 5.0


class Aside(Protocol):
    """Does work that blocks."""

    def __call__(self, work: Callable[[], Any]) -> Deferred[Any]:
        """The result of C{work}."""


class CopiedStore:
    """
    A L{Store <fiberlb.store.interface.Store>} over another one, to be opened.

    @param wall: seconds since the epoch.
    """

    _log = Logger()

    def __init__(
        self,
        store: Store,
        file: CopyFile,
        clock: IReactorTime,
        wall: Callable[[], float],
        aside: Aside,
    ) -> None:
        self._store = store
        self._file = file
        self._clock = clock
        self._wall = wall
        self._aside = aside
        self._at = 0
        self._entries: dict[bytes, Entry] = {}
        self._reached = False
        self._wrote = False
        self._closed = False
        self.standing = Standing()
        self._stop: Callable[[], None] = lambda: None
        self._writing: IDelayedCall | None = None
        self._later: set[IDelayedCall] = set()
        self._looking = LoopingCall(self._look)
        self._looking.clock = clock

    async def open(self) -> None:
        """
        Read the store, or else the copy.

        @raise Unavailable: neither can be read.
        """
        copy = await self._aside(self._file.read)
        if copy is not None:
            self._at, self._entries = copy.revision, dict(copy.entries)
        try:
            await self._renew()
        except Unusable:
            raise
        except StoreError as why:
            if copy is None:
                detail = f"{why}; there is no copy of it in {self._file.path} to serve from"
                raise Unavailable(detail) from None
            self._gone(str(why))
            text = "The store cannot be read; what it held at revision {at} is served from {path}"
            self._log.warn(text, at=self._at, path=self._file.path)
        self._follow()
        self._looking.start(LOOK, now=False).addErrback(
            lambda why: self._log.failure("Looking at the store broke", why)
        )

    # The store.

    async def load(self, prefix: bytes = b"") -> tuple[int, dict[bytes, Entry]]:
        """Everything below C{prefix}; that of the copy before the store was reached."""
        if not self._reached:
            return self._copied(prefix)
        try:
            at, entries = await self._store.load(prefix)
        except StoreError as why:
            if self._wrote:
                raise
            # A start that is under way goes on; there is no commit whose fate this could hide.
            self._gone(str(why))
            return self._copied(prefix)
        if not entries and self._entries:
            await self._check(prefix)
        return at, entries

    def _copied(self, prefix: bytes) -> tuple[int, dict[bytes, Entry]]:
        below = {k: e for k, e in sorted(self._entries.items()) if k.startswith(prefix)}
        return self._at, below

    async def keys(self, prefix: bytes = b"") -> tuple[int, dict[bytes, int]]:
        """As L{load}, without the values."""
        if self._reached:
            return await self._store.keys(prefix)
        at, entries = await self.load(prefix)
        return at, {key: entry[1] for key, entry in entries.items()}

    async def page(
        self, prefix: bytes, *, before: bytes | None = None, limit: int = 100
    ) -> list[tuple[bytes, bytes]]:
        """The last keys below C{prefix}; those of the copy before the store was reached."""
        if self._reached:
            return await self._store.page(prefix, before=before, limit=limit)
        _, entries = await self.load(prefix)
        names = [key for key in entries if before is None or key < before]
        return [(key, entries[key][0]) for key in reversed(names[-limit:])]

    async def commit(self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None]) -> int:
        """Compare and set; refused at once while the store is known to be away."""
        self._refuse()
        self._wrote = True
        return await self._store.commit(expect, puts)

    async def prune(self, prefix: bytes, keep: int) -> int:
        """Delete all but the highest keys below C{prefix}."""
        self._refuse()
        return await self._store.prune(prefix, keep)

    def watch(
        self, from_rev: int, on_revision: OnRevision, on_reset: Callable[[], None]
    ) -> Callable[[], None]:
        """Hear of every revision after C{from_rev}, once the store is there."""
        stopped: list[bool] = []

        def reset() -> None:
            if not stopped:
                on_reset()

        stop = self._store.watch(from_rev, on_revision, lambda: self._in_time(reset))

        def stop_both() -> None:
            stopped.append(True)
            stop()

        return stop_both

    def lead(self, name: str, ident: str, ttl: float) -> Election:
        """Stand for a leadership; none is won while the store is away."""
        return self._store.lead(name, ident, ttl)

    async def health(self) -> Health:
        """Whether the store answers now."""
        return await self._store.health()

    async def close(self) -> None:
        """Write what is not in the copy yet, and let go."""
        if self._closed:
            return
        self._closed = True
        self._stop()
        if self._looking.running:
            self._looking.stop()
        for call in self._later:
            call.cancel()
        if self._writing is not None and self._writing.active():
            self._writing.cancel()
            await self._write()
        await self._store.close()

    # Whether it is there.

    async def _look(self) -> None:
        health = await self._store.health()
        if self._closed:
            return
        if not health.usable:
            self._gone(health.detail)
        elif not self._reached:
            await self._reach()
        elif self.standing.away_since:
            try:
                await self.load()
            except StoreError as why:
                self._gone(str(why))
            else:
                self._back()

    async def _reach(self) -> None:
        """For the first time since the start, if it holds what it should."""
        try:
            await self._renew()
        except StoreError as why:
            self._gone(str(why))
        else:
            self._back()

    async def _renew(self) -> None:
        """Have the copy that the store is now."""
        at, entries = await self._store.load()
        if not entries and self._entries:
            await self._check(b"")
        self._reached = True
        self._at, self._entries = at, _kept(entries)
        self._changed()

    async def _check(self, prefix: bytes) -> None:
        """A store that has lost everything must not take everything from who serves."""
        if prefix and await self._store.page(b"", limit=1):
            return
        detail = (
            f"it is empty, and held {len(self._entries)} entries before: restore it from a backup;"
            f" to begin anew, delete {self._file.path} on every node and start them again"
        )
        self._gone(detail)
        raise Unavailable(detail)

    def _gone(self, detail: str) -> None:
        if not self.standing.away_since:
            self._log.error("The store is away: {why}; what is in force serves on", why=detail)
        since = self.standing.away_since or self._wall()
        self.standing = Standing(since, detail, not self._reached)

    def _back(self) -> None:
        if self.standing.away_since:
            self._log.info("The store is there again")
        self.standing = Standing()

    def _refuse(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")
        if self.standing.away_since:
            raise Unavailable(self.standing.detail)

    # The copy.

    def _follow(self) -> None:
        self._stop()
        self._stop = self.watch(self._at, self._heard, self._anew)

    def _heard(self, at: int, changes: Changes) -> None:
        if at <= self._at:
            return
        self._at = at
        for key, value in changes:
            if key.startswith(LEADER_PREFIX):
                continue
            if value is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = (value, at)
        self._changed()

    def _anew(self) -> None:
        async def work() -> None:
            try:
                await self._renew()
            except StoreError as why:
                self._gone(str(why))
            self._follow()

        if not self._closed:
            Deferred.fromCoroutine(work()).addErrback(
                lambda why: self._log.failure("The copy of the store is not kept", why)
            )

    def _changed(self) -> None:
        if self._writing is None or not self._writing.active():
            self._writing = self._clock.callLater(SETTLE, self._begin)

    def _begin(self) -> None:
        Deferred.fromCoroutine(self._write()).addErrback(
            lambda why: self._log.failure("The copy of the store is not kept", why)
        )

    async def _write(self) -> None:
        copy = Copy(self._at, dict(self._entries))
        try:
            await self._aside(lambda: self._file.write(copy))
        except OSError as why:
            text = "The copy of the store is not written: {why}"
            self._log.error(text, why=f"{self._file.path}: {why.strerror}")

    def _in_time(self, work: Callable[[], None]) -> None:
        """At once, or later, where trying again and again would be all that comes of it."""
        if not self.standing.away_since:
            work()
            return

        def run() -> None:
            self._later.discard(call)
            work()

        call = self._clock.callLater(AGAIN, run)
        self._later.add(call)


def _kept(entries: Mapping[bytes, Entry]) -> dict[bytes, Entry]:
    """Without who leads, which is of the moment."""
    return {k: entry for k, entry in entries.items() if not k.startswith(LEADER_PREFIX)}


def standing_of(store: Store) -> Standing:
    """How it stands with a store; one of this machine is there."""
    return store.standing if isinstance(store, CopiedStore) else Standing()
