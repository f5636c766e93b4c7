"""Tests for the run of all scenarios: what it asks, and how long it takes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.everything import SCENARIOS, plan
from benchmarks.goals import GOALS
from benchmarks.idle import QUESTIONS
from benchmarks.proxies import PROXIES
from benchmarks.report import FIRST_PAGE, NAMES


class ScenarioTests(SynchronousTestCase):
    """What is asked fits together."""

    def setUp(self) -> None:
        self.names = [s.name for s in SCENARIOS] + [name for name, _, _ in QUESTIONS]

    def test_names(self) -> None:
        """No two scenarios share a name, and their proxies exist."""
        self.assertEqual(len(self.names), len(set(self.names)))
        used = {proxy for scenario in SCENARIOS for proxy in scenario.proxies}
        self.assertEqual(used - set(PROXIES), set())
        self.assertEqual(set(NAMES), set(PROXIES))

    def test_goals(self) -> None:
        """Goals and the rows of the README belong to scenarios that are run."""
        wanted = {*GOALS, *FIRST_PAGE, *(g.beside for g in GOALS.values() if g.beside)}
        self.assertEqual(wanted - set(self.names), set())

    def test_files(self) -> None:
        """A file has the same size in each scenario that uses it."""
        sizes: dict[str, int] = {}
        for scenario in SCENARIOS:
            for name, size in scenario.files.items():
                self.assertEqual(sizes.setdefault(name, size), size, name)


class PlanTests(SynchronousTestCase):
    """The time that is given is used, and said."""

    def test_fits(self) -> None:
        """With time enough, the plan takes no longer than that."""
        for minutes in (8, 15, 30, 60):
            found = plan(minutes, SCENARIOS, list(PROXIES), idle=True)
            self.assertLessEqual(found.total, minutes * 60)
            self.assertGreaterEqual(found.rounds, 3)

    def test_too_little(self) -> None:
        """With too little there is one short round, and the plan says what it takes."""
        found = plan(0, SCENARIOS, list(PROXIES), idle=True)
        self.assertEqual((found.rounds, found.seconds), (1, 1))
        self.assertGreater(found.total, 60)

    def test_longer(self) -> None:
        """With much there are longer samples, and at least five of them."""
        found = plan(60, SCENARIOS, list(PROXIES), idle=True)
        self.assertGreater(found.seconds, 2)
        self.assertGreaterEqual(found.rounds, 5)
