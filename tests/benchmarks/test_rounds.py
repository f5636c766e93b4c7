"""Tests for what is made of samples."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.load import Result
from benchmarks.rounds import Sample, errors_in, plausible, summarise


def sample(proxy: str, number: int, cost: float, errors: int = 0) -> Sample:
    """A round of one proxy."""
    return Sample(proxy, number, cost, cost / 2, 0.5, errors, Result(1000, 1024000, 2.0, errors))


class SummaryTests(SynchronousTestCase):
    """A table of minima, medians and ratios."""

    def test_ratios(self) -> None:
        """The ratio of the median is taken round by round, that of the minimum from the minima."""
        table = summarise(
            [
                sample("haproxy", 0, 10.0),
                sample("fiberlb", 0, 15.0),
                sample("haproxy", 1, 20.0),
                sample("fiberlb", 1, 40.0),
                sample("haproxy", 2, 30.0),
                sample("fiberlb", 2, 45.0),
            ]
        )
        row = table["fiberlb"]
        self.assertEqual([row["min"], row["median"]], [15.0, 40.0])
        self.assertEqual([row["ratio_min"], row["ratio_median"]], [1.5, 1.5])
        self.assertEqual([row["requests_per_second"], row["busy"]], [500.0, 0.5])

    def test_order(self) -> None:
        """Proxies stand in the order of the report, whoever went first."""
        table = summarise([sample("fiberlb", 0, 2.0), sample("nginx", 0, 1.0)])
        self.assertEqual(list(table), ["nginx", "fiberlb"])

    def test_alone(self) -> None:
        """Without the reference, or in a round where it failed, there is no ratio."""
        self.assertIsNone(summarise([sample("fiberlb", 0, 2.0)])["fiberlb"]["ratio_median"])
        table = summarise([sample("haproxy", 0, 2.0), sample("fiberlb", 1, 2.0)])
        self.assertIsNone(table["fiberlb"]["ratio_median"])

    def test_errors(self) -> None:
        """Errors of all rounds are added up; a report without samples is one, too."""
        table = summarise([sample("nginx", 0, 1.0, 2), sample("nginx", 1, 1.0, 3)])
        self.assertEqual(table["nginx"]["errors"], 5)
        self.assertEqual(errors_in([{"table": table}, {"table": {}}]), 6)


class PlausibleTests(SynchronousTestCase):
    """The bytes have to be those of the answers."""

    def test_answers(self) -> None:
        """Bodies with their heads, the last ones cut."""
        self.assertTrue(plausible(Result(100, 100 * 1200, 1.0, 0), 1024, 4))
        self.assertTrue(plausible(Result(100, 100 * 1200 + 500, 1.0, 0), 1024, 4))

    def test_short(self) -> None:
        """An error's page is shorter than the body that was asked for."""
        self.assertFalse(plausible(Result(100, 100 * 309, 1.0, 0), 1024, 4))

    def test_long(self) -> None:
        """More than answers and heads can be."""
        self.assertFalse(plausible(Result(100, 100 * 9000, 1.0, 0), 1024, 4))

    def test_cut(self) -> None:
        """A round may end before the first large body does; it must have brought something."""
        self.assertTrue(plausible(Result(0, 5_000_000, 1.0, 0), 100 * 1024 * 1024, 8))
        self.assertFalse(plausible(Result(0, 0, 1.0, 0), 1024, 8))
