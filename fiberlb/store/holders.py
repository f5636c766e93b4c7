"""
Which keys the nodes of a shared store hold, so that none is used that one of them lacks.

Each node tells the ids of its keys for as long as it lives, by a leadership that nobody else
stands for. The store's word (L{fiberlb.store.canary}) is sealed with the key that is in use: every
node seals with that one, wherever it stands in its file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from fiberlb.store.canary import KEY
from fiberlb.store.election import leader_key
from fiberlb.store.interface import Changes, Election, Store, StoreError
from fiberlb.store.sealed import SEALED, Keyring

#: Seconds after which a node that fell silent does not count.
TTL = 60.0
_NAME = "keys/"


class Holders:
    """
    One node among those that share a store.

    @param node: its name, for people.
    @param ident: of this process, unlike all others.
    """

    _log = Logger()

    def __init__(self, store: Store, keyring: Keyring, node: str, ident: str) -> None:
        self._store = store
        self._keyring = keyring
        self._node = node
        self._name = f"{_NAME}{ident}/"
        self._times = 0
        self._told: Election | None = None
        self._stop: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Tell which keys this node holds, and seal with the key that is in use, from now on."""
        await self.tell()
        await self._watch()

    async def tell(self) -> None:
        """Tell which keys this node holds, after they were read anew."""
        told, ids = self._told, sorted(self._keyring.key_ids)
        # By another name each time: what was told first is good until then.
        self._times += 1
        name = f"{self._name}{self._times}"
        self._told = self._store.lead(name, " ".join([*ids, self._node]), TTL)
        if told is not None:
            await told.resign()

    async def lacking(self, key_id: str) -> list[str]:
        """
        The names of the other nodes that do not hold a key.

        @raise StoreError: nothing is known.
        """
        _, entries = await self._store.load(leader_key(_NAME))
        found = []
        for key, (value, _) in entries.items():
            *ids, node = value.decode("utf-8", "replace").split(" ")
            if not key.startswith(leader_key(self._name)) and key_id not in ids:
                found.append(node)
        return sorted(found)

    async def follow(self) -> None:
        """
        Seal with the key that is in use.

        @raise StoreError: it cannot be read.
        """
        self._take((await self._store.load(KEY))[1].get(KEY, (b"", 0))[0])

    def stop(self) -> None:
        """Tell and follow no more."""
        self._stop()
        told, self._told = self._told, None
        if told is not None:
            Deferred.fromCoroutine(told.resign()).addErrback(self._broken)

    async def _watch(self) -> None:
        try:
            at, entries = await self._store.load(KEY)
        except StoreError:
            at, entries = 0, {}  # the watch begins with a reset once the store is there
        self._take(entries.get(KEY, (b"", 0))[0])
        self._stop()
        self._stop = self._store.watch(at, self._heard, self._again)

    def _again(self) -> None:
        Deferred.fromCoroutine(self._watch()).addErrback(self._broken)

    def _heard(self, at: int, changes: Changes) -> None:
        for key, value in changes:
            if key == KEY and value is not None:
                self._take(value)

    def _take(self, value: bytes) -> None:
        sealed = SEALED.fullmatch(value)
        if sealed is not None and not self._keyring.prefer(sealed[1].decode()):
            text = "The store is sealed with the key {key_id}, which this node does not hold"
            self._log.error(text, key_id=sealed[1].decode())

    def _broken(self, why: Any) -> None:
        self._log.failure("The keys of this node are not told", why)
