"""
What every store does, whichever engine is behind it.

A test case per subject; an engine's test module derives from each of them and says how a stage is
made. L{cases} does that for all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.engine import KEPT, Kept
from fiberlb.store.interface import (
    COMMIT_LIMIT,
    KEY_LIMIT,
    Conflict,
    Entry,
    NotLeading,
    Store,
    TooLarge,
    Unavailable,
)
from tests.store.stage import Stage, fail, nothing


class Contract(SynchronousTestCase):
    """
    A stage and a store for each test; an engine's test module gives L{make_stage}.
    """

    def make_stage(self, kept: Kept) -> Stage:
        """The stage of the engine."""
        raise NotImplementedError

    def setUp(self) -> None:
        """One store, empty."""
        self.begin()

    def begin(self, kept: Kept = KEPT) -> None:
        """Take a new stage."""
        self.stage = self.make_stage(kept)
        self.addCleanup(self.stage.end)
        self.store: Store = self.stage.store()

    def commit(
        self, puts: Mapping[bytes, bytes | None], expect: Mapping[bytes, int] | None = None
    ) -> int:
        """Commit, and wait for the answer."""
        return self.stage.wait(self.store.commit(expect or {}, puts))

    def load(self, prefix: bytes = b"") -> tuple[int, dict[bytes, Entry]]:
        """Load, and wait for the answer."""
        return self.stage.wait(self.store.load(prefix))


class CommitContract(Contract):
    """Reading and writing."""

    def test_empty(self) -> None:
        """A new store holds nothing, at a revision before that of any commit."""
        revision, entries = self.load()
        self.assertEqual(entries, {})
        self.assertLess(revision, self.commit({b"a": b"1"}))

    def test_commit(self) -> None:
        """A commit is one revision, which all its keys bear."""
        first = self.commit({b"a": b"1", b"b": b""})
        second = self.commit({b"b": b"2"})
        self.assertLess(first, second)
        self.assertEqual(self.load(), (second, {b"a": (b"1", first), b"b": (b"2", second)}))

    def test_bytes(self) -> None:
        """Keys and values are any bytes."""
        every = bytes(range(256))
        at = self.commit({every: every, b"\x00": b"\xff"})
        self.assertEqual(self.load()[1], {b"\x00": (b"\xff", at), every: (every, at)})

    def test_order(self) -> None:
        """Entries come in the order of their keys, as bytes."""
        keys = [b"b", b"a", b"aa", b"B", b"\xff", b"a/2", b"a/10"]
        self.commit(dict.fromkeys(keys, b""))
        self.assertEqual(list(self.load()[1]), sorted(keys))

    def test_prefix(self) -> None:
        """A prefix selects what begins with it, itself included."""
        keys = [b"a", b"a/", b"a/b", b"a0", b"b", b"a\xff", b"a\xff\xff", b"\xff", b"\xff\xff"]
        self.commit(dict.fromkeys(keys, b""))
        for prefix in (b"", b"a", b"a/", b"a\xff", b"\xff", b"\xff\xff", b"c", b"a/b"):
            expected = sorted(key for key in keys if key.startswith(prefix))
            self.assertEqual(list(self.load(prefix)[1]), expected)
            self.assertEqual(list(self.stage.wait(self.store.keys(prefix))[1]), expected)

    def test_expect(self) -> None:
        """A commit whose expectations all hold is done."""
        first = self.commit({b"a": b"1"}, {b"a": 0, b"b": 0})
        second = self.commit({b"c": b"3"}, {b"a": first})
        third = self.commit({b"a": b"2"}, {b"a": first, b"b": 0, b"c": second})
        self.assertEqual(self.load(b"a"), (third, {b"a": (b"2", third)}))

    def test_conflict(self) -> None:
        """One expectation that does not hold: nothing is written, and what failed is told."""
        one = self.commit({b"a": b"1"})
        two = self.commit({b"b": b"2"})
        before = self.load()
        for expect, current in (
            ({b"a": 0}, {b"a": (b"1", one)}),
            ({b"a": one, b"b": one}, {b"b": (b"2", two)}),
            ({b"c": 7, b"b": two}, {b"c": None}),
            ({b"a": two, b"c": two}, {b"a": (b"1", one), b"c": None}),
            ({b"a": -1}, {b"a": (b"1", one)}),
        ):
            with self.assertRaises(Conflict) as caught:
                self.commit({b"a": b"x", b"new": b"y"}, expect)
            self.assertEqual(caught.exception.current, current)
            self.assertEqual(caught.exception.revision, two)
        self.assertEqual(self.load(), before)

    def test_delete(self) -> None:
        """A deleted key is gone, and may be expected not to exist."""
        first = self.commit({b"a": b"1", b"b": b"2"})
        second = self.commit({b"a": None}, {b"a": first})
        self.assertLess(first, second)
        self.assertEqual(self.load(), (second, {b"b": (b"2", first)}))
        self.assertLess(second, self.commit({b"a": b"3"}, {b"a": 0}))

    def test_nothing(self) -> None:
        """A commit that changes nothing changes no entry, and still checks."""
        at = self.commit({b"a": b"1"})
        self.assertLessEqual(at, self.commit({}))
        self.assertLessEqual(at, self.commit({b"b": None}, {b"a": at}))
        self.assertRaises(Conflict, self.commit, {}, {b"a": 0})
        self.assertEqual(self.load()[1], {b"a": (b"1", at)})

    def test_same(self) -> None:
        """Writing the same value again is a revision."""
        first = self.commit({b"a": b"1"})
        second = self.commit({b"a": b"1"})
        self.assertLess(first, second)
        self.assertEqual(self.load()[1], {b"a": (b"1", second)})

    def test_copied(self) -> None:
        """What the caller does to its arguments afterwards is not part of the commit."""
        puts: dict[bytes, bytes | None] = {b"a": b"1"}
        waiting = Deferred.fromCoroutine(self.store.commit({}, puts))
        puts[b"b"] = b"2"
        self.stage.wait(waiting)
        self.assertEqual(list(self.load()[1]), [b"a"])

    def test_limits(self) -> None:
        """A commit too large, and keys that are none, are refused and write nothing."""
        with self.assertRaises(TooLarge) as caught:
            self.commit({b"a": b"", b"b": bytes(COMMIT_LIMIT)})
        self.assertEqual(caught.exception.size, COMMIT_LIMIT + 2)
        self.assertEqual(caught.exception.limit, COMMIT_LIMIT)
        for key in (b"", bytes(KEY_LIMIT + 1), b"leader/x"):
            self.assertRaises(ValueError, self.commit, {key: b""})
        self.assertRaises(ValueError, self.commit, {}, {b"": 0})
        self.commit({bytes(KEY_LIMIT): b""})
        self.assertEqual(list(self.load()[1]), [bytes(KEY_LIMIT)])

    def test_counter(self) -> None:
        """Of writers that begin at the same revision, each is acknowledged exactly once."""
        acknowledged: list[int] = []
        most = self.stage.writers

        async def count() -> None:
            while True:
                entry = (await self.store.load(b"count"))[1].get(b"count", (b"0", 0))
                number = int(entry[0]) + 1
                document = b"history/%06d" % number
                try:
                    await self.store.commit(
                        {b"count": entry[1], document: 0},
                        {b"count": b"%d" % number, document: b"x"},
                    )
                except Conflict:
                    continue
                acknowledged.append(number)
                return

        self.stage.wait(gatherResults([Deferred.fromCoroutine(count()) for _ in range(most)]))
        self.assertEqual(sorted(acknowledged), list(range(1, most + 1)))
        self.assertEqual(self.load(b"count")[1][b"count"][0], b"%d" % most)
        self.assertEqual(len(self.load(b"history/")[1]), most)


class HistoryContract(Contract):
    """Many keys that sort by number: read from the end, bounded by count."""

    def setUp(self) -> None:
        """Seven documents, each with the current value beside it."""
        super().setUp()
        self.written = [
            self.commit({b"history/%03d" % number: b"%d" % number, b"now": b"x", b"zero": b"y"})
            for number in range(1, 8)
        ]

    def test_keys(self) -> None:
        """Keys come without their values, with what changed them last."""
        revision, keys = self.stage.wait(self.store.keys(b"history/"))
        self.assertEqual(revision, self.written[-1])
        expected = {b"history/%03d" % n: at for n, at in enumerate(self.written, 1)}
        self.assertEqual(keys, expected)

    def test_page(self) -> None:
        """Pages go from the highest key down, and end with an empty one."""
        seen, before = [], None
        while page := self.stage.wait(self.store.page(b"history/", before=before, limit=3)):
            self.assertLessEqual(len(page), 3)
            seen += [int(value) for _, value in page]
            before = page[-1][0]
        self.assertEqual(seen, [7, 6, 5, 4, 3, 2, 1])

    def test_page_limit(self) -> None:
        """A page of nothing is a mistake of the caller."""
        with self.assertRaises(ValueError):
            self.stage.wait(self.store.page(b"history/", limit=0))

    def test_prune(self) -> None:
        """Pruning leaves the highest keys, and everything outside of the prefix."""
        self.assertEqual(self.stage.wait(self.store.prune(b"history/", 2)), 5)
        left = [b"history/006", b"history/007", b"now", b"zero"]
        self.assertEqual(list(self.load()[1]), left)
        self.assertLess(self.written[-1], self.load()[0])

    def test_prune_nothing(self) -> None:
        """Pruning what is few enough is no revision."""
        self.assertEqual(self.stage.wait(self.store.prune(b"history/", 7)), 0)
        self.assertEqual(self.stage.wait(self.store.prune(b"none/", 0)), 0)
        self.assertEqual(self.load()[0], self.written[-1])

    def test_prune_all(self) -> None:
        """Nothing may be all that is kept."""
        self.assertEqual(self.stage.wait(self.store.prune(b"history/", 0)), 7)
        self.assertEqual(list(self.load()[1]), [b"now", b"zero"])


class WatchContract(Contract):
    """Hearing of what was written."""

    def watch(self, revision: int) -> tuple[list[Any], Callable[[], None]]:
        """What a watch from there is told, and its end."""
        told: list[Any] = []
        stop = self.store.watch(
            revision,
            lambda revision, changes: told.append((revision, list(changes))),
            lambda: told.append("reset"),
        )
        return told, stop

    def test_whole(self) -> None:
        """Each revision comes once, whole, in order, deletions included."""
        told, _ = self.watch(0)
        one = self.commit({b"a": b"1", b"b": b"2"})
        self.stage.idle()
        self.assertEqual(told, [(one, [(b"a", b"1"), (b"b", b"2")])])
        two = self.commit({b"a": None, b"none": None, b"c": b""})
        three = self.commit({b"c": b"3"})
        self.stage.idle()
        second = (two, [(b"a", None), (b"c", b"")])
        self.assertEqual(told[1:], [second, (three, [(b"c", b"3")])])

    def test_past(self) -> None:
        """A watch that starts late hears what it missed, from where it says it stands."""
        written = [self.commit({b"a": b"%d" % number}) for number in range(200)]
        told, _ = self.watch(written[149])
        self.assertEqual(told, [])
        self.stage.idle()
        self.assertEqual(told, [(written[n], [(b"a", b"%d" % n)]) for n in range(150, 200)])
        told, _ = self.watch(written[0])
        written.append(self.commit({b"b": b""}))
        self.stage.idle()
        self.assertEqual([revision for revision, _ in told], written[1:])

    def test_nothing_written(self) -> None:
        """What did not become a revision is not told."""
        told, _ = self.watch(0)
        self.commit({b"none": None})
        self.assertRaises(Conflict, self.commit, {b"a": b""}, {b"a": 1})
        self.stage.idle()
        self.assertEqual(told, [])

    def test_after_the_answer(self) -> None:
        """Whoever wrote has its answer before its watch hears of it."""
        order: list[Any] = []
        self.store.watch(0, lambda revision, changes: order.append(("told", revision)), nothing)

        async def write() -> None:
            for _ in range(3):
                order.append(("answered", await self.store.commit({}, {b"a": b"1"})))

        self.stage.wait(write())
        self.stage.idle()
        revisions = [revision for word, revision in order if word == "answered"]
        for revision in revisions:
            answered = order.index(("answered", revision))
            self.assertLess(answered, order.index(("told", revision)))

    def test_stop(self) -> None:
        """A stopped watch hears nothing, not even the rest of what was read already."""
        told, stop = self.watch(0)
        at = self.commit({b"a": b"1"})
        stop()
        stop()
        self.stage.idle()
        self.assertEqual(told, [])
        stops: list[Callable[[], None]] = []

        def once(revision: int, changes: object) -> None:
            told.append(revision)
            stops[0]()

        first, *_ = [self.commit({b"a": b"%d" % number}) for number in range(3)]
        stops.append(self.store.watch(at, once, nothing))
        self.stage.idle()
        self.assertEqual(told, [first])

    def test_failure(self) -> None:
        """What a watch raises is logged, and the next revision comes all the same."""
        told: list[int] = []

        def fail(revision: int, changes: object) -> None:
            told.append(revision)
            raise ZeroDivisionError

        self.store.watch(0, fail, nothing)
        written = [self.commit({b"a": b"1"}), self.commit({b"a": b"2"})]
        self.stage.idle()
        self.assertEqual(told, written)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_write_within(self) -> None:
        """A watch may write; what it wrote comes next."""
        told: list[int] = []

        def write(revision: int, changes: object) -> None:
            told.append(revision)
            if len(told) < 4:
                Deferred.fromCoroutine(self.store.commit({}, {b"a": b""}))

        self.store.watch(0, write, nothing)
        first = self.commit({b"a": b""})
        self.stage.idle()
        self.assertEqual(len(told), 4)
        self.assertEqual(told[0], first)
        self.assertEqual(told, sorted(set(told)))

    def test_reset(self) -> None:
        """A watch from a past that is no longer kept is told so, once, and is over."""
        self.begin(Kept(revisions=5))
        written = [self.commit({b"a": b"1"}) for _ in range(8)]
        self.stage.forget()
        told, _ = self.watch(written[1])
        kept, _ = self.watch(written[2])
        self.stage.idle()
        self.assertEqual(told, ["reset"])
        self.assertEqual([revision for revision, _ in kept], written[3:])
        self.commit({b"a": b"1"})
        self.stage.idle()
        self.assertEqual(told, ["reset"])
        self.assertEqual(len(kept), 6)

    def test_reset_failure(self) -> None:
        """What the end of a watch raises is logged."""
        self.store.watch(self.commit({b"a": b"1"}) + 1000, fail, fail)
        self.stage.idle()
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_future(self) -> None:
        """A watch from a revision that does not exist (the store was restored) starts over."""
        told, _ = self.watch(self.commit({b"a": b"1"}) + 1000)
        self.stage.idle()
        self.assertEqual(told, ["reset"])


class KeptContract(Contract):
    """Engines that bound the past by themselves."""

    def test_size(self) -> None:
        """The past is bounded by its size too, and the newest revision is always kept."""
        self.begin(Kept(size=100))
        for size in (10, 59, 39):
            self.commit({b"a": bytes(size)})
        told = self.watch(1)
        self.stage.idle()
        self.assertEqual([item[0] for item in told], [2, 3])
        self.commit({b"a": bytes(1000)})
        late, later = self.watch(3), self.watch(2)
        self.stage.idle()
        self.assertEqual(late, [(4, [(b"a", bytes(1000))])])
        self.assertEqual(later, ["reset"])

    def watch(self, revision: int) -> list[Any]:
        """What a watch from there is told."""
        told: list[Any] = []
        self.store.watch(
            revision,
            lambda revision, changes: told.append((revision, list(changes))),
            lambda: told.append("reset"),
        )
        return told


class LeadContract(Contract):
    """One leader at a time."""

    def setUp(self) -> None:
        """Two stores, of two nodes, where the engine can have them."""
        super().setUp()
        self.other = self.stage.store()

    def test_one(self) -> None:
        """The first candidate leads, the second does not."""
        first, second = self.candidates()
        self.assertTrue(first.leading)
        self.assertFalse(second.leading)
        self.assertRaises(NotLeading, second.fence)
        self.advance(60)
        self.assertTrue(first.leading)
        self.assertFalse(second.leading)

    def test_names(self) -> None:
        """Leaderships of other names have other leaders."""
        first = self.store.lead("acme", "one", 9.0)
        second = self.other.lead("dns", "two", 9.0)
        self.stage.idle()
        self.assertTrue(first.leading)
        self.assertTrue(second.leading)

    def test_resign(self) -> None:
        """One that resigns stops leading, and another one leads at its next attempt."""
        first, second = self.candidates()
        seen: list[tuple[str, bool]] = []
        first.observe(lambda leading: seen.append(("first", leading)))
        stop = second.observe(lambda leading: seen.append(("second", leading)))
        self.stage.wait(first.resign())
        self.stage.wait(first.resign())
        self.assertFalse(first.leading)
        self.advance(3.0)
        self.assertTrue(second.leading)
        self.assertEqual(seen, [("first", False), ("second", True)])
        stop()
        self.stage.wait(second.resign())
        self.assertEqual(len(seen), 2)

    def test_fence(self) -> None:
        """A commit behind a fence fails once another one leads."""
        first, second = self.candidates()
        fence = first.fence()
        self.commit({b"a": b"1"}, fence)
        self.stage.wait(first.resign())
        self.assertRaises(NotLeading, first.fence)
        self.advance(3.0)
        self.assertRaises(Conflict, self.commit, {b"a": b"2"}, fence)
        self.commit({b"a": b"3"}, second.fence())

    def test_ran_out(self) -> None:
        """A leader that slept through its time leads no more, and its fence is worth nothing."""
        first = self.store.lead("acme", "one", 9.0)
        self.stage.idle()
        fence = first.fence()
        seen: list[bool] = []
        first.observe(seen.append)
        self.stage.advance(20.0)
        self.assertEqual(seen, [False, True])
        self.assertNotEqual(first.fence(), fence)
        self.assertRaises(Conflict, self.commit, {b"a": b"1"}, fence)

    def test_watched(self) -> None:
        """Who leads can be watched, as any key."""
        told: list[Any] = []
        self.store.watch(0, lambda revision, changes: told.extend(changes), nothing)
        first, _ = self.candidates()
        self.advance(6.0)
        self.stage.wait(first.resign())
        self.advance(6.0)
        key = b"leader/acme"
        self.assertEqual(told, [(key, b"one"), (key, None), (key, b"two")])

    def test_observer_fails(self) -> None:
        """What an observer raises is logged, and the leadership stands."""
        first = self.store.lead("acme", "one", 9.0)
        stop = first.observe(fail)
        self.stage.idle()
        self.stage.advance(20.0)
        self.assertTrue(first.leading)
        self.assertGreater(len(self.flushLoggedErrors(ZeroDivisionError)), 0)
        stop()

    def candidates(self) -> tuple[Any, Any]:
        """Two for one leadership, the first of which leads."""
        first = self.store.lead("acme", "one", 9.0)
        self.stage.idle()
        second = self.other.lead("acme", "two", 9.0)
        self.stage.idle()
        return first, second

    def advance(self, seconds: float) -> None:
        """Let time go by in small steps, so that nobody sleeps through its time."""
        for _ in range(int(seconds)):
            self.stage.advance(1.0)


class CloseContract(Contract):
    """The end of a store."""

    def test_health(self) -> None:
        """A store that answers says so, with its revision."""
        at = self.commit({b"a": b"1"})
        health = self.stage.wait(self.store.health())
        self.assertEqual((health.usable, health.detail, health.revision), (True, "", at))

    def test_closed(self) -> None:
        """Whatever is asked for afterwards is unavailable, and asking is harmless."""
        self.store.watch(0, lambda revision, changes: self.fail("told"), nothing)
        self.commit({b"a": b"1"})
        self.stage.wait(self.store.close())
        self.stage.wait(self.store.close())
        self.assertRaises(Unavailable, self.commit, {b"a": b"1"})
        self.assertRaises(Unavailable, self.load)
        self.assertFalse(self.stage.wait(self.store.health()).usable)
        self.store.watch(0, lambda revision, changes: self.fail("told"), nothing)()
        self.assertEqual(self.stage.clock.getDelayedCalls(), [])

    def test_asked_before(self) -> None:
        """What was asked for before the end is done."""
        waiting = [Deferred.fromCoroutine(self.store.commit({}, {b"a": b"1"})) for _ in range(5)]
        self.stage.wait(self.store.close())
        revisions = [self.stage.wait(one) for one in waiting]
        self.assertEqual(revisions, sorted(set(revisions)))

    def test_leader(self) -> None:
        """A leader's store hands the leadership back."""
        election = self.store.lead("acme", "one", 9.0)
        self.stage.idle()
        self.stage.wait(self.store.close())
        self.assertFalse(election.leading)
        self.assertEqual(self.stage.clock.getDelayedCalls(), [])


SUBJECTS: tuple[type[Contract], ...] = (
    CommitContract,
    HistoryContract,
    WatchContract,
    LeadContract,
    CloseContract,
)
#: Of engines that keep the past themselves.
ALL = (*SUBJECTS, KeptContract)


def cases(
    module: str,
    make_stage: Callable[[Any, Kept], Stage],
    subjects: tuple[type[Contract], ...] = ALL,
) -> dict[str, type[Contract]]:
    """
    The test cases of the contract for one engine, by name, for C{globals().update}.

    @param module: of the engine's tests, C{__name__}.
    @param make_stage: a function (test, kept) -> stage, called once a test or more often.
    """
    return {
        (name := subject.__name__.replace("Contract", "Tests")): type(
            name,
            (subject,),
            {"__module__": module, "__doc__": subject.__doc__, "make_stage": make_stage},
        )
        for subject in subjects
    }
