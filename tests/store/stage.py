"""What the contract needs of an engine under test: making stores, waiting, moving time."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from fiberlb.store.engine import KEPT, Kept
from fiberlb.store.interface import Store
from fiberlb.store.memory import MemoryStore
from fiberlb.store.sqlite import SqliteStore
from tests.store.threads import Inbox

T = TypeVar("T")


def nothing() -> None:
    """What a watch does at a reset that does not happen."""


def fail(*_: object) -> None:
    """What goes wrong."""
    raise ZeroDivisionError


class Stage:
    """
    One set of data, and stores over it.

    @ivar clock: of all of them; begins at 1000 seconds.
    @ivar writers: that may contend for one key within a test's time.
    """

    writers = 100

    def __init__(self, kept: Kept = KEPT) -> None:
        self.clock = Clock()
        self.clock.rightNow = 1000.0
        self.kept = kept

    def store(self) -> Store:
        """A store over the data of this stage; another one if there can be several."""
        raise NotImplementedError

    def wait(self, work: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> T:
        """The result of C{work}, or what it raised."""
        raise NotImplementedError

    def idle(self) -> None:
        """Let everything happen that happens without time going by."""
        raise NotImplementedError

    def advance(self, seconds: float) -> None:
        """Let time go by, at once."""
        self.clock.advance(seconds)
        self.idle()

    def forget(self) -> None:
        """The past that is not to be kept is gone; engines that see to it themselves do nothing."""

    def end(self) -> None:
        """Close all stores."""
        raise NotImplementedError


def outcome(fired: Deferred[T]) -> T:
    """The result of a deferred that has fired, or what it raised."""
    results: list[T] = []
    errors: list[BaseException] = []
    fired.addCallbacks(results.append, lambda why: errors.append(why.value))
    if errors:
        raise errors[0]
    return results[0]


class MemoryStage(Stage):
    """The engine in memory: one store, nothing to wait for."""

    def __init__(self, kept: Kept = KEPT) -> None:
        super().__init__(kept)
        self._store = MemoryStore(self.clock, kept)

    def store(self) -> Store:
        """The one there is."""
        return self._store

    def wait(self, work: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> T:
        """What it came to, now."""
        return outcome(deferred(work))

    def idle(self) -> None:
        """What was put off to the next moment, and what that puts off."""
        while any(call.getTime() <= self.clock.seconds() for call in self.clock.getDelayedCalls()):
            self.clock.advance(0)

    def end(self) -> None:
        """Close it."""
        self.wait(self._store.close())


class SqliteStage(Stage):
    """The engine on a disk: each store has a connection and a thread of its own."""

    def __init__(self, path: str, kept: Kept = KEPT) -> None:
        super().__init__(kept)
        self.path = path
        self.inbox = Inbox()
        self._stores: list[SqliteStore] = []

    def store(self) -> SqliteStore:
        """Another store over the same file."""
        opening = SqliteStore.open(self.path, self.clock, self.inbox, kept=self.kept)
        store = self.wait(opening)
        self._stores.append(store)
        return store

    def wait(self, work: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> T:
        """What it came to, after as many answers of threads as that takes."""
        waiting = deferred(work)
        while not waiting.called or waiting.paused:
            self.inbox.step()
        return outcome(waiting)

    def idle(self) -> None:
        """Until all threads have done all they were asked for, and that asked for no more."""
        quiet = 0
        while quiet < 3:
            due = [c for c in self.clock.getDelayedCalls() if c.getTime() <= self.clock.seconds()]
            self.clock.advance(0)
            for store in self._stores:
                self.wait(store.health())
            quiet = 0 if due else quiet + 1

    def end(self) -> None:
        """Close them all."""
        for store in self._stores:
            self.wait(store.close())


def deferred(work: Coroutine[Deferred[Any], Any, T] | Deferred[T]) -> Deferred[T]:
    """What is waited for, begun."""
    return work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
