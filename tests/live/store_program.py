"""
A program that does one thing to a store and says what was acknowledged, to be killed at it.

C{python -m tests.live.store_program WHAT PATH [NUMBER]}, with the running reactor and real
threads; each line of its output was true when it was written.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from fiberlb.store.interface import Conflict, Store
from fiberlb.store.lock import hold
from fiberlb.store.table import open_store

#: Keys of one commit, and bytes of one value: long enough to be killed within a commit.
KEYS, SIZE = 40, 20_000


def say(word: str, number: int) -> None:
    """Tell whoever reads, at once."""
    print(word, number, flush=True)


async def write(store: Store, number: int) -> None:
    """Write all keys with the next number, as fast as that goes, without an end."""
    entries = (await store.load(b"count"))[1]
    count, mod_rev = entries.get(b"count", (b"0", 0))
    number = int(count)
    while True:
        number += 1
        text = b"%d" % number
        puts = {b"key/%02d" % key: text + b" " * SIZE for key in range(KEYS)}
        puts |= {b"count": text, b"history/%08d" % number: text}
        mod_rev = await store.commit({b"count": mod_rev}, puts)
        say("acknowledged", number)


async def count(store: Store, number: int) -> None:
    """Add one to a counter that others add to as well, so many times."""
    while number:
        entry = (await store.load(b"count"))[1].get(b"count", (b"0", 0))
        mine = int(entry[0]) + 1
        try:
            await store.commit({b"count": entry[1]}, {b"count": b"%d" % mine})
        except Conflict:
            continue
        number -= 1
        say("acknowledged", mine)


async def watch(store: Store, number: int) -> None:
    """Tell of each revision until that one."""
    done: Deferred[None] = Deferred()

    def told(revision: int, changes: object) -> None:
        say("told", revision)
        if revision == number:
            done.callback(None)

    store.watch(0, told, lambda: say("reset", 0))
    say("watching", 0)
    await done


async def lead(store: Store, number: int) -> None:
    """Stand for a leadership of so many seconds, and tell of it."""
    store.lead("one", str(os.getpid()), float(number)).observe(
        lambda leading: say("leading", int(leading))
    )
    say("standing", os.getpid())
    await Deferred()


WORK: dict[str, Callable[[Store, int], Coroutine[Any, Any, None]]] = {
    "write": write,
    "count": count,
    "watch": watch,
    "lead": lead,
}


async def main(reactor: Any, what: str, path: str, number: str = "0") -> None:
    """Do it."""
    if what == "hold":
        hold(path, os.getpid())
        say("holding", os.getpid())
        await Deferred()
    store = await open_store(f"sqlite:{path}", reactor, reactor)
    await WORK[what](store, int(number))
    await store.close()


if __name__ == "__main__":
    react(lambda reactor, *words: Deferred.fromCoroutine(main(reactor, *words)), sys.argv[1:])
