"""Tokens in a store."""

from __future__ import annotations

import itertools
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.refusals import Exists, NotFound, StoreAway
from fiberlb.control.tokens import PREFIX, USE_STEP, USES, Tokens
from fiberlb.model.access import Role
from fiberlb.store.interface import Unavailable
from tests.control.stage import Stage
from tests.control.stores import FailingStore


class TokensTests(SynchronousTestCase):
    """Made, used, exchanged and taken away."""

    def setUp(self) -> None:
        """A node, and a store that can fail."""
        self.clock = Clock()
        self.store = FailingStore(self.clock)
        self.stage = Stage(self, store=self.store, clock=self.clock)
        self.numbers = itertools.count(1)
        self.tokens = self.node()

    def node(self) -> Tokens:
        """A node that has just been started."""
        surroundings = self.stage.surroundings(lambda: f"{next(self.numbers):032x}")
        made = Tokens(self.store, surroundings, lambda size: bytes([next(self.numbers)]) * size)
        self.successResultOf(made.load())
        return made

    def make(self, name: str = "ci", expires_at: float | None = None) -> str:
        """A token's text."""
        made = self.tokens.create(name, Role.WRITE, "p", expires_at, "me")
        text: str = self.successResultOf(made)[1]
        return text

    def done(self, coroutine: Any) -> Any:
        """What the store answers."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def entries(self, prefix: bytes) -> dict[bytes, Any]:
        """What the store has."""
        entries: dict[bytes, Any] = self.done(self.store.load(prefix))[1]
        return entries

    def test_made(self) -> None:
        """It lets in; what is stored does not tell it."""
        self.assertFalse(self.tokens.some)
        text = self.make()
        found = self.tokens.match(text)
        assert found is not None
        self.assertEqual((found.name, found.role, found.project), ("ci", Role.WRITE, "p"))
        self.assertEqual(found.created_by, "me")
        self.assertTrue(self.tokens.some)
        secret = text.rpartition("_")[2]
        stored = b"".join(value for value, _ in self.entries(PREFIX).values())
        self.assertNotIn(secret.encode(), stored)
        self.assertNotIn(found.digest, repr(found))
        for wrong in (text[:-1], text + "A", text[:-1] + "B", "", f"fiberlb_{'0' * 16}_{'A' * 43}"):
            self.assertIsNone(self.tokens.match(wrong))

    def test_reason(self) -> None:
        """It stays with the token, over a restart and a rotation without one."""
        self.successResultOf(self.tokens.create("x", Role.READ, None, None, "me", "for the graphs"))
        self.successResultOf(self.tokens.rotate("x", 0.0, "me"))
        self.assertEqual(self.node().find("x").reason, "for the graphs")
        self.successResultOf(self.tokens.rotate("x", 0.0, "me", "leaked"))
        self.assertEqual(self.node().find("x").reason, "leaked")

    def test_names(self) -> None:
        """A name is one token's; it is found by name and id."""
        self.make()
        self.failureResultOf(self.tokens.create("ci", Role.READ, None, None, "me"), Exists)
        (one,) = self.tokens.every
        self.assertIs(self.tokens.find("ci"), self.tokens.find(one.id))
        self.assertRaises(NotFound, self.tokens.find, "other")

    def test_restart_and_nodes(self) -> None:
        """It outlives a restart; other nodes hear of it, and of its end."""
        other = self.node()
        text = self.make()
        self.clock.advance(0)
        self.assertIsNotNone(other.match(text))
        self.assertIsNotNone(self.node().match(text))
        self.successResultOf(self.tokens.delete("ci", "me"))
        self.clock.advance(0)
        for tokens in (self.tokens, other, self.node()):
            self.assertIsNone(tokens.match(text))
            self.assertFalse(tokens.some)

    def test_rotate(self) -> None:
        """The old text is good until its grace is over, and not at all without one."""
        old = self.make()
        new = self.successResultOf(self.tokens.rotate("ci", 60.0, "me"))[1]
        self.assertIsNotNone(self.tokens.match(old))
        self.assertIsNotNone(self.tokens.match(new))
        self.stage.wall += 60
        self.assertIsNone(self.tokens.match(old))
        self.assertIsNotNone(self.tokens.match(new))
        newest = self.successResultOf(self.tokens.rotate("ci", 0.0, "me"))[1]
        self.assertIsNone(self.tokens.match(new))
        self.assertIsNotNone(self.tokens.match(newest))

    def test_expiry(self) -> None:
        """A token has its time; what has run out still is one."""
        text = self.make(expires_at=self.stage.wall + 10)
        self.assertIsNotNone(self.tokens.match(text))
        self.stage.wall += 10
        self.assertIsNone(self.tokens.match(text))
        self.assertTrue(self.tokens.some)

    def test_uses(self) -> None:
        """When it was used is known after a restart too, and not written each time."""
        text = self.make()
        (one,) = self.tokens.every
        self.assertIsNone(self.tokens.used(one.id))
        first = self.stage.wall
        for _ in range(3):
            self.tokens.match(text)
            self.stage.wall += 1
        self.assertEqual(self.tokens.used(one.id), first)
        self.assertEqual(self.node().used(one.id), int(first))
        self.stage.wall += USE_STEP
        self.tokens.match(text)
        self.assertEqual(len(self.entries(USES)), 1)
        self.assertEqual(self.tokens.used(one.id), self.stage.wall)

    def test_store_away(self) -> None:
        """Nothing is made that could not be stored; what is known goes on letting in."""
        text = self.make()
        self.store.before.append(Unavailable("away"))
        self.failureResultOf(self.tokens.create("x", Role.READ, None, None, "me"), StoreAway)
        self.store.before.append(Unavailable("away"))
        self.assertIsNotNone(self.tokens.match(text))
        self.assertEqual([one.name for one in self.tokens.every], ["ci"])

    def test_not_understood(self) -> None:
        """A document of another form lets nobody in."""
        self.done(self.store.commit({}, {PREFIX + b"x": b"{}"}))
        tokens = self.node()
        self.assertFalse(tokens.some)
        self.assertEqual(len(self.flushLoggedErrors()), 0)
