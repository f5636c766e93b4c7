"""Changes that are rolled back by themselves."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.confirming import AGAIN, PENDING, Waiting, decode, encode
from fiberlb.control.history import Wanted
from fiberlb.control.operations import Operation
from fiberlb.control.refusals import NothingToConfirm, Unconfirmed
from fiberlb.control.writing import Rider
from fiberlb.model.certificate import Certificate
from fiberlb.model.pool import Pool
from fiberlb.store.interface import Unavailable
from tests.control.stage import ORIGIN, Stage, create, delete, patch
from tests.control.stores import FailingStore
from tests.support.certificates import leaf


class ConfirmingCase(SynchronousTestCase):
    """A node with one pool."""

    def setUp(self) -> None:
        """Start it."""
        self.clock = Clock()
        self.store = FailingStore(self.clock)
        self.stage = self.node(0)
        self.stage.create("pools", {"name": "a"})

    def node(self, number: int, late: float = 0) -> Stage:
        """Another node with the same store, started so many seconds after the first one."""
        stage = Stage(self, "", self.store, self.clock, node=number, start=False)
        stage.wall += late
        stage.start()
        self.addCleanup(stage.control.confirming.stop)
        return stage

    def write(self, rider: Rider, *operations: Operation, stage: Stage | None = None) -> int:
        """Do operations with something else; the revision."""
        control = (stage or self.stage).control
        done = self.stage.result(control.write(operations, ORIGIN, False, rider))
        self.clock.advance(0)
        return done.revision

    def provisional(self, *operations: Operation) -> int:
        """Do operations that are to be confirmed within a minute."""
        return self.write(self.stage.control.confirming.asks(60, "ann"), *operations)

    def refused(self, rider: Rider, *operations: Operation) -> str:
        """Do operations that are refused because something waits."""
        done = self.stage.control.write(operations, ORIGIN, False, rider)
        return str(self.failureResultOf(done, Unconfirmed).value)

    def confirm(self, stage: Stage, revision: int | None = None) -> Deferred[Waiting]:
        """Confirm what waits, at a node."""
        return Deferred.fromCoroutine(stage.control.confirming.confirm(revision))

    def advance(self, seconds: float, *others: Stage) -> None:
        """Time goes by, at every node."""
        for stage in (self.stage, *others):
            stage.wall += seconds
        self.clock.advance(seconds)
        self.clock.pump([0.01] * 5)

    def pools(self) -> list[tuple[str, str]]:
        """In force."""
        pools = self.stage.control.configuration.all(Pool).values()
        return [(pool.name, pool.description) for pool in pools]


A = patch("pools", "a", {"description": "new"})


class RollbackTests(ConfirmingCase):
    """Nobody confirms."""

    def test_rolled_back(self) -> None:
        """When its time is over, not before; the history says why."""
        self.assertEqual(self.provisional(A), 2)
        waiting = self.stage.control.confirming.waiting
        assert waiting is not None
        self.assertIn(waiting.sentence, self.stage.control.problems)
        self.advance(59)
        self.assertEqual(self.pools(), [("a", "new")])
        self.advance(1)
        self.assertEqual(self.pools(), [("a", "")])
        self.assertEqual(self.stage.control.revision, 3)
        searching = Deferred.fromCoroutine(self.stage.control.history.search(Wanted(limit=1)))
        ((entry,), _) = self.stage.result(searching)
        self.assertEqual(
            (entry.origin.author, entry.origin.source, entry.origin.reason),
            ("ann", "confirm", "revision 2 was not confirmed"),
        )
        self.assertIsNone(self.stage.control.confirming.waiting)
        self.advance(600)
        self.assertEqual(self.stage.control.revision, 3)

    def test_others_stay(self) -> None:
        """What others changed meanwhile stays."""
        self.provisional(A)
        self.stage.create("pools", {"name": "b"})
        self.advance(60)
        self.assertEqual(self.pools(), [("a", ""), ("b", "")])

    def test_others_depend(self) -> None:
        """Unless it depends on what goes: then it is as it was before the change."""
        self.provisional(create("pools", {"name": "b"}))
        listener = {"name": "l", "port": 80, "protocol": "http", "default_pool_id": "b"}
        self.stage.create("listeners", listener)
        self.advance(60)
        self.assertEqual(self.pools(), [("a", "")])
        self.assertEqual(self.stage.control.revision, 4)

    def test_nothing_left(self) -> None:
        """Somebody has set it right already."""
        self.provisional(A)
        self.stage.write(patch("pools", "a", {"description": ""}))
        self.advance(60)
        self.assertEqual(self.stage.control.revision, 3)
        self.assertIsNone(self.stage.control.confirming.waiting)

    def test_keys(self) -> None:
        """A key that was never confirmed does not stay."""
        one, two = leaf("one.test"), leaf("two.test")
        body = {"name": "c", "certificate": one.pem, "private_key": one.key_pem()}
        self.stage.write(create("certificates", body))
        newer = {"certificate": two.pem, "private_key": two.key_pem()}
        self.provisional(patch("certificates", "c", newer))
        self.advance(60)
        (made,) = self.stage.control.configuration.all(Certificate).values()
        self.assertEqual(made.private_key, one.key_pem())

    def test_restart(self) -> None:
        """The next process goes on with it, also when the time is over by then."""
        self.provisional(A)
        self.stage.control.confirming.stop()
        self.advance(70)
        self.assertEqual(self.pools(), [("a", "new")])
        again = self.node(1, 70)
        self.advance(0.1, again)
        self.assertEqual(again.control.revision, 3)

    def test_once(self) -> None:
        """Several nodes know of it; one of them does it."""
        others = [self.node(1), self.node(2)]
        self.provisional(A)
        self.clock.pump([0.01] * 5)
        self.assertIsNotNone(others[0].control.confirming.waiting)
        self.advance(60, *others)
        for stage in (self.stage, *others):
            self.assertEqual(stage.control.revision, 3)
            self.assertIsNone(stage.control.confirming.waiting)

    def test_store_away(self) -> None:
        """It is done when the store is back."""
        self.provisional(A)
        self.store.before += [Unavailable("no disk")]
        self.advance(60)
        self.assertEqual(self.pools(), [("a", "new")])
        self.advance(AGAIN)
        self.assertEqual(self.pools(), [("a", "")])

    def test_impossible(self) -> None:
        """What cannot be rolled back stays, and is told; nothing waits any more."""
        self.provisional(delete("pools", "a"))
        ident = "pools: [{name: x, id: %s}]"
        _, found = self.stage.result(Deferred.fromCoroutine(self.store.load(b"past/")))
        self.assertIn(b"pools/", next(iter(found.values()))[0])
        name = next(iter(found.values()))[0].split(b'"object":"pools/')[1][:36].decode()
        self.stage.reload(ident % name)
        self.advance(60)
        self.assertEqual(self.pools(), [("x", "")])
        self.assertIsNone(self.stage.control.confirming.waiting)


class ConfirmTests(ConfirmingCase):
    """Somebody does."""

    def test_confirmed(self) -> None:
        """At any node; it stays."""
        other = self.node(1)
        number = self.provisional(A)
        self.assertEqual(self.stage.result(self.confirm(other, number)).revision, number)
        self.advance(600, other)
        self.assertEqual(self.pools(), [("a", "new")])
        self.assertIsNone(self.stage.control.confirming.waiting)

    def test_nothing(self) -> None:
        """Nothing waits, or something else."""
        self.failureResultOf(self.confirm(self.stage), NothingToConfirm)
        self.provisional(A)
        self.failureResultOf(self.confirm(self.stage, 7), NothingToConfirm)
        self.stage.result(self.confirm(self.stage))
        self.failureResultOf(self.confirm(self.stage, 2), NothingToConfirm)

    def test_one_at_a_time(self) -> None:
        """What would come between is refused; a rollback ends it."""
        self.provisional(A)
        confirming = self.stage.control.confirming
        said = self.refused(confirming.asks(60, "bob"), create("pools", {"name": "b"}))
        self.assertIn("revision 2 is rolled back at 2027-01-15T08:01:00Z", said)
        self.refused(confirming.minds(), create("pools", {"name": "b"}))
        self.assertEqual(self.stage.plane.events[-1], "discard 3")
        self.write(confirming.ends(), create("pools", {"name": "b"}))
        self.assertIsNone(confirming.waiting)
        self.write(confirming.minds(), create("pools", {"name": "c"}))
        self.write(confirming.ends(), create("pools", {"name": "d"}))
        self.advance(600)
        self.assertEqual(self.stage.control.revision, 5)


class DocumentTests(SynchronousTestCase):
    """What waits, as a document."""

    def test_round_trip(self) -> None:
        """Written and read again; what is none."""
        waiting = Waiting(3, 1800000060.0, "ann", 9)
        self.assertEqual(decode(encode(waiting), 9), waiting)
        for value in (b"{", b"{}", b"[]", b'{"revision": "x"}'):
            self.assertIsNone(decode(value, 1))
        self.assertEqual(PENDING, b"unconfirmed")
