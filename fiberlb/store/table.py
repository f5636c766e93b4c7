"""The engines by name, and the one that nodes share."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorFromThreads, IReactorTime

from fiberlb.model.store import EtcdSettings
from fiberlb.store.canary import prove
from fiberlb.store.copied import Aside, CopiedStore
from fiberlb.store.copy_file import NAME, CopyFile
from fiberlb.store.etcd.store import EtcdStore
from fiberlb.store.interface import Store, Unusable
from fiberlb.store.memory import MemoryStore
from fiberlb.store.sealed import Keyring
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


class Outside(Protocol):
    """What stores need of the process."""

    @property
    def reactor(self) -> Any:
        """Clock, threads and network."""

    @property
    def wall(self) -> Callable[[], float]:
        """Seconds since the epoch."""

    @property
    def make_id(self) -> Callable[[], str]:
        """Gives fresh UUIDs."""

    @property
    def aside(self) -> Aside:
        """Does work that blocks."""


async def open_for(
    setting: str | EtcdSettings | None, directory: str, keyring: Keyring, outside: Outside
) -> Store:
    """
    Open the store of a configuration's settings; SQLite in the state directory if it names none.

    @raise StoreError: as L{open_store} and L{open_shared} do.
    """
    reactor = outside.reactor
    if isinstance(setting, EtcdSettings):
        around = (reactor, outside.wall, outside.make_id, outside.aside)
        return await open_shared(setting, directory, keyring, *around)
    return await open_store(setting or f"sqlite:{directory}/fiberlb.db", reactor, reactor)


async def open_shared(
    settings: EtcdSettings,
    directory: str,
    keyring: Keyring,
    reactor: Any,
    wall: Callable[[], float],
    make_id: Callable[[], str],
    aside: Aside,
) -> CopiedStore:
    """
    Open the store that nodes share, or this node's copy of it.

    @param directory: the state directory, where the copy is.
    @param keyring: must be that of the other nodes.
    @param wall: seconds since the epoch.
    @param aside: does work that blocks.
    @raise Unusable: the settings' certificates cannot be read.
    @raise Unavailable: neither the store nor a copy of it can be read.
    @raise SealError: it is sealed with a key that is not in the keyring.
    """
    store = EtcdStore(settings, reactor, reactor, wall, make_id)
    file = CopyFile(os.path.join(directory, NAME), f"etcd {settings.prefix}")
    made = CopiedStore(store, file, reactor, wall, aside)
    try:
        await made.open()
        await prove(made, keyring)
    except BaseException:
        await made.close()
        raise
    return made
