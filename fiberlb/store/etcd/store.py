"""The store in an etcd."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from fiberlb.model.store import EtcdSettings
from fiberlb.store.election import Candidate, leader_key
from fiberlb.store.engine import check_commit
from fiberlb.store.etcd.commits import Commits
from fiberlb.store.etcd.documents import Keyspace
from fiberlb.store.etcd.gateway import Gateway, Refusal, Silent
from fiberlb.store.etcd.large import Large
from fiberlb.store.etcd.leases import EtcdLease
from fiberlb.store.etcd.listening import Listening
from fiberlb.store.etcd.reading import Reader
from fiberlb.store.etcd.writer import Writer
from fiberlb.store.interface import Election, Entry, Health, OnRevision, StoreError, Unavailable


class EtcdStore:
    """
    A L{Store <fiberlb.store.interface.Store>} that many nodes share. Making it asks nobody.

    Store revisions are those of the etcd, which others count up too.

    @param reactor: speaks to the etcd, and keeps the time of that.
    @param clock: ends leases, and brings the watches their news.
    @param now: seconds since the epoch.
    @param make_id: gives texts that are unlike any other.
    @raise Unusable: the settings' certificates cannot be read.
    """

    _log = Logger()

    def __init__(
        self,
        settings: EtcdSettings,
        reactor: Any,
        clock: IReactorTime,
        now: Callable[[], float],
        make_id: Callable[[], str],
    ) -> None:
        keys = Keyspace(settings.prefix.encode())
        self._gateway = Gateway(reactor, settings)
        self._keys = keys
        self._clock = clock
        self._writer = Writer(self._gateway, keys, make_id())
        large = Large(self._gateway, keys, self._writer, now)
        self._reader = Reader(self._gateway, keys, large.finish)
        self._commits = Commits(keys, self._writer, large, make_id)
        self._listening = Listening(self._gateway, keys, large, clock)
        self._candidates: list[Candidate] = []
        self._closed = False

    async def load(self, prefix: bytes = b"") -> tuple[int, dict[bytes, Entry]]:
        """Everything below C{prefix}, as of one revision."""
        self._check()
        return await self._reader.load(prefix)

    async def keys(self, prefix: bytes = b"") -> tuple[int, dict[bytes, int]]:
        """The keys below C{prefix} and what last changed each, which their values say."""
        at, entries = await self.load(prefix)
        return at, {key: entry[1] for key, entry in entries.items()}

    async def page(
        self, prefix: bytes, *, before: bytes | None = None, limit: int = 100
    ) -> list[tuple[bytes, bytes]]:
        """The last keys below C{prefix}, the highest first."""
        if limit < 1:
            raise ValueError("a page has at least one key")
        self._check()
        return await self._reader.page(prefix, before, limit)

    async def commit(self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None]) -> int:
        """Compare and set; on the disks of most members once answered."""
        check_commit(expect, puts)
        self._check()
        expect, puts = dict(expect), dict(puts)
        self._listening.hold()
        try:
            return await self._commits.commit(expect, puts)
        finally:
            self._listening.go_on()

    async def prune(self, prefix: bytes, keep: int) -> int:
        """Delete all but the highest keys below C{prefix}."""
        self._check()
        names = await self._reader.names(prefix)
        old = names[: max(0, len(names) - max(0, keep))]
        if old:
            await self.commit({}, dict.fromkeys(old))
        return len(old)

    def watch(
        self, from_rev: int, on_revision: OnRevision, on_reset: Callable[[], None]
    ) -> Callable[[], None]:
        """Hear of every revision after C{from_rev}, also when the etcd is away at first."""
        if self._closed:
            return lambda: None
        return self._listening.watch(from_rev, on_revision, on_reset).stop

    def lead(self, name: str, ident: str, ttl: float) -> Election:
        """Stand for a leadership."""
        key = leader_key(name)
        lease = EtcdLease(self._gateway, self._keys, key, ident.encode(), ttl)
        made = Candidate(lease, self._clock, key=key, ttl=ttl, changed=lambda: None)
        self._candidates.append(made)
        return made

    async def health(self) -> Health:
        """Whether the etcd answers now, and has a leader."""
        try:
            self._check()
            return Health(True, "", await self._reader.revision())
        except StoreError as error:
            return Health(False, str(error), 0)

    async def close(self) -> None:
        """Hand everything back and let go."""
        if self._closed:
            return
        self._closed = True
        self._listening.stop()
        for candidate in self._candidates:
            await candidate.resign()
        await self._commits.settled()
        try:
            await self._writer.forget()
        except (Silent, Refusal) as error:
            self._log.warn("The store did not close well: {why}", why=str(error))
        await self._gateway.close()

    def _check(self) -> None:
        if self._closed:
            raise Unavailable("the store is closed")
