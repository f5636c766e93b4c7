"""
Changes that are rolled back by themselves unless somebody confirms them in time.

What waits is one document of the store, written in the commit that it is about: it survives the
end of a process, and every node knows of it. Whoever is first, the confirmation or the rollback
of one node, deletes it in its own commit, which expects it to be there: so one of them is done,
once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.control.commits import time_text
from fiberlb.control.operations import Origin
from fiberlb.control.publish import Surroundings
from fiberlb.control.refusals import NothingToConfirm, Refusal, Stopping, StoreAway, Unconfirmed
from fiberlb.control.revisions import Revisions
from fiberlb.control.shield import shielded
from fiberlb.control.writing import Rider
from fiberlb.errors import ConfigurationError
from fiberlb.store.interface import Changes, Conflict, Store, StoreError

#: The key of what waits.
PENDING = b"unconfirmed"
#: Seconds until a rollback that could not be done is tried again.
AGAIN = 5.0

_Ride = tuple[Mapping[bytes, int], Mapping[bytes, bytes | None]]


@attrs.frozen
class Waiting:
    """
    A revision that waits.

    @ivar until: when it is rolled back, seconds since the epoch.
    @ivar author: whose change it is.
    @ivar at: the store revision that wrote this.
    """

    revision: int
    until: float
    author: str
    at: int = 0

    @property
    def sentence(self) -> str:
        """For people."""
        until = time_text(self.until)
        return f"revision {self.revision} is rolled back at {until} unless it is confirmed"


def encode(waiting: Waiting) -> bytes:
    """Its document."""
    return json.dumps(
        {"revision": waiting.revision, "until": waiting.until, "author": waiting.author}
    ).encode()


def decode(value: bytes, at: int) -> Waiting | None:
    """What a document says; C{None}: it is not understood."""
    try:
        found = json.loads(value)
        return Waiting(int(found["revision"]), float(found["until"]), str(found["author"]), at)
    except (ValueError, KeyError, TypeError):
        return None


class Confirming:
    """
    Waits for the confirmation of at most one change, and rolls it back when its time is over.

    @param history: rolls back.
    """

    _log = Logger()

    def __init__(self, store: Store, surroundings: Surroundings, history: Revisions) -> None:
        self._store = store
        self._surroundings = surroundings
        self._history = history
        self._timer: Any = None
        self._rolling = False
        self._stop: Callable[[], None] = lambda: None
        self._stopped = False
        self.waiting: Waiting | None = None

    # -- what others ask

    def asks(self, seconds: float, author: str) -> Rider:
        """
        What goes with a write that is to be confirmed within so many seconds.

        @raise Unconfirmed: another one waits already; by the write.
        """

        async def ride(revision: int) -> _Ride:
            await self._none_waits()
            until = self._surroundings.wall() + seconds
            document = encode(Waiting(revision, until, author))
            return {PENDING: 0}, {PENDING: document}

        return ride

    def minds(self) -> Rider:
        """
        What goes with a write that must not come between a change and its confirmation.

        @raise Unconfirmed: one waits; by the write.
        """

        async def ride(revision: int) -> _Ride:
            await self._none_waits()
            return {PENDING: 0}, {}

        return ride

    def ends(self) -> Rider:
        """What goes with a write after which there is nothing to confirm any more."""

        async def ride(revision: int) -> _Ride:
            waiting = await self._load()
            return ({}, {}) if waiting is None else ({PENDING: waiting.at}, {PENDING: None})

        return ride

    async def known(self) -> Waiting | None:
        """
        What waits, if anything does.

        @raise StoreAway: the store cannot be read.
        """
        return await self._load()

    async def wanted(self, revision: int | None = None) -> Waiting:
        """
        What a confirmation would keep.

        @param revision: only if it is this one.
        @raise NothingToConfirm: nothing waits, or not that one.
        @raise StoreAway: the store cannot be read.
        """
        waiting = await self._load()
        if waiting is None:
            raise NothingToConfirm("no change waits for a confirmation")
        if revision not in (None, waiting.revision):
            raise NothingToConfirm(f"revision {waiting.revision} waits, not {revision}")
        return waiting

    async def confirm(self, revision: int | None = None) -> Waiting:
        """
        Keep what waits.

        @param revision: only if it is this one.
        @raise NothingToConfirm: nothing waits, or not that one.
        @raise StoreAway: it may be rolled back yet.
        """
        waiting = await self.wanted(revision)
        try:
            await self._store.commit({PENDING: waiting.at}, {PENDING: None})
        except Conflict:
            raise NothingToConfirm(f"revision {waiting.revision} waits no longer") from None
        except StoreError as why:
            raise StoreAway(str(why)) from None
        self._set(None)
        return waiting

    async def _none_waits(self) -> None:
        waiting = await self._load()
        if waiting is not None:
            raise Unconfirmed(f"{waiting.sentence}: confirm it or roll back first")

    # -- the life of it

    async def start(self) -> None:
        """
        Go on with what waits.

        @raise StoreAway: the store cannot be read.
        """
        at = await self._look()
        self._stop()
        self._stop = self._store.watch(at, self._heard, self._later)

    def stop(self) -> None:
        """Leave it to others, or to the next process."""
        self._stopped = True
        self._stop()
        self._cancel()

    def _heard(self, at: int, changes: Changes) -> None:
        for key, value in changes:
            if key == PENDING:
                self._set(None if value is None else decode(value, at))

    def _later(self) -> None:
        def failed(why: Any) -> None:
            self._log.warn("what waits for a confirmation is not known: {why}", why=why.value)
            if not self._stopped:
                self._surroundings.reactor.callLater(AGAIN, self._later)

        Deferred.fromCoroutine(self.start()).addErrback(failed)

    async def _look(self) -> int:
        try:
            at, found = await self._store.load(PENDING)
        except StoreError as why:
            raise StoreAway(str(why)) from None
        value = found.get(PENDING)
        self._set(None if value is None else decode(*value))
        return at

    async def _load(self) -> Waiting | None:
        await self._look()
        return self.waiting

    def _set(self, waiting: Waiting | None) -> None:
        if waiting == self.waiting and (waiting is None or self._timer is not None):
            return
        self.waiting = waiting
        self._cancel()
        if waiting is not None and not self._stopped and not self._rolling:
            left = max(0.0, waiting.until - self._surroundings.wall())
            self._arm(left)

    def _arm(self, seconds: float) -> None:
        self._timer = self._surroundings.reactor.callLater(seconds, self._over)

    def _cancel(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None

    # -- its end

    def _over(self) -> None:
        self._timer = None

        def failed(why: Any) -> None:
            self._log.failure("a rollback failed", failure=why)

        if not self._stopped:
            shielded(self._roll_back()).addErrback(failed)

    async def _roll_back(self) -> None:
        if self._rolling:
            return
        self._rolling = True
        again = 0.0
        try:
            waiting = await self._load()
            if waiting is None:
                return
            again = waiting.until - self._surroundings.wall()
            if again <= 0:
                await self._undo(waiting)
        except (StoreAway, Stopping) as why:
            self._log.error("not rolled back yet: {why}", why=str(why))
            again = AGAIN
        finally:
            self._rolling = False
        if again > 0 and not self._stopped:
            self._arm(again)

    async def _undo(self, waiting: Waiting) -> None:
        """Only what it changed, so that others' changes stay; all of them, if that cannot be."""
        number = waiting.revision
        reason = f"revision {number} was not confirmed"
        origin = Origin(waiting.author, "confirm", reason)
        refused: Exception | None = None
        rider = self._taking(waiting)
        for undo in (
            lambda: self._history.undo(number, origin, rider),
            lambda: self._history.rollback(number - 1, origin, newest_keys=False, rider=rider),
        ):
            try:
                outcome = await undo()
            except (StoreAway, Stopping):
                raise
            except _Other:
                return
            except (ConfigurationError, Refusal) as why:
                refused = why
                continue
            self._log.warn(
                "Revision {number} was not confirmed and is rolled back: revision {now}",
                number=number,
                now=outcome.revision,
            )
            await self._settled(waiting)
            return
        self._log.error(
            "Revision {number} was not confirmed and cannot be rolled back: {why}",
            number=number,
            why=str(refused),
        )
        await self._settled(waiting)

    def _taking(self, waiting: Waiting) -> Rider:
        async def ride(revision: int) -> _Ride:
            if await self._load() != waiting:
                raise _Other()
            return {PENDING: waiting.at}, {PENDING: None}

        return ride

    async def _settled(self, waiting: Waiting) -> None:
        """Nothing waits any more, also where there was nothing to roll back."""
        try:
            await self._store.commit({PENDING: waiting.at}, {PENDING: None})
        except Conflict:
            pass  # done with the commit, as a rule
        except StoreError as why:
            raise StoreAway(str(why)) from None
        self._set(None)


class _Other(Exception):
    """Somebody else was faster."""
