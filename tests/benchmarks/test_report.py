"""Tests for the tables that people read."""

from __future__ import annotations

from typing import Any

import docutils.core
import docutils.nodes
from twisted.trial.unittest import SynchronousTestCase

from benchmarks.goals import GOALS, Goal, figure, verdict
from benchmarks.report import between, comparison, goals, show, variants
from tests.support.sources import ROOT


def row(median: float, ratio: float | None, errors: int = 0) -> dict[str, Any]:
    """A row of a report's table."""
    return {
        "min": median,
        "median": median,
        "ratio_min": ratio,
        "ratio_median": ratio,
        "errors": errors,
    }


def report(name: str, table: dict[str, Any], unit: str = "CPU us per request") -> dict[str, Any]:
    """A report of one scenario."""
    return {"scenario": name, "title": f"About {name}", "unit": unit, "table": table}


def cells(table: str) -> list[list[str]]:
    """The cells of a table of reStructuredText, read as its readers do."""
    quiet = {"report_level": 1, "halt_level": 1}
    document = docutils.core.publish_doctree(table, settings_overrides=quiet)
    return [
        [entry.astext() for entry in line.children] for line in document.findall(docutils.nodes.row)
    ]


class ComparisonTests(SynchronousTestCase):
    """HAProxy's figure, and multiples of it."""

    def test_table(self) -> None:
        """A row for each scenario, a column for each proxy that was in any of them."""
        found = cells(
            comparison(
                [
                    report("a", {"haproxy": row(20.0, 1.0), "fiberlb": row(30.0, 1.5)}),
                    report("b", {"haproxy": row(1.1, 1.0)}, "CPU ms per GB"),
                    report("c", {"haproxy": row(1.1, 1.0)}, "KiB per connection"),
                ]
            )
        )
        self.assertEqual(
            found,
            [
                ["Scenario", "HAProxy", "FiberLB"],
                ["About a", "20.0 us", "1.50"],
                ["About b", "1.1 ms/GB", "\N{EN DASH}"],
                ["About c", "1.1 KiB", "\N{EN DASH}"],
            ],
        )

    def test_errors(self) -> None:
        """A figure with errors in it is marked."""
        found = cells(
            comparison([report("a", {"haproxy": row(20.0, 1.0), "nginx": row(2.0, 0.1, 1)})])
        )
        self.assertEqual(found[1][2], "0.10 (errors)")

    def test_no_reference(self) -> None:
        """Where HAProxy did not take part, figures stand for themselves."""
        found = cells(comparison([report("a", {"fiberlb": row(30.0, None)})]))
        self.assertEqual(found[1], ["About a", "\N{EN DASH}", "30.0 us"])

    def test_variants(self) -> None:
        """FiberLB's variants beside it; nothing at all without any."""
        table = {"fiberlb": row(20.0, 1.0), "fiberlb-epoll": row(25.0, 1.2)}
        found = cells(variants([report("a", table)]))
        self.assertEqual(found[1], ["FiberLB on the stock reactor: About a", "25.0 us", "1.25"])
        self.assertEqual(variants([report("a", {"fiberlb": row(20.0, 1.0)})]), "")

    def test_terminal(self) -> None:
        """The terminal's table has a line for each proxy."""
        lines: list[str] = []
        show(report("a", {"haproxy": row(20.0, 1.0), "fiberlb": row(30.0, 1.5)}), lines.append)
        self.assertEqual(lines[-1].split()[:5], ["fiberlb", "30.0", "30.0", "1.50", "1.50"])


class GoalTests(SynchronousTestCase):
    """FiberLB's figures beside its goals."""

    def test_ratio(self) -> None:
        """Most goals are multiples of HAProxy's figure."""
        found = cells(goals([report("keepalive", {"fiberlb": row(30.0, 1.6)})]))
        self.assertEqual(found[1], ["About keepalive", "1.60", "1.9", "1.5", "within"])

    def test_beside(self) -> None:
        """Some are multiples of FiberLB's own figure elsewhere."""
        reports = {
            "policies-10": report("policies-10", {"fiberlb": row(20.0, None)}),
            "policies-10000": report("policies-10000", {"fiberlb": row(30.0, None)}),
        }
        self.assertEqual(figure("policies-10000", reports), 1.5)
        del reports["policies-10"]
        self.assertIsNone(figure("policies-10000", reports))

    def test_absolute(self) -> None:
        """Memory is what it is."""
        reports = {"idle-plain": report("idle-plain", {"fiberlb": row(2.0, 1.8)})}
        self.assertEqual(figure("idle-plain", reports), 2.0)
        self.assertEqual(cells(goals(list(reports.values())))[1][1], "2.00 KiB")

    def test_verdicts(self) -> None:
        """Both limits belong to what they allow."""
        goal = Goal(must=2.0, aim=1.0)
        found = [verdict(goal, figure) for figure in (1.0, 2.0, 2.1, None)]
        self.assertEqual(found, ["reached", "within", "missed", "not measured"])

    def test_possible(self) -> None:
        """An aim is never beyond what must be."""
        self.assertEqual([name for name, goal in GOALS.items() if goal.aim > goal.must], [])


class BetweenTests(SynchronousTestCase):
    """Lines between two comments."""

    def test_replaced(self) -> None:
        """What was there goes, what is around stays; doing it twice changes nothing."""
        text = "a\n\n.. x\n\nold\n\n.. end of x\n\nb\n"
        new = between(text, "x", "new")
        self.assertEqual(new, "a\n\n.. x\n\nnew\n\n.. end of x\n\nb\n")
        self.assertEqual(between(new, "x", "new"), new)

    def test_missing(self) -> None:
        """Without the comments nothing is written anywhere."""
        self.assertRaises(ValueError, between, ".. x\n", "x", "new")

    def test_pages(self) -> None:
        """The pages that get figures have the comments."""
        for page, name in (("README.rst", "speed table"), ("docs/performance.rst", "measured")):
            self.assertIn("new", between((ROOT / page).read_text("utf-8"), name, "new"))
