"""Following a store that others write to, and that fails."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.records import COUNTER, object_key
from fiberlb.model.pool import Pool
from fiberlb.store.engine import Kept
from fiberlb.store.interface import Unavailable
from fiberlb.store.memory import MemoryStore
from tests.control.stage import Stage, create, patch
from tests.control.stores import FailingStore

BAD = object_key("pools", "00000000-0000-4000-8000-0000000000bb")


class FollowingTests(SynchronousTestCase):
    """Two nodes."""

    def setUp(self) -> None:
        """They share a store that can fail."""
        self.clock = Clock()
        self.store = FailingStore(self.clock)
        self.one = Stage(self, "", self.store, self.clock, 1)
        self.two = Stage(self, "", self.store, self.clock, 2)

    def commit(self, puts: dict[bytes, bytes | None]) -> None:
        """Somebody's commit."""
        self.successResultOf(Deferred.fromCoroutine(self.store.commit({}, puts)))
        self.settle()

    def settle(self) -> None:
        """Let the watches bring their news."""
        self.clock.pump([0.1] * 5)

    def test_in_order(self) -> None:
        """Several revisions at once come one after the other."""
        for name in "abc":
            self.one.create("pools", {"name": name})
        self.settle()
        self.assertEqual(self.two.control.revision, 3)
        self.assertEqual(
            [event for event in self.two.plane.events if event.startswith("activate")],
            ["activate 1", "activate 2", "activate 3"],
        )

    def test_other_keys(self) -> None:
        """What is no configuration disturbs nobody, and does not come between writes."""
        self.commit({b"leader": b"x"})
        self.assertEqual(self.two.plane.events, [])
        self.two.write(create("pools", {"name": "a"}))
        self.assertEqual(self.two.control.revision, 1)

    def test_not_understood(self) -> None:
        """A document that is not understood: the last good configuration serves, and it is told."""
        self.one.create("pools", {"name": "a"})
        self.settle()
        self.commit({BAD: b"{}", COUNTER: b"2"})
        self.assertIn(BAD.decode(), self.two.control.problems[0])
        self.assertEqual(self.two.control.revision, 1)
        self.commit({BAD: None, COUNTER: b"3"})
        self.assertEqual((self.two.control.problems, self.two.control.revision), ((), 3))
        self.assertEqual(len(self.two.control.configuration.all(Pool)), 1)

    def test_mended_after_failed_reading(self) -> None:
        """A reading that fails on the way back is made up for with the next news."""
        self.commit({BAD: b"{}", COUNTER: b"1"})
        self.store.loading += [Unavailable("gone")] * 2
        self.commit({BAD: None, COUNTER: b"2"})
        self.assertIn("gone", self.two.control.problems[0])
        self.commit({COUNTER: b"3"})
        self.assertEqual((self.two.control.problems, self.two.control.revision), ((), 3))


class ResetTests(SynchronousTestCase):
    """A store that forgets its past quickly."""

    def setUp(self) -> None:
        """Two nodes; the store keeps two revisions."""
        self.clock = Clock()
        self.store = MemoryStore(self.clock, Kept(2, 10**6))
        self.one = Stage(self, "", self.store, self.clock, 1)
        self.two = Stage(self, "", self.store, self.clock, 2)

    def test_reset(self) -> None:
        """Who missed too much reads everything again, and goes on from there."""
        for name in "abcdef":
            self.one.create("pools", {"name": name})
        self.clock.pump([0.1] * 9)
        self.assertEqual(self.two.control.revision, 6)
        self.assertEqual(len(self.two.control.configuration.all(Pool)), 6)
        self.one.write(patch("pools", "a", {"description": "x"}))
        self.clock.pump([0.1] * 9)
        self.assertEqual(self.two.control.revision, 7)
