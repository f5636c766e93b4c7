"""Tests of L{fiberlb.store.canary}."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.canary import KEY, prove
from fiberlb.store.memory import MemoryStore
from fiberlb.store.sealed import Keyring, SealError


class CanaryTests(SynchronousTestCase):
    """Nodes with keys, and their store."""

    def setUp(self) -> None:
        """A store that the first node has sealed."""
        self.store = MemoryStore(Clock())
        self.keys = [bytes([n]) * 32 for n in range(2)]
        self.prove(*self.keys)

    def prove(self, *keys: bytes) -> Any:
        """Begin with these keys."""
        self.successResultOf(
            Deferred.fromCoroutine(prove(self.store, Keyring(keys, os.urandom, "/etc/key")))
        )

    def test_same(self) -> None:
        """A node that has the key begins, also with another one before it."""
        self.prove(self.keys[0])
        self.prove(self.keys[1], self.keys[0])

    def test_wrong(self) -> None:
        """One that has not is told what to do; no key is told."""
        work = prove(self.store, Keyring([self.keys[1]], os.urandom, "/etc/key"))
        failure = self.failureResultOf(Deferred.fromCoroutine(work), SealError)
        self.assertIn("give every node of a store the same key_file", str(failure.value))
        self.assertIn("/etc/key holds", str(failure.value))

    def test_away(self) -> None:
        """Without the store nothing is proved."""
        self.successResultOf(Deferred.fromCoroutine(self.store.close()))
        self.prove(self.keys[1])

    def test_left(self) -> None:
        """It is sealed once."""
        before = self.successResultOf(Deferred.fromCoroutine(self.store.load(KEY)))
        self.prove(*self.keys)
        after = self.successResultOf(Deferred.fromCoroutine(self.store.load(KEY)))
        self.assertEqual(before, after)
