"""Tests of L{fiberlb.store.holders}."""

from __future__ import annotations

import os
from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.canary import prove
from fiberlb.store.holders import TTL, Holders
from fiberlb.store.memory import MemoryStore
from fiberlb.store.sealed import Keyring, key_id

OLD, NEW = b"1" * 32, b"2" * 32


class HoldersTests(SynchronousTestCase):
    """Nodes of one store."""

    def setUp(self) -> None:
        """A store that is sealed with the old key."""
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.done(prove(self.store, Keyring([OLD], os.urandom)))

    def done(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What it gives."""
        return self.successResultOf(Deferred.fromCoroutine(work))

    def node(self, name: str, *keys: bytes) -> tuple[Holders, Keyring]:
        """One that has started."""
        keyring = Keyring(keys, os.urandom)
        made = Holders(self.store, keyring, name, f"id-of-{name}")
        self.done(made.start())
        self.addCleanup(made.stop)
        return made, keyring

    def test_lacking(self) -> None:
        """Those are named that have not told of a key; never this one."""
        one, _ = self.node("lb-1", OLD)
        two, keyring = self.node("lb-2", OLD)
        self.node("lb-3", NEW, OLD)
        self.assertEqual(self.done(one.lacking(key_id(NEW))), ["lb-2"])
        self.assertEqual(self.done(two.lacking(key_id(NEW))), ["lb-1"])
        keyring.replace([NEW, OLD])
        self.done(two.tell())
        self.assertEqual(self.done(one.lacking(key_id(NEW))), [])

    def test_gone(self) -> None:
        """A node that ended does not count, one that fell silent for a while neither."""
        one, _ = self.node("lb-1", NEW, OLD)
        two, _ = self.node("lb-2", OLD)
        self.clock.advance(TTL / 2)
        self.assertEqual(self.done(one.lacking(key_id(NEW))), ["lb-2"])
        two.stop()
        self.assertEqual(self.done(one.lacking(key_id(NEW))), [])

    def test_in_use(self) -> None:
        """The key that the store is sealed with seals, wherever it stands; others follow."""
        _, keyring = self.node("lb-1", NEW, OLD)
        self.assertEqual(keyring.key_ids, (key_id(OLD), key_id(NEW)))
        _, entries = self.done(self.store.load(b"keys/"))
        ((key, (value, at)),) = entries.items()
        again = Keyring([NEW, OLD], os.urandom).rewrap(value.decode()).encode()
        self.done(self.store.commit({key: at}, {key: again}))
        self.clock.advance(1)
        self.assertEqual(keyring.key_ids, (key_id(NEW), key_id(OLD)))
