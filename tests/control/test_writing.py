"""Writes that meet trouble: in the plane, in the store, with others."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.history import REVISIONS
from fiberlb.control.past import PAST
from fiberlb.control.refusals import Contended, StoreAway, TooBig
from fiberlb.control.writing import ATTEMPTS, PRUNE_EVERY
from fiberlb.errors import Problem
from fiberlb.model.pool import Pool
from fiberlb.store.interface import Conflict, StoreError, TooLarge, Unavailable, UnknownOutcome
from tests.control.stage import ORIGIN, Stage, create, patch
from tests.control.stores import FailingStore

A = create("pools", {"name": "a"})


class WritingTests(SynchronousTestCase):
    """One node with a store that can fail."""

    def setUp(self) -> None:
        """The node."""
        self.clock = Clock()
        self.store = FailingStore(self.clock)
        self.stage = Stage(self, "", self.store, self.clock)

    def other(self) -> Stage:
        """Another node with the same store."""
        return Stage(self, "", self.store, self.clock, node=2)

    def nothing_left(self) -> None:
        """The write left no trace."""
        self.assertEqual(self.stage.plane.events, ["prepare 1", "discard 1"])
        self.assertEqual(self.stage.control.revision, 0)
        self.assertEqual(self.stage.control.configuration.all(Pool), {})
        _, entries = self.successResultOf(Deferred.fromCoroutine(self.store.load()))
        self.assertEqual(entries, {})

    def test_refused_by_plane(self) -> None:
        """What the plane refuses points into the body, and nothing is stored."""
        pool = "00000000-0000-4000-8000-0000000000aa"
        self.stage.plane.refuses.append(Problem(("pools", pool, "name"), "no"))
        problems = self.stage.problems(create("pools", {"id": pool, "name": "a"}))
        self.assertEqual(problems, [("/name", "no")])
        self.assertEqual(self.stage.plane.events, ["prepare 1"])
        self.assertEqual(self.stage.control.revision, 0)

    def test_store_away(self) -> None:
        """A store that is away: the preparation is undone, and it is said so."""
        self.store.before.append(Unavailable("no disk"))
        why = self.stage.refused(StoreAway, A)
        self.assertEqual((str(why), why.uncertain), ("no disk", False))
        self.nothing_left()

    def test_too_large(self) -> None:
        """More than the store takes."""
        self.store.before.append(TooLarge(9, 8))
        self.stage.refused(TooBig, A)
        self.nothing_left()

    def test_defect(self) -> None:
        """Anything else that happens in the store undoes the preparation as well."""
        self.store.before.append(StoreError("what"))
        self.stage.refused(StoreAway, A)
        self.nothing_left()

    def test_unknown_stored(self) -> None:
        """An unknown outcome that turns out to be stored is a success."""
        self.store.after.append(UnknownOutcome("cut off"))
        self.stage.write(A)
        self.assertEqual(self.stage.plane.events, ["prepare 1", "activate 1", "health 1"])
        self.stage.write(patch("pools", "a", {"description": "x"}))
        self.assertEqual(self.stage.control.revision, 2)

    def test_unknown_not_stored(self) -> None:
        """One that turns out not to be is tried again."""
        self.store.before.append(UnknownOutcome("cut off"))
        self.stage.write(A)
        self.assertEqual(
            self.stage.plane.events,
            ["prepare 1", "discard 1", "prepare 1", "activate 1", "health 1"],
        )

    def test_unknown_for_good(self) -> None:
        """One that cannot be looked up is told as uncertain; the watch brings what is true."""
        self.store.after.append(UnknownOutcome("cut off"))
        self.store.loading.append(Unavailable("gone"))
        why = self.stage.refused(StoreAway, A)
        self.assertTrue(why.uncertain)
        self.assertEqual(self.stage.plane.events, ["prepare 1", "discard 1"])
        self.clock.pump([0.1] * 5)
        self.assertEqual(self.stage.find("pools", "a").name, "a")

    def test_conflict(self) -> None:
        """After a conflict the write is played again on what the other one stored."""
        other = self.other()

        def meanwhile() -> None:
            other.create("pools", {"name": "b"})

        self.store.meanwhile.append(meanwhile)
        outcome = self.stage.write(A)
        self.assertEqual(outcome.revision, 2)
        self.assertEqual(
            [pool.name for pool in outcome.configuration.all(Pool).values()], ["b", "a"]
        )
        first, rest = self.stage.plane.events[:2], self.stage.plane.events[2:]
        self.assertEqual(first, ["prepare 1", "discard 1"])
        self.assertIn("prepare 2", rest)
        self.assertEqual(rest[-2:], ["activate 2", "health 2"])

    def test_contended(self) -> None:
        """It gives up in the end, and says so."""
        self.store.before += [Conflict(0, {}) for _ in range(ATTEMPTS)]
        self.stage.refused(Contended, A)
        self.assertEqual(self.stage.control.revision, 0)
        self.stage.write(A)

    def test_conflict_store_away(self) -> None:
        """A store that goes away between the attempts."""
        self.store.before.append(Conflict(0, {}))
        self.store.loading.append(Unavailable("gone"))
        self.stage.refused(StoreAway, A)
        self.assertEqual(self.stage.control.revision, 0)

    def test_serving_goes_on(self) -> None:
        """Without the store reads go on, and writes work again when it is back."""
        self.stage.write(A)
        self.store.before.append(Unavailable("gone"))
        self.stage.refused(StoreAway, patch("pools", "a", {"description": "x"}))
        self.assertEqual(self.stage.find("pools", "a").description, "")
        self.stage.write(patch("pools", "a", {"description": "x"}))
        self.assertEqual(self.stage.find("pools", "a").description, "x")

    def test_failed_listener_tolerated(self) -> None:
        """A listener that could not listen before does not stand in the way of other writes."""
        other = self.other()
        self.stage.plane.busy.add(80)
        other.create("listeners", {"name": "l", "port": 80, "protocol": "tcp"})
        self.clock.pump([0.1] * 5)
        self.assertEqual([s.state for s in self.stage.control.listeners()], ["error"])
        self.stage.write(A)
        self.stage.plane.busy.add(81)
        problems = self.stage.problems(patch("listeners", "l", {"port": 81}))
        self.assertEqual(problems, [("/port", "port 81 of :: is taken")])

    def test_pruned(self) -> None:
        """Old revisions are thrown away from time to time; a failure of that is only logged."""
        for number in range(PRUNE_EVERY * 3):
            self.stage.write(create("pools", {"name": str(number)}))
        _, pieces = self.successResultOf(Deferred.fromCoroutine(self.store.keys(PAST)))
        self.assertEqual(len(pieces), 40)
        _, entries = self.successResultOf(Deferred.fromCoroutine(self.store.load(REVISIONS)))
        self.assertEqual(len(entries), 40)

    def test_many_writers(self) -> None:
        """Two nodes write in turn, each before it has heard of the other: nothing is lost."""
        nodes = (self.stage, self.other())
        for number in range(100):
            nodes[number % 2].write(create("pools", {"name": str(number)}))
        self.clock.pump([0.1] * 5)
        for node in nodes:
            names = {pool.name for pool in node.control.configuration.all(Pool).values()}
            self.assertEqual(names, {str(number) for number in range(100)})
            self.assertEqual(node.control.revision, 100)

    def test_tags(self) -> None:
        """The answer bears the tags of what the operations were about."""
        outcome = self.stage.write(A)
        self.assertEqual(outcome.tags, {("pools", outcome.applied[0].id): "1"})

    def test_author(self) -> None:
        """Two writes at once, from different people, are two revisions."""
        first = self.stage.control.write([A], ORIGIN)
        second = self.stage.control.write([create("pools", {"name": "b"})], ORIGIN)
        self.assertEqual(
            [self.successResultOf(d).revision for d in (first, second)],
            [1, 2],
        )
