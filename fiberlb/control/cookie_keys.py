"""
The keys that persistence cookies are signed with, sealed in the store.

They are made when the first pool needs them, are the same on every node of the store, and
outlive restarts. A new one signs from then on, and the one before it is still believed.
"""

from __future__ import annotations

import json
from typing import ClassVar

from twisted.logger import Logger

from fiberlb.model.configuration import Configuration
from fiberlb.model.l7 import L7Policy
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Pool
from fiberlb.store.interface import Conflict, Store, StoreError
from fiberlb.store.sealed import KEY_SIZE, Keyring, SealError

_log = Logger()
#: Keys that are believed, the one that signs included.
_KEPT = 2


class CookieKeys:
    """
    The keys.

    @ivar keys: the first one signs; none before they are needed.
    @ivar document: as the store has them.
    """

    KEY: ClassVar[bytes] = b"persistence/keys"

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self.keys: tuple[bytes, ...] = ()
        self.document = b""
        self._store = store
        self._keyring = keyring
        self._at = 0

    @property
    def after_rotation(self) -> int:
        """How many keys would be believed after a rotation."""
        return min(len(self.keys) + 1, _KEPT)

    async def load(self) -> None:
        """
        Read them.

        @raise fiberlb.store.interface.StoreError: the store cannot be read.
        """
        _, entries = await self._store.load(self.KEY)
        if self.KEY not in entries:
            return
        self.document, self._at = entries[self.KEY]
        try:
            sealed = json.loads(self.document)["keys"]
            opened = [self._keyring.open(text, self.KEY) for text in sealed]
        except (SealError, ValueError, KeyError, TypeError) as why:
            text = "The keys of persistence cookies cannot be read ({why}); new ones are made"
            _log.error(text, why=str(why))
        else:
            self.keys = tuple(opened)

    def wanted(self, configuration: Configuration) -> bool:
        """Whether a configuration needs keys that are not there yet."""
        return not self.keys and (
            any(
                pool.session_persistence is not None and pool.session_persistence.ours
                for pool in configuration.all(Pool).values()
            )
            or any(listener.split_persistence for listener in configuration.all(Listener).values())
            or any(policy.split_persistence for policy in configuration.all(L7Policy).values())
        )

    async def make(self) -> bool:
        """
        Make the first key, unless another node has; where it cannot be stored it is of
        this process alone.

        @return: whether there are other keys now.
        """
        if self.keys:
            return False
        try:
            await self.rotate()
        except StoreError as why:
            _log.error("The key of persistence cookies is not stored: {why}", why=str(why))
            self.keys = (self._keyring.randomness(KEY_SIZE),)
        return True

    async def rotate(self) -> bool:
        """
        Sign with a new key from now on.

        @return: that there are other keys now.
        @raise fiberlb.store.interface.StoreError: the old ones stay.
        """
        made = self._keyring.randomness(KEY_SIZE)
        keys = (made, *self.keys)[:_KEPT]
        sealed = [self._keyring.seal(key, self.KEY) for key in keys]
        document = json.dumps({"keys": sealed}).encode()
        try:
            self._at = await self._store.commit({self.KEY: self._at}, {self.KEY: document})
        except Conflict:
            # Another node has done it at the same time.
            await self.load()
            if not self.keys:
                raise
        else:
            self.keys, self.document = keys, document
        return True
