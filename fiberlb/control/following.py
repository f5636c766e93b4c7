"""Following the store: what it holds at the start, and the commits of others since."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import attrs
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.control.force import Force
from fiberlb.control.layer import StoreLayer, advanced, loaded
from fiberlb.control.packs import PACKS
from fiberlb.control.records import CONTENTS, COUNTER, OBJECTS, Unreadable
from fiberlb.control.refusals import StoreAway
from fiberlb.store.interface import Changes, Store, StoreError
from fiberlb.store.sealed import Keyring

#: How often it is read in parts while others write; then all at once, its past included.
ATTEMPTS = 5
#: Does work when nothing else changes the state.
InTurn = Callable[[Callable[[], Coroutine[Deferred[Any], Any, None]]], Deferred[None]]


class Following:
    """
    Keeps the store layer of a L{Force} up to date.

    @param in_turn: makes sure that changes come one after the other.
    """

    _log = Logger()

    def __init__(self, store: Store, keyring: Keyring, force: Force, in_turn: InTurn) -> None:
        self._store = store
        self._keyring = keyring
        self._force = force
        self._in_turn = in_turn
        self._stop: Callable[[], None] = lambda: None
        self._lost = False

    async def load(self) -> StoreLayer:
        """
        The configuration that the store holds now; not its past, which may be much more.

        @raise StoreAway: nothing could be read, or not understood.
        """
        try:
            for _ in range(ATTEMPTS):
                at, before = await self._counter()
                parts = [(await self._store.load(p))[1] for p in (OBJECTS, PACKS, CONTENTS)]
                counter = await self._store.page(COUNTER, before=COUNTER + b"/", limit=1)
                if (await self._counter())[1] == before:
                    # Every commit of configuration changes the counter: none came between.
                    entries = {key: entry for part in parts for key, entry in part.items()}
                    entries.update((key, (value, before)) for key, value in counter)
                    return loaded(at, entries, self._keyring)
            at, entries = await self._store.load()
            return loaded(at, entries, self._keyring)
        except (StoreError, Unreadable) as why:
            raise StoreAway(str(why)) from None

    async def _counter(self) -> tuple[int, int]:
        """The store's revision, and the one that last changed the counter."""
        at, keys = await self._store.keys(COUNTER)
        return at, keys.get(COUNTER, 0)

    def watch(self) -> None:
        """Hear of commits from now on, after the latest layer that is known."""
        self._stop()
        self._stop = self._store.watch(self._force.latest.at, self._heard, self._reset)

    def stop(self) -> None:
        """Hear no more."""
        self._stop()
        self._stop = lambda: None

    async def refresh(self) -> None:
        """
        Read everything again, and put it in force; to be called in turn.

        @raise StoreAway: nothing could be read.
        """
        layer = await self.load()
        self._lost = False
        await self._follow(layer)

    def _heard(self, at: int, changes: Changes) -> None:
        self._later(lambda: self._apply(at, changes))

    def _reset(self) -> None:
        self._later(self._again)

    def _later(self, work: Callable[[], Coroutine[Deferred[Any], Any, None]]) -> None:
        def failed(why: Any) -> None:
            self._log.failure("the store could not be followed", failure=why)

        self._in_turn(work).addErrback(failed)

    async def _apply(self, at: int, changes: Changes) -> None:
        """One revision of the store, in turn."""
        latest = self._force.latest
        if at <= latest.at:
            return  # known already: it was ours, or a refresh saw it
        try:
            if self._lost:
                await self.refresh()
                return
            layer = advanced(latest, at, changes, self._keyring)
        except (StoreAway, Unreadable) as why:
            # What came after it would be put on a wrong base: read everything next time.
            self._lost = True
            self._tell(str(why))
            return
        await self._follow(layer)

    async def _again(self) -> None:
        """The store does not keep what came since: read everything, and watch from there."""
        try:
            await self.refresh()
        except StoreAway as why:
            self._lost = True
            self._tell(str(why))
        self.watch()

    async def _follow(self, layer: StoreLayer) -> None:
        latest = self._force.latest
        if layer.revision == latest.revision:
            # Nothing of ours: leaders, pruned history.
            self._force.moved(attrs.evolve(latest, at=layer.at, counter=layer.counter))
            return
        before = self._force.problem
        await self._force.follow(layer)
        if self._force.problem and self._force.problem != before:
            self._tell(self._force.problem)

    def _tell(self, problem: str) -> None:
        self._force.problem = problem
        self._log.error("{problem}; the last good configuration serves", problem=problem)
