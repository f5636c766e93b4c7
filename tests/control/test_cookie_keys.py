"""Tests of fiberlb.control.cookie_keys."""

from __future__ import annotations

import itertools
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.cookie_keys import CookieKeys
from fiberlb.model.configuration import Configuration
from fiberlb.model.l7 import L7Policy
from fiberlb.model.listener import Listener, ListenerProtocol
from fiberlb.model.persistence import PersistenceType, SessionPersistence
from fiberlb.model.pool import Pool
from fiberlb.model.split import SplitPersistence
from fiberlb.store.interface import Conflict, Unavailable
from fiberlb.store.sealed import Keyring
from tests.control.stores import FailingStore


class CookieKeysTests(SynchronousTestCase):
    """Keys in a store."""

    def setUp(self) -> None:
        self.store = FailingStore(Clock())
        numbers = itertools.count(1)
        self.keyring = Keyring([b"k" * 32], lambda size: bytes([next(numbers)]) * size)

    def node(self, keyring: Keyring | None = None) -> CookieKeys:
        """A node that has just been started."""
        keys = CookieKeys(self.store, keyring or self.keyring)
        self.done(keys.load())
        return keys

    def done(self, coroutine: Any) -> Any:
        """The result."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def test_wanted(self) -> None:
        """Where pools or splits set cookies, and there are no keys yet."""
        kept: dict[str, Any] = {"split_persistence": SplitPersistence()}
        cookie = SessionPersistence(type=PersistenceType.COOKIE)
        source = SessionPersistence(type=PersistenceType.SOURCE_IP)
        keys = self.node()
        for made, wanted in (
            (Pool(id="x", session_persistence=cookie), True),
            (Pool(id="x", session_persistence=source), False),
            (Listener(id="x", protocol=ListenerProtocol.HTTP, **kept), True),
            (Listener(id="x", protocol=ListenerProtocol.HTTP), False),
            (L7Policy(id="x", **kept), True),
            (L7Policy(id="x"), False),
        ):
            found = Configuration(1, {made.COLLECTION: {"x": made}})
            self.assertIs(keys.wanted(found), wanted, made)
            self.done(keys.make())
            self.assertFalse(keys.wanted(found))
            keys.keys = ()

    def test_made_once(self) -> None:
        """The first node makes it, later ones and those after a restart find it; sealed."""
        one, two = self.node(), self.node()
        self.assertEqual(one.keys, ())
        self.assertTrue(self.done(one.make()))
        self.assertFalse(self.done(one.make()))
        self.assertTrue(self.done(two.make()))
        self.assertEqual(one.keys, two.keys)
        self.assertEqual(self.node().keys, one.keys)
        _, entries = self.done(self.store.load())
        self.assertNotIn(one.keys[0].hex().encode(), entries[CookieKeys.KEY][0])

    def test_rotate(self) -> None:
        """The new one signs, the last one stays, older ones go."""
        keys = self.node()
        self.assertEqual(keys.after_rotation, 1)
        self.done(keys.make())
        self.assertEqual(keys.after_rotation, 2)
        (first,) = keys.keys
        self.done(keys.rotate())
        second = keys.keys[0]
        self.assertEqual(keys.keys, (second, first))
        self.done(keys.rotate())
        self.assertEqual(keys.keys[1:], (second,))
        self.assertEqual(self.node().keys, keys.keys)

    def test_store_away(self) -> None:
        """The first key is then of this process; a rotation does not happen."""
        keys = self.node()
        self.store.before.append(Unavailable("gone"))
        self.assertTrue(self.done(keys.make()))
        self.assertEqual(len(keys.keys), 1)
        before = keys.keys
        self.store.before.append(Unavailable("gone"))
        self.failureResultOf(Deferred.fromCoroutine(keys.rotate()), Unavailable)
        self.assertEqual(keys.keys, before)

    def test_unreadable(self) -> None:
        """Sealed with a key that is lost: others are made in their place."""
        keys = self.node()
        self.done(keys.make())
        other = self.node(Keyring([b"o" * 32], lambda size: b"x" * size))
        self.assertEqual(other.keys, ())
        self.assertTrue(self.done(other.make()))
        self.assertEqual(len(other.keys), 1)

    def test_contended(self) -> None:
        """Of two nodes that make one at once, both have the same afterwards."""
        one, two = self.node(), self.node()

        def rotate() -> None:
            self.done(two.rotate())

        self.store.meanwhile.append(rotate)
        self.done(one.rotate())
        self.assertEqual(one.keys, two.keys)
        self.store.before.append(Conflict(1, {}))
        self.done(one.rotate())
        self.assertEqual(one.keys, two.keys)
