"""Tests of L{fiberlb.health.outliers}."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.outliers import Outliers
from fiberlb.model.passive_health import PassiveHealth
from fiberlb.model.pool import ResolvedMember
from fiberlb.pool_plans import PoolPlan
from tests.health.scripted import MONITOR, LogLines, member, plan

TOLD = "5 failures in a row, the last one connect_refused"


class OutlierCase(SynchronousTestCase):
    """A pool of members a, b, c, d, and what is reported."""

    def setUp(self) -> None:
        """Nothing has failed."""
        self.clock = Clock()
        self.clock.advance(100)
        self.reports: list[tuple[str, bool]] = []
        self.logged = LogLines()
        self.outliers = Outliers(
            self.clock,
            lambda: 5000.0 + self.clock.seconds(),
            lambda ident, used: self.reports.append((ident, used)),
            self.logged.log,
        )
        self.addCleanup(lambda: self.assertEqual(self.clock.getDelayedCalls(), []))
        self.addCleanup(self.outliers.stop)
        self.plan: PoolPlan | None = None
        self.use()

    def use(self, *members: Any, **pool: Any) -> None:
        """Have a pool in force."""
        before, self.plan = self.plan, plan(*(members or map(member, "abcd")), **pool)
        self.outliers.apply([self.plan], [] if before is None else [before])

    def fail(self, *names: str, cause: str = "connect_refused") -> None:  # type: ignore[override]
        """These members fail too often."""
        for name in names:
            self.outliers.suspect(name, cause, TOLD)

    def reported(self) -> list[tuple[str, bool]]:
        """What was reported since this was asked last."""
        reports, self.reports[:] = self.reports[:], []
        return reports

    def ejected(self) -> str:
        """Who is ejected."""
        return "".join(name for name in "abcd" if self.outliers.ejection(name))


class EjectionTests(OutlierCase):
    """In and out."""

    def test_ejected(self) -> None:
        """For its time; both are told."""
        self.fail("a")
        self.assertEqual(self.reported(), [("a", False)])
        self.assertFalse(self.outliers.uses("a"))
        found = self.outliers.ejection("a")
        assert found is not None
        self.assertEqual((found.reason, found.since), (f"{TOLD}; for 30s", 5100.0))
        self.clock.advance(29.9)
        self.assertEqual(self.reported(), [])
        self.clock.advance(0.1)
        self.assertEqual(self.reported(), [("a", True)])
        self.assertEqual(self.ejected(), "")
        self.assertEqual(
            self.logged.lines,
            [
                f"warn: Member a (192.0.2.1:80) of pool pool is ejected for 30s: {TOLD}",
                "info: Member a (192.0.2.1:80) of pool pool is not ejected any more:"
                " its time is over",
            ],
        )

    def test_told_twice(self) -> None:
        """Several processes say so, and it happens once; nobody knows members that are gone."""
        self.fail("a", "a", "gone")
        self.assertEqual(self.reported(), [("a", False)])
        self.assertEqual(self.outliers.ejections, {"a": 1})

    def test_longer_and_longer(self) -> None:
        """Twice as long each time, ten times at most; forgotten when it has been good as long."""
        lengths = []
        for _ in range(6):
            self.fail("a")
            began = self.clock.seconds()
            while self.ejected():
                self.clock.advance(1)
            lengths.append(self.clock.seconds() - began)
            self.clock.advance(1)
        self.assertEqual(lengths, [30, 60, 120, 240, 300, 300])
        self.clock.advance(300)
        self.fail("a")
        self.clock.advance(30)
        self.assertEqual(self.ejected(), "")
        self.assertEqual(self.outliers.ejections, {"a": 7})

    def test_most(self) -> None:
        """Half of them; another one when one is back."""
        self.fail("a", "b", "c")
        self.assertEqual(self.ejected(), "ab")
        self.clock.advance(30)
        self.fail("c")
        self.assertEqual(self.ejected(), "c")

    def test_last(self) -> None:
        """The last one that serves stays; nobody stays out when it goes by other means."""
        self.outliers.checked("b", False)
        self.outliers.checked("c", False)
        self.fail("a", "d")
        self.assertEqual(self.ejected(), "a")
        self.reported()
        self.outliers.checked("d", False)
        self.assertEqual(self.reported(), [("d", False), ("a", True)])
        self.assertEqual(self.ejected(), "")

    def test_restrained(self) -> None:
        """One that takes nothing new by order is neither ejected nor counted on."""
        self.outliers.restrain(frozenset("abc"))
        self.fail("a", "d")
        self.assertEqual(self.ejected(), "")
        self.outliers.restrain(frozenset())
        self.fail("a")
        self.outliers.restrain(frozenset("bcd"))
        self.assertEqual(self.ejected(), "")


class CheckTests(OutlierCase):
    """Beside the checks."""

    def test_passed(self) -> None:
        """A check that could see what was wrong brings it back; one that could not does not."""
        self.fail("a")
        self.fail("b", cause="status 500")
        self.outliers.passed("a")
        self.outliers.passed("b")
        self.outliers.passed("c")
        self.assertEqual(self.ejected(), "b")
        self.clock.advance(30)

    def test_both(self) -> None:
        """It is used when both say so; seen to fail and to pass, it is back at once."""
        self.fail("a", cause="status 500")
        self.outliers.checked("a", False)
        self.assertEqual(self.reported(), [("a", False), ("a", False)])
        self.outliers.checked("a", True)
        self.assertEqual(self.reported(), [("a", True)])

    def test_down_meanwhile(self) -> None:
        """One that is down when its time is over stays so."""
        self.fail("a")
        self.outliers.checked("a", False)
        self.clock.advance(30)
        self.assertFalse(self.outliers.uses("a"))
        self.outliers.checked("a", True)
        self.assertTrue(self.outliers.uses("a"))


class ChangeTests(OutlierCase):
    """Other configurations."""

    def test_kept(self) -> None:
        """Who is ejected stays so."""
        self.fail("a")
        self.use(slow_start=5.0)
        self.assertEqual(self.ejected(), "a")
        self.fail("b", "c")
        self.assertEqual(self.ejected(), "ab")

    def test_address(self) -> None:
        """Another server there has not failed."""
        self.fail("a")
        self.use(member("a", "192.0.2.9"), *map(member, "bcd"))
        self.assertEqual((self.ejected(), self.outliers.ejections), ("", {}))
        self.assertTrue(self.outliers.uses("a"))

    def test_gone(self) -> None:
        """One that is gone is forgotten, and not reported."""
        self.fail("a")
        self.reported()
        self.use(*map(member, "bcd"))
        self.assertEqual((self.ejected(), self.reported()), ("", []))
        self.use(enabled=False)
        self.fail("b")
        self.assertEqual(self.reported(), [])

    def test_off(self) -> None:
        """Nobody stays ejected."""
        self.fail("a")
        self.reported()
        self.use(passive_health=None)
        self.assertEqual((self.ejected(), self.reported()), ("", [("a", True)]))

    def test_time(self) -> None:
        """Another length, from the next one on."""
        self.use(passive_health=PassiveHealth(eject_for=1.0), monitor=None)
        self.fail("a")
        self.clock.advance(1)
        self.assertEqual(self.ejected(), "")


class PanicTests(OutlierCase):
    """So few that all are used."""

    def setUp(self) -> None:
        """Half of them must serve."""
        super().setUp()
        self.use(panic_threshold_percent=50, monitor=MONITOR)

    def test_panic(self) -> None:
        """Below the threshold everybody serves; above it those that are well."""
        self.outliers.checked("a", False)
        self.fail("b")
        self.assertEqual(self.outliers.panicking, [])
        self.reported()
        self.logged.events.clear()
        self.outliers.checked("c", False)
        self.assertEqual(self.outliers.panicking, ["p"])
        self.assertEqual(dict(self.reported()), {"a": True, "b": True, "c": True})
        self.assertTrue(all(map(self.outliers.uses, "abcd")))
        self.outliers.checked("c", True)
        self.assertEqual(dict(self.reported()), {"a": False, "b": False, "c": True})
        self.assertEqual(self.outliers.panicking, [])
        self.assertEqual(
            self.logged.lines,
            [
                "warn: Pool pool: 1 of 4 members may serve: all are used, whatever their health",
                "info: Pool pool: 2 of 4 members may serve: the others are left alone",
            ],
        )

    def test_restrained(self) -> None:
        """Members that are drained are missing, too."""
        self.outliers.restrain(frozenset("ab"))
        self.assertEqual(self.outliers.panicking, [])
        self.outliers.checked("c", False)
        self.assertEqual(self.outliers.panicking, ["p"])
        self.assertTrue(self.outliers.uses("c"))

    def test_changes(self) -> None:
        """It goes on with other configurations, and ends with one without it."""
        for name in "abc":
            self.outliers.checked(name, False)
        self.logged.events.clear()
        self.use(panic_threshold_percent=60, monitor=MONITOR)
        self.assertEqual(self.logged.lines, [])
        self.assertTrue(self.outliers.uses("a"))
        self.use()
        self.assertFalse(self.outliers.uses("a"))
        self.assertEqual(len(self.logged.lines), 1)


class NameTests(OutlierCase):
    """A member by name, at several addresses."""

    def test_restrained(self) -> None:
        """What is ordered of it goes for each of them; each is judged by itself."""
        parts = [
            ResolvedMember(id=f"n/{n}", name="n", address=f"192.0.2.{n}", port=80, host="n", of="n")
            for n in (1, 2)
        ]
        self.use(*parts, member("a"))
        self.outliers.restrain(frozenset("n"))
        self.fail("n/1", "n/2", "a")
        self.assertEqual(self.outliers.ejections, {})
        self.outliers.restrain(frozenset())
        self.fail("n/2")
        self.assertEqual(self.outliers.ejections, {"n/2": 1})
        self.assertTrue(self.outliers.uses("n/1"))
