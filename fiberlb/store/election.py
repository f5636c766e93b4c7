"""A candidate for a leadership: takes a lease, renews it, and knows when it ran out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.store.engine import Engine, Runner
from fiberlb.store.interface import LEADER_PREFIX, NotLeading, StoreError
from fiberlb.turns import Turns

#: Attempts in the time that a lease lasts, so that two may fail before it is lost.
ATTEMPTS = 4


def leader_key(name: str) -> bytes:
    """The key of the leadership called C{name}."""
    return LEADER_PREFIX + name.encode()


class Lease(Protocol):
    """What one candidate has of a leader's key."""

    async def extend(self, held: int | None, lost: bool, now: float) -> int | None:
        """
        Renew the lease, or take a new one when the key is free.

        @param held: the C{mod_rev} of the key while this candidate had it last; C{None}: it has
            not.
        @param lost: the time of that lease is over, as this side counts it.
        @return: the C{mod_rev} of the key that it has now; C{None}: another one has it.
        @raise StoreError: nothing is known.
        """

    async def release(self, held: int, now: float) -> None:
        """
        Delete that very key, if it still exists.

        @raise StoreError: it is left to run out.
        """


class EngineLease:
    """A lease of an engine."""

    def __init__(
        self, engine: Engine, runner: Runner, key: bytes, value: bytes, ttl: float
    ) -> None:
        self._engine = engine
        self._runner = runner
        self._key = key
        self._value = value
        self._ttl = ttl

    async def extend(self, held: int | None, lost: bool, now: float) -> int | None:
        """Renew or take; the engine knows what has run out."""
        engine, key = self._engine, self._key

        def work() -> int | None:
            if held is not None and engine.renew(key, held, now, self._ttl):
                return held
            return engine.take(key, self._value, now, self._ttl)

        return await self._runner.run(work)

    async def release(self, held: int, now: float) -> None:
        """Delete the key."""
        await self._runner.run(lambda: self._engine.release(self._key, held, now))


class Candidate:
    """
    An L{Election <fiberlb.store.interface.Election>} over a lease::

        STANDING --lease taken--> LEADING --not renewed in time, or gone--> STANDING
        both --resigned--> over

    The end of a lease is counted from before it was asked for, so this side gives up first.
    """

    _log = Logger()

    def __init__(
        self,
        lease: Lease,
        clock: IReactorTime,
        *,
        key: bytes,
        ttl: float,
        changed: Callable[[], None],
    ) -> None:
        """
        @param key: of the leader, L{leader_key}.
        @param changed: called when the store was written to.
        """
        self._lease = lease
        self._clock = clock
        self._key = key
        self._ttl = ttl
        self._changed = changed
        self._observers: list[Callable[[bool], None]] = []
        self._mod_rev: int | None = None
        self._end = 0.0
        self._told = False
        self._one_at_a_time = Turns()
        self._loop = LoopingCall(lambda: self._one_at_a_time.run(self._attempt))
        self._loop.clock = clock
        self._timer: IDelayedCall | None = None
        self._loop.start(ttl / ATTEMPTS).addErrback(
            lambda why: self._log.failure("{key}: the candidacy broke", why, key=self._key)
        )

    @property
    def leading(self) -> bool:
        """Whether the lease is held and has not run out."""
        return self._mod_rev is not None and self._clock.seconds() < self._end

    def fence(self) -> Mapping[bytes, int]:
        """What to merge into C{expect}."""
        if self._mod_rev is None or not self.leading:
            raise NotLeading("another one may lead by now")
        return {self._key: self._mod_rev}

    def observe(self, changed: Callable[[bool], None]) -> Callable[[], None]:
        """Call C{changed} at every change."""
        self._observers.append(changed)

        def stop() -> None:
            if changed in self._observers:
                self._observers.remove(changed)

        return stop

    async def resign(self) -> None:
        """Hand the lease back."""
        if self._loop.running:
            self._loop.stop()
        await self._one_at_a_time.run(self._hand_back)

    async def _attempt(self) -> None:
        # A machine that was asleep comes here before its timer: the loss is told first.
        self._tell()
        asked = self._clock.seconds()
        before = self._mod_rev
        try:
            held = await self._lease.extend(before, asked >= self._end, asked)
        except StoreError as error:
            self._log.warn("{key}: cannot be renewed: {why}", key=self._key, why=str(error))
        else:
            if held != before:
                # Another one may have led in between, so even a new lease at once is a loss.
                self._mod_rev = None
                self._tell()
                self._changed()
            self._mod_rev, self._end = held, asked + self._ttl
        self._tell()

    async def _hand_back(self) -> None:
        held, self._mod_rev = self._mod_rev, None
        self._tell()
        if held is None:
            return
        now = self._clock.seconds()
        try:
            await self._lease.release(held, now)
        except StoreError as error:
            self._log.warn("{key}: cannot be handed back: {why}", key=self._key, why=str(error))
        self._changed()

    def _tell(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        leading = self.leading
        if leading:
            self._timer = self._clock.callLater(self._end - self._clock.seconds(), self._tell)
        if leading is self._told:
            return
        self._told = leading
        for changed in tuple(self._observers):
            try:
                changed(leading)
            except Exception:
                self._log.failure("{key}: an observer failed", key=self._key)
