"""The engines by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from twisted.internet.interfaces import IReactorFromThreads, IReactorTime

from fiberlb.store.interface import Store, Unusable
from fiberlb.store.memory import MemoryStore
from fiberlb.store.sqlite import SqliteStore

#: Opens what stands behind the first colon of a store's URL.
Opener = Callable[[str, IReactorTime, IReactorFromThreads], Awaitable[Store]]


async def _memory(rest: str, clock: IReactorTime, threads: IReactorFromThreads) -> Store:
    if rest:
        raise Unusable("memory: takes nothing behind the colon")
    return MemoryStore(clock)


async def _sqlite(rest: str, clock: IReactorTime, threads: IReactorFromThreads) -> Store:
    if not rest:
        raise Unusable("sqlite: needs the path of a file")
    return await SqliteStore.open(rest, clock, threads)


OPENERS: Mapping[str, Opener] = {"memory": _memory, "sqlite": _sqlite}


async def open_store(url: str, clock: IReactorTime, threads: IReactorFromThreads) -> Store:
    """
    Open the store that a configuration names; to be called once the process has forked for the
    last time, since a thread does not outlive that.

    @param url: C{memory:} or C{sqlite:PATH}.
    @param clock: for leases (wall clock in seconds) and for looking for changes.
    @param threads: brings the results of the store's thread back; the reactor, again.
    @return: a store that was reached; close it.
    @raise Unusable: no such engine, or it refuses for good.
    @raise Unavailable: not now.
    """
    name, colon, rest = url.partition(":")
    if not colon or name not in OPENERS:
        raise Unusable(f"{name}: no such store; there are {', '.join(OPENERS)}")
    return await OPENERS[name](rest, clock, threads)
