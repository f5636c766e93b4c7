"""Tests of C{fiberlb.health.watch}."""

from __future__ import annotations

from itertools import repeat
from typing import Any

import attrs
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.rise_fall import Health, RiseFall
from fiberlb.health.checks.failure import CheckImpossible
from fiberlb.health.slots import Slots
from fiberlb.health.watch import Equipment, MemberWatch, Watched, label
from tests.health.scripted import MONITOR, LogLines, ScriptedChecks, member, plan


class WatchCase(SynchronousTestCase):
    """One member, scripted checks."""

    def setUp(self) -> None:
        """A clock, checks, and nothing random: the second check comes one interval later."""
        self.clock = Clock()
        self.checks = ScriptedChecks(self.clock)
        self.logged = LogLines()
        self.ends: list[bool] = []
        self.impossible: list[str] = []
        self.equipment = Equipment(
            clock=self.clock,
            wall=lambda: 1000.0 + self.clock.seconds(),
            randomness=lambda: 0.5,
            checks=self.checks.table,
            slots=Slots(10),
            ended=lambda watch, changed: self.ends.append(changed),
            impossible=lambda watch, reason: self.impossible.append(reason),
            log=self.logged.log,
        )

    def watched(self, **monitor: Any) -> Watched:
        """Member m with a monitor."""
        one = plan(member("m"))
        return Watched(
            pool=one.pool, member=one.members[0], monitor=attrs.evolve(MONITOR, **monitor)
        )

    def watch(self, machine: RiseFall | None = None, **monitor: Any) -> MemberWatch:
        """A watch that has been started, and ends with the test."""
        watch = MemberWatch(
            self.watched(**monitor), machine or RiseFall.starting(2, 3), self.equipment
        )
        self.addCleanup(watch.stop)
        watch.start(0)
        return watch


class BeatTests(WatchCase):
    """When checks begin."""

    def test_interval(self) -> None:
        """The first at once, the others an interval apart."""
        self.watch(interval=2.0)
        self.clock.pump([0.5] * 16)
        self.assertEqual(self.checks.times("m"), [0.0, 2.0, 4.0, 6.0, 8.0])

    def test_interval_down(self) -> None:
        """A member that is down is asked at another pace, from the check on that found it so."""
        self.checks.results["m"] = "refused"
        watch = self.watch(interval=2.0, interval_down=5.0)
        self.clock.pump([0.5] * 30)
        self.assertEqual(self.checks.times("m"), [0.0, 2.0, 7.0, 12.0])
        self.checks.results["m"] = None
        self.clock.pump([0.5] * 30)
        self.assertEqual(self.checks.times("m")[4:], [17.0, 22.0, 24.0, 26.0, 28.0, 30.0])
        watch.stop()
        self.clock.pump([0.5] * 30)
        self.assertEqual(len(self.checks.times("m")), 10)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_spread(self) -> None:
        """The second check comes half to one and a half intervals after the first."""
        for drawn, second in ((0.0, 1.0), (0.25, 1.5), (0.9999, 3.0)):
            self.equipment = attrs.evolve(self.equipment, randomness=repeat(drawn).__next__)
            self.checks.begun.clear()
            began = self.clock.seconds()
            watch = self.watch(interval=2.0)
            self.clock.pump([0.01] * 310)
            watch.stop()
            first, then = (when - began for when in self.checks.times("m")[:2])
            self.assertEqual(first, 0.0)
            self.assertApproximates(then, second, 0.02)

    def test_delay(self) -> None:
        """A watch may begin later."""
        watch = MemberWatch(self.watched(), RiseFall.joining(2, 3), self.equipment)
        watch.start(1.5)
        self.clock.advance(1.4)
        self.assertEqual(self.checks.begun, [])
        self.clock.advance(0.2)
        self.assertEqual(len(self.checks.begun), 1)
        watch.stop()

    def test_no_overlap(self) -> None:
        """A check that waits for its slot is not joined by a second one of the same member."""
        self.equipment = attrs.evolve(self.equipment, slots=Slots(1))
        other = self.equipment.slots.acquire(False)
        self.watch(interval=2.0)
        self.clock.pump([1.0] * 9)
        self.assertEqual(self.checks.begun, [])
        self.assertTrue(other.called)
        self.equipment.slots.release(False)
        self.assertEqual(self.checks.times("m"), [9.0])
        self.clock.pump([1.0] * 3)
        self.assertEqual(self.checks.times("m"), [9.0, 10.0, 12.0])

    def test_stop(self) -> None:
        """Stopping ends the check that runs, which counts no more, and leaves no timer."""
        self.checks.results["m"] = ...
        watch = self.watch()
        ended = watch.stop()
        self.successResultOf(ended)
        self.assertEqual(self.checks.running, {})
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual((watch.machine.health, self.ends), (Health.PROBING, []))
        self.successResultOf(watch.stop())

    def test_stop_anywhere(self) -> None:
        """No moment of stopping leaves a timer, a slot or a log line behind."""
        self.checks.results["m"] = ...
        for moment in (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.1, 4.0):
            watch = self.watch()
            self.clock.pump([0.1] * round(moment * 10))
            self.successResultOf(watch.stop())
            self.assertEqual(self.clock.getDelayedCalls(), [], moment)
            held = [self.equipment.slots.acquire(False) for _ in range(10)]
            self.assertTrue(all(d.called for d in held), moment)
            for _ in held:
                self.equipment.slots.release(False)
        self.assertTrue(all("down" in line for line in self.logged.lines), self.logged.lines)


class ResultTests(WatchCase):
    """What follows from checks."""

    def test_timeout(self) -> None:
        """A check that does not end is given up at its timeout, as a failure."""
        self.checks.results["m"] = ...
        watch = self.watch(timeout=1.0)
        self.clock.advance(0.99)
        self.assertEqual(watch.status().health, "probing")
        self.clock.advance(0.02)
        status = watch.status()
        self.assertEqual((status.health, status.reason), ("down", "timeout after 1s"))
        self.assertEqual(self.checks.running, {})

    def test_timeout_is_written_shortly(self) -> None:
        """The reason has the timeout as the configuration file writes it."""
        self.checks.results["m"] = ...
        watch = self.watch(timeout=1.5)
        self.clock.advance(1.5)
        self.assertEqual(watch.status().reason, "timeout after 1s500ms")

    def test_waiting_is_not_part_of_the_timeout(self) -> None:
        """A check that queued has all of its timeout once it begins."""
        self.equipment = attrs.evolve(self.equipment, slots=Slots(1))
        self.equipment.slots.acquire(False)
        self.checks.results["m"] = ...
        watch = self.watch(interval=10.0, timeout=1.0)
        self.clock.advance(5)
        self.equipment.slots.release(False)
        self.clock.advance(0.9)
        self.checks.answer("m")
        self.assertEqual(watch.status().health, "up")

    def test_status(self) -> None:
        """Health, reason and times follow the checks."""
        watch = self.watch(interval=2.0)
        status = watch.status()
        self.assertEqual(attrs.astuple(status), ("up", "", 1000.0, 1000.0, 1))
        self.checks.results["m"] = "connection refused"
        self.clock.pump([2.0] * 2)
        self.assertEqual(attrs.astuple(watch.status()), ("up", "", 1000.0, 1004.0, 1))
        self.clock.pump([2.0])
        self.assertEqual(
            attrs.astuple(watch.status()), ("down", "connection refused", 1006.0, 1006.0, 2)
        )
        self.checks.results["m"] = "timeout after 1s"
        self.clock.pump([2.0])
        self.assertEqual(
            attrs.astuple(watch.status()), ("down", "timeout after 1s", 1006.0, 1008.0, 2)
        )
        self.checks.results["m"] = None
        self.clock.pump([2.0] * 2)
        self.assertEqual(attrs.astuple(watch.status()), ("up", "", 1012.0, 1012.0, 3))

    def test_status_before_the_first_check(self) -> None:
        """A member that was not checked yet says so."""
        self.checks.results["m"] = ...
        status = self.watch().status()
        self.assertEqual(attrs.astuple(status), ("probing", "not checked yet", 1000.0, None, 0))

    def test_log(self) -> None:
        """Each transition is one line with who, from what to what, and why."""
        self.watch(interval=2.0)
        self.checks.results["m"] = "status 503, expected 200-299"
        self.clock.pump([2.0] * 5)
        self.checks.results["m"] = None
        self.clock.pump([2.0] * 5)
        self.assertEqual(
            self.logged.lines,
            [
                "debug: Member m (192.0.2.1:80) of pool pool is up, was probing: check passed",
                "warn: Member m (192.0.2.1:80) of pool pool is down, was up:"
                " status 503, expected 200-299",
                "info: Member m (192.0.2.1:80) of pool pool is up, was down: check passed",
            ],
        )
        event = self.logged.events[1]
        self.assertEqual(
            [event[key] for key in ("member_id", "pool", "old", "new", "reason")],
            ["m", "pool", "up", "down", "status 503, expected 200-299"],
        )

    def test_use_is_told(self) -> None:
        """Who listens is told of each check, and whether the use of the member changed."""
        self.watch(interval=2.0)
        self.checks.results["m"] = "x"
        self.clock.pump([2.0] * 4)
        self.assertEqual(self.ends, [False, False, False, True, False])

    def test_unforeseen_error(self) -> None:
        """An error in a check is a failure; it is logged once and the checks go on."""
        self.checks.results["m"] = ZeroDivisionError("x")
        watch = self.watch(interval=2.0)
        self.clock.pump([2.0] * 3)
        self.assertEqual(len(self.checks.begun), 4)
        self.assertEqual(watch.status().reason, "check failed (ZeroDivisionError)")
        failures = [e for e in self.logged.events if "log_failure" in e]
        self.assertEqual(len(failures), 1)

    def test_impossible(self) -> None:
        """A check that could not be made changes nothing and is passed on as such."""
        watch = self.watch(interval=2.0)
        before = watch.status()
        self.checks.results["m"] = CheckImpossible("too many open files")
        self.clock.pump([2.0] * 5)
        self.assertEqual(watch.status(), before)
        self.assertEqual(self.impossible, ["too many open files"] * 5)

    def test_failing_members_use_their_own_slots(self) -> None:
        """A member that failed its last check queues with the others that did."""
        self.equipment = attrs.evolve(self.equipment, slots=Slots(2))
        self.checks.results["m"] = "connection refused"
        self.watch(interval=2.0)
        self.equipment.slots.acquire(True)
        self.clock.advance(2)
        self.assertEqual(self.checks.times("m"), [0.0])
        self.assertEqual(self.equipment.slots.waiting, 1)
        self.equipment.slots.release(True)
        self.assertEqual(self.checks.times("m"), [0.0, 2.0])


class UpdateTests(WatchCase):
    """Another monitor for the same member."""

    def test_same(self) -> None:
        """What does not concern the check lets it go on."""
        watch = self.watch()
        one = attrs.evolve(watch.watched, member=attrs.evolve(watch.watched.member, weight=7))
        self.assertFalse(watch.update(one))
        self.assertEqual(watch.watched.member.weight, 7)

    def test_other_monitor(self) -> None:
        """The health stays, the check that runs is given up, thresholds and interval follow."""
        watch = self.watch(interval=2.0)
        self.checks.results["m"] = ...
        self.clock.advance(2)
        self.assertIn("m", self.checks.running)
        self.assertTrue(watch.update(self.watched(interval=4.0, fall=1)))
        self.assertEqual((self.checks.running, watch.status().health), ({}, "up"))
        self.checks.results["m"] = "connection refused"
        watch.start(0)
        self.assertEqual(watch.status().health, "down")
        self.clock.pump([1.0] * 8)
        self.assertEqual(self.checks.times("m"), [0.0, 2.0, 2.0, 6.0, 10.0])

    def test_other_monitor_port(self) -> None:
        """Being asked elsewhere is another check too."""
        watch = self.watch()
        moved = attrs.evolve(watch.watched.member, monitor_port=81)
        self.assertTrue(watch.update(attrs.evolve(watch.watched, member=moved)))
        self.assertEqual(watch.status().health, "up")


class LabelTests(SynchronousTestCase):
    """Names in the log."""

    def test_label(self) -> None:
        """Name and place, once where they are the same."""
        self.assertEqual(label(member("a")), "a (192.0.2.1:80)")
        self.assertEqual(label(member("192.0.2.1:80")), "192.0.2.1:80")
        self.assertEqual(label(member("", "2001:db8::1")), "[2001:db8::1]:80")
