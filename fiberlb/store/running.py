"""A store made of an engine: where its calls run, who hears of what, and the orderly end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.store.election import Candidate, EngineLease, leader_key
from fiberlb.store.engine import Engine, Runner, check_commit
from fiberlb.store.interface import Election, Entry, Health, OnRevision, StoreError, Unavailable
from fiberlb.store.watching import Watch

T = TypeVar("T")


class EngineStore:
    """
    A L{Store <fiberlb.store.interface.Store>} over one engine.

    @param poll: seconds between looks for what other processes wrote, while somebody watches;
        C{None}: there are no others.
    """

    _log = Logger()

    def __init__(
        self, engine: Engine, runner: Runner, clock: IReactorTime, poll: float | None = None
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._clock = clock
        self._poll = poll
        self._watches: list[Watch] = []
        self._candidates: list[Candidate] = []
        self._stirring: IDelayedCall | None = None
        self._closed = False
        self._away = False
        self._polling = LoopingCall(self._look)
        self._polling.clock = clock

    async def load(self, prefix: bytes = b"") -> tuple[int, dict[bytes, Entry]]:
        """Everything below C{prefix}, as of one revision."""
        return await self._run(lambda: self._engine.load(prefix))

    async def keys(self, prefix: bytes = b"") -> tuple[int, dict[bytes, int]]:
        """The keys below C{prefix} and what last changed each."""
        return await self._run(lambda: self._engine.keys(prefix))

    async def page(
        self, prefix: bytes, *, before: bytes | None = None, limit: int = 100
    ) -> list[tuple[bytes, bytes]]:
        """The last keys below C{prefix}, the highest first."""
        if limit < 1:
            raise ValueError("a page has at least one key")
        return await self._run(lambda: self._engine.page(prefix, before, limit))

    async def commit(self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None]) -> int:
        """Compare and set; durable once answered."""
        # What the caller does to its mappings afterwards is not part of this commit.
        expect, puts = dict(expect), dict(puts)
        now = self._clock.seconds()

        def job() -> int:
            # Here, for there may be very many.
            check_commit(expect, puts)
            return self._engine.commit(expect, puts, now)

        try:
            return await self._run(job)
        finally:
            self._stir()

    async def prune(self, prefix: bytes, keep: int) -> int:
        """Delete all but the highest keys below C{prefix}."""
        now = self._clock.seconds()
        try:
            return await self._run(lambda: self._engine.prune(prefix, max(0, keep), now))
        finally:
            self._stir()

    def watch(
        self, from_rev: int, on_revision: OnRevision, on_reset: Callable[[], None]
    ) -> Callable[[], None]:
        """Hear of every revision after C{from_rev}."""
        watch = Watch(from_rev, on_revision, on_reset, self._engine, self._runner)
        if self._closed:
            return watch.stop
        self._watches.append(watch)
        if self._poll is not None and not self._polling.running:
            self._polling.start(self._poll, now=False).addErrback(
                lambda why: self._log.failure("Looking for changes broke", why)
            )
        self._stir()
        return watch.stop

    def lead(self, name: str, ident: str, ttl: float) -> Election:
        """Stand for a leadership."""
        key = leader_key(name)
        lease = EngineLease(self._engine, self._runner, key, ident.encode(), ttl)
        candidate = Candidate(lease, self._clock, key=key, ttl=ttl, changed=self._stir)
        self._candidates.append(candidate)
        return candidate

    async def health(self) -> Health:
        """Whether the store answers now."""
        try:
            return Health(True, "", await self._run(self._engine.revision))
        except StoreError as error:
            return Health(False, str(error), 0)

    async def close(self) -> None:
        """Hand everything back and let go."""
        if self._closed:
            return
        self._closed = True
        for watch in self._watches:
            watch.stop()
        if self._polling.running:
            self._polling.stop()
        if self._stirring is not None and self._stirring.active():
            self._stirring.cancel()
        for candidate in self._candidates:
            await candidate.resign()
        try:
            await self._runner.run(self._engine.close)
        except StoreError as error:
            self._log.warn("The store did not close well: {why}", why=str(error))
        await self._runner.stop()

    async def _run(self, job: Callable[[], T]) -> T:
        if self._closed:
            raise Unavailable("the store is closed")
        return await self._runner.run(job)

    def _stir(self) -> None:
        # Later, so that whoever wrote has its answer before its watches hear of it.
        pending = self._stirring is not None and self._stirring.active()
        if self._watches and not pending and not self._closed:
            self._stirring = self._clock.callLater(0, self._wake)

    def _wake(self) -> None:
        self._watches = [watch for watch in self._watches if watch.active]
        for watch in tuple(self._watches):
            watch.wake()
        if not self._watches and self._polling.running:
            self._polling.stop()

    async def _look(self) -> None:
        try:
            disturbed = await self._run(self._engine.disturbed)
        except StoreError as error:
            if not self._away and not self._closed:
                self._log.error("The store cannot be read: {why}", why=str(error))
            self._away = True
            return
        behind = any(watch.behind for watch in self._watches)
        if (disturbed or behind or self._away) and not self._closed:
            self._wake()
        self._away = False
