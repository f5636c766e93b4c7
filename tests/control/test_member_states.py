"""Tests of fiberlb.control.member_states."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.member_states import PREFIX, decode, encode
from fiberlb.control.operations import Op, Operation
from fiberlb.control.refusals import StoreAway
from fiberlb.model.operational import NEVER, MemberMode, Operational
from fiberlb.model.pool import Member
from fiberlb.store.interface import Unavailable
from tests.control.stage import Stage
from tests.control.stores import FailingStore

FILE = """
pools:
  - {name: web, members: ["127.0.0.1:9001", "127.0.0.1:9002"], session_persistence: {type: cookie}}
  - {name: api}
"""
DRAIN = Operational(mode=MemberMode.DRAIN, until=5.0, weight=3, reason="patch", since=2.0)
REST = Operational(mode=MemberMode.MAINTENANCE)


class DocumentTests(SynchronousTestCase):
    """Documents of the store."""

    def test_both_ways(self) -> None:
        """What is written is read."""
        for state in (DRAIN, REST, Operational(weight=0)):
            self.assertEqual(decode(encode(state)), state)
        self.assertNotIn(b"Infinity", encode(REST))

    def test_damaged(self) -> None:
        """What is not understood is nobody's state."""
        for value in (b"", b"{}", b"[]", b"\xff", encode(REST).replace(b"maintenance", b"off")):
            self.assertIsNone(decode(value), value)


class StatesTests(SynchronousTestCase):
    """States of a node's members."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.store = FailingStore(self.clock)
        self.stage = Stage(self, FILE, self.store, self.clock)

    def ids(self) -> list[str]:
        """Of the file's members."""
        return list(self.stage.control.configuration.all(Member))

    def test_in_force(self) -> None:
        """Told to the plane, and to the checks, and gone when it is ready again."""
        one, two = self.ids()
        states = self.stage.control.operating.states
        revision = self.stage.control.revision
        self.stage.result(states.set({one: DRAIN, two: REST}))
        self.assertEqual(self.stage.plane.operations.members, {one: DRAIN, two: REST})
        self.assertEqual(self.stage.health.held, {two})
        self.assertEqual(states.of(one), DRAIN)
        self.stage.result(states.set({one: Operational(reason="done"), two: Operational()}))
        self.assertEqual(self.stage.plane.operations.members, {})
        self.assertEqual(self.stage.health.held, frozenset())
        self.assertEqual(states.of(one), Operational())
        self.assertEqual(self.stage.control.revision, revision)

    def test_kept(self) -> None:
        """Over reloads and restarts; before anything is served."""
        one, two = self.ids()
        self.stage.result(self.stage.control.operating.states.set({one: DRAIN, two: REST}))
        self.stage.reload("")
        self.stage.reload(FILE)
        self.assertEqual(self.stage.control.operating.states.of(one), DRAIN)
        again = Stage(self, FILE, self.store, self.clock)
        self.assertEqual(again.plane.operations.members, {one: DRAIN, two: REST})
        self.assertEqual(again.health.held, {two})

    def test_keys(self) -> None:
        """Keys of cookies go the same way, and are the same after a restart."""
        keys = self.stage.plane.operations.cookie_keys
        self.assertEqual(len(keys), 1)
        again = Stage(self, FILE, self.store, self.clock)
        self.assertEqual(again.plane.operations.cookie_keys, keys)
        without = Stage(self, "", clock=self.clock)
        self.assertEqual(without.plane.operations.cookie_keys, ())
        without.reload(FILE)
        self.assertEqual(len(without.plane.operations.cookie_keys), 1)

    def test_leave(self) -> None:
        """The end is announced with all the rest."""
        before = self.stage.plane.operations
        self.stage.control.operating.states.leave()
        found = self.stage.plane.operations
        self.assertEqual((before.leaving, found.leaving), (False, True))
        self.assertEqual(found.cookie_keys, before.cookie_keys)

    def test_other_node(self) -> None:
        """What another node of the store says counts here."""
        other = Stage(self, FILE, self.store, self.clock, node=1)
        one, _ = self.ids()
        self.stage.result(other.control.operating.states.set({one: DRAIN}))
        self.clock.advance(1)
        self.assertEqual(self.stage.plane.operations.members, {one: DRAIN})
        sign = other.control.operating.states.sign(other.control.operating.cookie_keys.rotate)
        self.stage.result(Deferred.fromCoroutine(sign))
        self.clock.advance(1)
        self.assertEqual(
            self.stage.plane.operations.cookie_keys, other.plane.operations.cookie_keys
        )

    def test_deleted(self) -> None:
        """The state of a member that was deleted goes; of one of the file it stays."""
        body = {"address": "127.0.0.1", "port": 9009}
        ident = self.stage.create("members", body, self.stage.create("pools", {"name": "mine"}))
        one, *_ = self.ids()
        self.stage.result(self.stage.control.operating.states.set({one: DRAIN, ident: DRAIN}))
        self.stage.write(Operation(op=Op.DELETE, collection="members", word=ident))
        self.stage.reload("")
        _, entries = self.stage.result(Deferred.fromCoroutine(self.store.load(PREFIX)))
        self.assertEqual(list(entries), [PREFIX + one.encode()])

    def test_store_away(self) -> None:
        """Then nothing has changed."""
        one, _ = self.ids()
        self.store.before.append(Unavailable("gone"))
        self.failureResultOf(self.stage.control.operating.states.set({one: DRAIN}), StoreAway)
        self.assertEqual(self.stage.plane.operations.members, {})

    def test_never(self) -> None:
        """A state without a deadline has none after a restart either."""
        one, _ = self.ids()
        self.stage.result(self.stage.control.operating.states.set({one: REST}))
        again = Stage(self, FILE, self.store, self.clock)
        self.assertEqual(again.control.operating.states.of(one).until, NEVER)
