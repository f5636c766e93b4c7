"""Tests of C{fiberlb.health.monitor}."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from typing import Any

import attrs
from twisted.internet.defer import CancelledError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.checks.failure import CheckImpossible
from fiberlb.health.monitor import FIRST_CHECKS_PER_SECOND, HealthService
from fiberlb.model.health_monitor import InitialState
from fiberlb.model.pool import Member, ResolvedMember
from tests.health.scripted import MONITOR, LogLines, ScriptedChecks, member, plan, snapshot


class ServiceCase(SynchronousTestCase):
    """A service with scripted checks, and what it reports."""

    def setUp(self) -> None:
        """A service that nothing was applied to."""
        self.clock = Clock()
        self.clock.advance(100)
        self.checks = ScriptedChecks(self.clock)
        self.logged = LogLines()
        self.reports: list[tuple[str, bool]] = []
        self.service = self.make()

    def make(self, at_once: int = 100) -> HealthService:
        """A service that ends with the test."""
        drawn: Iterator[float] = cycle((0.5,))
        service = HealthService(
            self.clock,
            self.checks.table,
            lambda: next(drawn),
            lambda ident, usable: self.reports.append((ident, usable)),
            self.logged.log,
            wall=lambda: 5000.0 + self.clock.seconds(),
            at_once=at_once,
        )
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(service.stop)
        return service

    def reported(self) -> list[tuple[str, bool]]:
        """What was reported since this was asked last."""
        reports = self.reports[:]
        self.reports.clear()
        return reports

    def health(self, *names: str) -> list[str]:
        """The health of members."""
        return [self.service.status(name).health for name in names]


class StartTests(ServiceCase):
    """The first snapshot."""

    def test_first_round(self) -> None:
        """All are checked at once, serve meanwhile, and one result decides."""
        self.checks.results.update({"a": ..., "b": "connection refused"})
        self.service.apply(snapshot(plan(member("a"), member("b"), member("c"))))
        self.assertEqual({when for when, _ in self.checks.begun}, {100.0})
        self.assertEqual(self.health("a", "b", "c"), ["probing", "down", "up"])
        self.assertEqual([self.service.usable(m) for m in "abc"], [True, False, True])
        self.assertEqual(
            sorted(self.reported()), [("a", True), ("b", False), ("b", True), ("c", True)]
        )

    def test_first_round_tells_its_end(self) -> None:
        """Whoever waits for the round is told when the last first check has ended."""
        early = self.service.first_round()
        self.checks.results.update({"a": ..., "b": ...})
        self.service.apply(snapshot(plan(member("a"), member("b"))))
        late = self.service.first_round()
        self.checks.answer("a")
        self.assertNoResult(early)
        self.clock.advance(1)
        self.successResultOf(early)
        self.successResultOf(late)
        self.successResultOf(self.service.first_round())
        self.assertEqual(self.health("a", "b"), ["up", "down"])

    def test_first_round_without_monitors(self) -> None:
        """Members that nobody checks are not waited for."""
        self.service.apply(snapshot(plan(member("a"), monitor=None)))
        self.successResultOf(self.service.first_round())

    def test_first_round_of_members_that_go(self) -> None:
        """A member that is removed within the round is not waited for."""
        self.checks.results["a"] = ...
        self.service.apply(snapshot(plan(member("a"))))
        waiting = self.service.first_round()
        self.service.apply(snapshot(plan()))
        self.successResultOf(waiting)

    def test_first_round_given_up(self) -> None:
        """Waiting may be given up."""
        waiting = self.service.first_round()
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.service.apply(snapshot(plan(member("a"))))

    def test_all_are_checked(self) -> None:
        """Weight 0 and backup members are checked like others; disabled pools are not."""
        self.service.apply(
            snapshot(
                plan(member("a", weight=0), member("b", backup=True)),
                plan(member("off"), enabled=False),
            )
        )
        self.assertEqual(sorted(name for _, name in self.checks.begun), ["a", "b"])
        self.assertEqual(self.health("off"), ["unmonitored"])

    def test_initial_state(self) -> None:
        """A health that is to be assumed is left by fall failures or rise successes."""
        up = attrs.evolve(MONITOR, initial_state=InitialState.UP)
        down = attrs.evolve(MONITOR, initial_state=InitialState.DOWN)
        self.checks.results["u"] = "connection refused"
        self.service.apply(snapshot(plan(member("u"), monitor=up), plan(member("d"), monitor=down)))
        self.assertEqual(self.reported(), [("u", True), ("d", False)])
        seen = [self.health("u", "d")]
        for _ in range(2):
            self.clock.advance(2)
            seen.append(self.health("u", "d"))
        self.assertEqual(seen, [["up", "down"], ["up", "up"], ["down", "up"]])
        self.assertEqual(self.reported(), [("d", True), ("u", False)])

    def test_many(self) -> None:
        """Thousands of members do not mean thousands of checks at once."""
        self.service = self.make(at_once=100)
        names = [f"m{number}" for number in range(1000)]
        self.checks.results.update(dict.fromkeys(names, ...))
        self.service.apply(snapshot(plan(*map(member, names))))
        done = self.service.first_round()
        self.assertEqual(len(self.checks.running), 100)
        for _ in range(1000):
            self.checks.answer(next(iter(self.checks.running)))
            if len(self.checks.begun) == 1000 and not self.checks.running:
                break
        self.assertEqual(self.checks.most, 100)
        self.successResultOf(done)
        self.assertEqual(set(self.health(*names)), {"up"})

    def test_many_that_answer_at_once(self) -> None:
        """Thousands of checks that end as they begin do not exhaust the stack."""
        self.service = self.make(at_once=1)
        self.service.apply(snapshot(plan(*(member(f"m{n}") for n in range(3000)))))
        self.successResultOf(self.service.first_round())


class ChangeTests(ServiceCase):
    """Further snapshots."""

    def setUp(self) -> None:
        """Member a serves already."""
        super().setUp()
        self.a = member("a")
        self.service.apply(snapshot(plan(self.a)))
        self.reported()

    def test_added_member(self) -> None:
        """A member added while running serves after one success, which comes at once."""
        self.checks.results["b"] = ...
        self.service.apply(snapshot(plan(self.a, member("b"))))
        self.clock.advance(0.01)
        self.assertEqual(self.reported(), [("b", False)])
        self.assertEqual(self.health("a", "b"), ["up", "probing"])
        self.checks.answer("b")
        self.assertEqual(self.reported(), [("b", True)])
        self.assertEqual(self.health("b"), ["up"])

    def test_added_member_that_starts_slowly(self) -> None:
        """It is down until it answers, and needs one answer then."""
        self.checks.results["b"] = "connection refused"
        self.service.apply(snapshot(plan(self.a, member("b"))))
        self.assertEqual(self.health("b"), ["down"])
        self.clock.advance(2)
        self.checks.results["b"] = None
        self.clock.advance(2)
        self.assertEqual(self.reported(), [("b", False), ("b", True)])

    def test_many_added(self) -> None:
        """The first checks of many that join are spread, within one interval."""
        count = 300
        drawn = cycle(number / count for number in range(count))
        self.service = HealthService(
            self.clock,
            self.checks.table,
            lambda: next(drawn),
            lambda ident, usable: None,
            self.logged.log,
        )
        self.addCleanup(self.service.stop)
        self.service.apply(snapshot(plan(self.a)))
        slow = attrs.evolve(MONITOR, interval=60.0)
        for monitor, window in ((MONITOR, 2.0), (slow, count / FIRST_CHECKS_PER_SECOND)):
            self.checks.begun.clear()
            fresh = [member(f"{window}-{number}") for number in range(count)]
            began = self.clock.seconds()
            self.service.apply(snapshot(plan(*fresh, monitor=monitor)))
            self.assertLessEqual(len(self.checks.begun), 1)
            self.clock.pump([0.01] * int(window * 100))
            first = {name: when for when, name in reversed(self.checks.begun) if name != "a"}
            self.assertEqual(len(first), count)
            halfway = sum(when - began < window / 2 for when in first.values())
            self.assertGreater(halfway, count // 3)
            self.assertLess(halfway, count * 2 // 3)

    def test_unchanged(self) -> None:
        """What did not change is not asked again and keeps its rhythm."""
        for _ in range(5):
            self.service.apply(snapshot(plan(attrs.evolve(self.a, weight=3))))
        self.clock.advance(2)
        self.assertEqual(self.checks.times("a"), [100.0, 102.0])
        self.assertEqual(self.reported(), [])

    def test_removed(self) -> None:
        """A member that is gone is not checked and not known any more."""
        self.service.apply(snapshot(plan()))
        self.clock.pump([1] * 5)
        self.assertEqual(self.checks.times("a"), [100.0])
        self.assertEqual(self.health("a"), ["unmonitored"])
        self.assertEqual(self.reported(), [])

    def test_removed_while_checked(self) -> None:
        """The check that runs is given up and does not count."""
        self.checks.results["a"] = ...
        self.clock.advance(2)
        self.service.apply(snapshot())
        self.assertEqual(self.checks.running, {})
        self.assertEqual(self.reported(), [])

    def test_disabled_pool(self) -> None:
        """Members of a pool that is switched off are left alone until it is on again."""
        self.service.apply(snapshot(plan(self.a, enabled=False)))
        self.clock.pump([1] * 5)
        self.assertEqual(self.checks.times("a"), [100.0])
        self.service.apply(snapshot(plan(self.a)))
        self.assertEqual(self.reported(), [("a", False), ("a", True)])

    def test_moved(self) -> None:
        """A member at another address is another server: it begins anew."""
        self.checks.results["a"] = ...
        self.service.apply(snapshot(plan(member("a", port=81))))
        self.assertEqual(self.reported(), [("a", False)])
        status = self.service.status("a")
        self.assertEqual((status.health, status.transitions), ("probing", 0))
        self.checks.answer("a")
        self.assertEqual(self.reported(), [("a", True)])

    def test_changed_monitor(self) -> None:
        """Another monitor asks again and keeps the health."""
        self.checks.results["a"] = "connection refused"
        changed = attrs.evolve(MONITOR, url_path="/ready", fall=2)
        self.service.apply(snapshot(plan(self.a, monitor=changed)))
        self.assertEqual(self.health("a"), ["up"])
        self.assertEqual(self.checks.times("a"), [100.0, 100.0])
        self.clock.advance(2)
        self.assertEqual(self.health("a"), ["down"])
        self.assertEqual(self.reported(), [("a", False)])

    def test_monitor_removed(self) -> None:
        """Without a monitor a member serves, also one that was down."""
        self.checks.results["a"] = "connection refused"
        self.clock.pump([2] * 3)
        self.service.apply(snapshot(plan(self.a, monitor=None)))
        self.assertEqual(self.reported(), [("a", False), ("a", True)])
        self.assertEqual(self.health("a"), ["unmonitored"])
        self.assertEqual(
            self.logged.lines[-1],
            "info: Member a (192.0.2.1:80) of pool pool is unmonitored, was down:"
            " no health monitor any more",
        )

    def test_monitor_added(self) -> None:
        """Members that served unchecked go on serving until fall checks have failed."""
        self.service.apply(snapshot(plan(self.a, monitor=None)))
        self.checks.results["a"] = "connection refused"
        self.service.apply(snapshot(plan(self.a)))
        self.assertEqual((self.health("a"), self.reported()), (["probing"], []))
        self.clock.pump([2] * 2)
        self.assertEqual((self.health("a"), self.reported()), (["down"], [("a", False)]))

    def test_unmonitored_are_reported_once(self) -> None:
        """A member without a monitor is usable from the moment it is known."""
        for weight in (1, 2):
            self.service.apply(
                snapshot(plan(self.a), plan(member("b", weight=weight), monitor=None))
            )
        self.assertEqual(self.reported(), [("b", True)])

    def test_same_plan(self) -> None:
        """A pool whose plan is the same object is not looked at."""
        looks: list[None] = []

        class Looked(tuple[Member, ...]):
            def __iter__(self) -> Iterator[Member]:
                looks.append(None)
                return super().__iter__()

        same = attrs.evolve(plan(), members=Looked([member("b")]))
        self.service.apply(snapshot(plan(self.a), same))
        looks.clear()
        self.service.apply(snapshot(plan(self.a, monitor=None), same))
        self.assertEqual(looks, [])
        self.clock.advance(2)
        self.assertEqual(len(self.checks.times("b")), 2)
        self.assertEqual(self.health("a", "b"), ["unmonitored", "up"])


def part(name: str, address: str, of: str = "") -> ResolvedMember:
    """A member at an address of C{db.test}."""
    fields = {"id": name, "name": name, "address": address, "port": 80, "pool_id": "p"}
    return ResolvedMember(**fields, host="db.test", of=of or name)  # type: ignore[arg-type]


class NameTests(ServiceCase):
    """Members whose addresses are those of a name."""

    def test_moved_alone(self) -> None:
        """The only member moves: it serves at once, and one result decides."""
        self.service.apply(snapshot(plan(part("a", "192.0.2.1"))))
        self.checks.results["a"] = ...
        self.reported()
        self.service.apply(snapshot(plan(part("a", "192.0.2.2"))))
        self.assertEqual((self.health("a"), self.reported()), (["probing"], [("a", True)]))
        self.checks.answer("a")
        self.assertEqual(self.health("a"), ["up"])

    def test_all_replaced(self) -> None:
        """None of the addresses is left: the new ones serve at once."""
        self.service.apply(snapshot(plan(part("a", "192.0.2.1"), part("b", "192.0.2.2"))))
        self.checks.results.update({"c": ..., "d": ...})
        self.reported()
        self.service.apply(snapshot(plan(part("c", "192.0.2.3"), part("d", "192.0.2.4"))))
        self.assertEqual(sorted(self.reported()), [("c", True), ("d", True)])

    def test_added(self) -> None:
        """Where another one serves, a new address serves after one success, as any member."""
        self.service.apply(snapshot(plan(part("a", "192.0.2.1"))))
        self.checks.results["b"] = ...
        self.reported()
        self.service.apply(snapshot(plan(part("a", "192.0.2.1"), part("b", "192.0.2.2"))))
        self.assertEqual(self.reported(), [("b", False)])
        self.checks.answer("b")
        self.assertEqual(self.reported(), [("b", True)])

    def test_held(self) -> None:
        """Maintenance of a member is that of all of its addresses, also of those that come."""
        one, two = part("x", "192.0.2.1", "m"), part("y", "192.0.2.2", "m")
        self.service.apply(snapshot(plan(one, member("c"))))
        self.service.hold(frozenset({"m"}))
        self.service.apply(snapshot(plan(one, two, member("c"))))
        begun = len(self.checks.begun)
        self.clock.pump([1.0] * 20)
        self.assertEqual({name for _, name in self.checks.begun[begun:]}, {"c"})
        self.assertEqual(self.health("x", "y", "c"), ["unmonitored", "unmonitored", "up"])
        self.service.hold(frozenset())
        self.assertEqual(self.health("x", "y"), ["up", "up"])

    def test_moved_plainly(self) -> None:
        """A member that is configured at another address has to be checked first, as ever."""
        self.service.apply(snapshot(plan(member("a", "192.0.2.1"))))
        self.checks.results["a"] = ...
        self.reported()
        self.service.apply(snapshot(plan(member("a", "192.0.2.2"))))
        self.assertEqual(self.reported(), [("a", False)])


class TroubleTests(ServiceCase):
    """What goes wrong here rather than there."""

    def test_impossible(self) -> None:
        """Without descriptors nobody goes down; it is told once a minute."""
        self.service.apply(snapshot(plan(member("a"), member("b"))))
        self.reported()
        shortage: Any = CheckImpossible("too many open files")
        self.checks.results.update({"a": shortage, "b": shortage})
        with self.logged.new() as lines:
            self.clock.pump([1] * 59)
        self.assertEqual(
            lines, ["error: Checks cannot be made, health stays as it is: too many open files"]
        )
        self.assertEqual((self.health("a", "b"), self.reported()), (["up", "up"], []))
        with self.logged.new() as lines:
            self.clock.pump([1] * 10)
        self.assertEqual(len(lines), 1)

    def test_impossible_at_the_start(self) -> None:
        """The first round ends also when no check can be made."""
        self.checks.results["a"] = CheckImpossible("too many open files")
        self.service.apply(snapshot(plan(member("a"))))
        self.successResultOf(self.service.first_round())
        self.assertEqual((self.health("a"), self.service.usable("a")), (["probing"], True))

    def test_stop(self) -> None:
        """Stopping gives up what runs and fires when it has ended; nothing is reported."""
        self.checks.results.update({"a": ..., "b": None})
        self.service.apply(snapshot(plan(member("a"), member("b"))))
        waiting = self.service.first_round()
        self.reported()
        self.successResultOf(self.service.stop())
        self.successResultOf(waiting)
        self.assertEqual((self.checks.running, self.reported()), ({}, []))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_again(self) -> None:
        """A service that was stopped checks again when a snapshot is applied, the same one too."""
        first = snapshot(plan(member("a")))
        self.service.apply(first)
        self.service.stop()
        self.service.apply(first)
        self.assertEqual(self.checks.times("a"), [100.0, 100.0])

    def test_stop_before_the_start(self) -> None:
        """Stopping a service that nothing was applied to is fine, twice too."""
        waiting = self.service.first_round()
        self.successResultOf(self.service.stop())
        self.successResultOf(self.service.stop())
        self.successResultOf(waiting)


class HoldTests(ServiceCase):
    """Members that are not checked for a while."""

    def setUp(self) -> None:
        """Two members are up."""
        super().setUp()
        self.service.apply(snapshot(plan(member("a"), member("b"))))
        self.clock.pump([1.0] * 10)
        self.reported()
        self.checks.begun.clear()

    def test_held(self) -> None:
        """It is not asked, it says so, and what it was is not reported anew."""
        self.service.hold(frozenset({"a"}))
        self.clock.pump([1.0] * 20)
        self.assertEqual({name for _, name in self.checks.begun}, {"b"})
        self.assertEqual(self.health("a", "b"), ["unmonitored", "up"])
        self.assertEqual(self.reported(), [])

    def test_back(self) -> None:
        """It is asked at once, and serves after its first success."""
        self.service.hold(frozenset({"a"}))
        self.clock.pump([1.0] * 5)
        self.checks.results["a"] = "connection refused"
        self.service.hold(frozenset())
        self.assertEqual(self.reported(), [("a", False)])
        self.clock.pump([1.0] * 5)
        self.assertEqual(self.health("a"), ["down"])
        self.checks.results["a"] = None
        self.clock.pump([1.0] * 10)
        self.assertEqual(self.reported(), [("a", True)])
        self.assertEqual(self.health("a"), ["up"])

    def test_before_the_start(self) -> None:
        """It is not waited for in the first round, and stays out over changes."""
        self.service.stop()
        service = self.service = self.make()
        service.hold(frozenset({"c"}))
        service.apply(snapshot(plan(member("c"), member("d"))))
        self.successResultOf(service.first_round())
        service.apply(snapshot(plan(member("c"), member("d"), member("e"))))
        self.clock.pump([1.0] * 10)
        self.assertNotIn("c", {name for _, name in self.checks.begun})
        service.hold(frozenset())
        self.assertIn("c", {name for _, name in self.checks.begun})
