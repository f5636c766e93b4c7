"""Regular expressions: refused when written, bounded when matched."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.routing.literals import Literals
from fiberlb.routing.patterns import (
    LONGEST_INPUT,
    MATCH_LIMIT,
    REQUEST_LIMIT,
    RULE_LIMIT,
    Bounded,
    Budget,
    compile_pattern,
)

#: Takes longer than the universe on L{SLOW_TEXT}.
SLOW = "^/(a|aa|aaa|aaaa)+$"
SLOW_TEXT = b"/" + b"a" * 100 + b"b"


def engine(pattern: str, fold: bool = False) -> Any:
    """A pattern that does not reduce, compiled."""
    made = compile_pattern(pattern, fold)
    assert not isinstance(made, Literals)
    return made


class CompileTests(SynchronousTestCase):
    """Which patterns are taken, and as what."""

    def refusal(self, pattern: str) -> str:
        """Why a pattern is refused."""
        return str(self.assertRaises(ValueError, compile_pattern, pattern))

    def test_literal(self) -> None:
        """A reducible pattern needs no engine; folding puts it in lower case."""
        self.assertEqual(compile_pattern(r"\.Org$"), Literals(suffixes=(b".Org",)))
        self.assertEqual(compile_pattern(r"\.Org$", fold=True), Literals(suffixes=(b".org",)))

    def test_ignoring_case(self) -> None:
        """A leading (?i) is no reason for the engine."""
        self.assertEqual(compile_pattern("(?i)BoT"), Literals(parts=(b"bot",), fold=True))
        self.assertEqual(compile_pattern("(?i)BoT", fold=True), Literals(parts=(b"bot",)))

    def test_engine(self) -> None:
        """The rest is compiled for octets; the dot is any of them."""
        made = engine("^/[0-9]+.x")
        self.assertTrue(made.search(b"/12\nx"))
        self.assertFalse(made.search(b"/X1.x"))
        self.assertTrue(engine("^A[0-9]", fold=True).search(b"a1"))

    def test_end(self) -> None:
        """A dollar sign is the end, not the place before a final line feed."""
        self.assertFalse(engine("[a-z]$").search(b"a\n"))
        self.assertTrue(engine("[a-z]$").search(b"a"))
        self.assertTrue(engine("[a-z](x|$)").search(b"a"))

    def test_dollar_as_itself(self) -> None:
        """Escaped or in a set it is a character."""
        self.assertTrue(engine(r"[0-9]+\$").search(b"12$x"))
        self.assertTrue(engine("^[0-9]+[$]").search(b"12$x"))
        self.assertTrue(engine("^[]$]+x").search(b"$]x"))
        self.assertTrue(engine("^[[:alpha:]$]+x").search(b"a$x"))

    def test_refused(self) -> None:
        """What does not compile is refused with the reason, whatever the library raises."""
        for pattern in ("(", "[a", "a{2,1}", r"\L<x>", "(?u)a+", "*", "(?<="):
            self.assertIn("is not a regular expression: ", self.refusal(pattern), pattern)

    def test_huge(self) -> None:
        """What would take memory or the stack only to compile is refused before it does."""
        for pattern in ("((a{1000}){1000}){1000}", "a{1000000000}", "(?:[ab]{200}){200}"):
            self.assertIn("repeats more than", self.refusal(pattern), pattern)
        self.assertIn("nests", self.refusal("(" * 300 + "a+" + ")" * 300))

    def test_not_huge(self) -> None:
        """Ordinary repeats are taken."""
        for pattern in ("^[0-9a-f]{64}$", "a{1,1000}b{2}", "(?:x{0,200}){0,200}", "[{]+{"):
            compile_pattern(pattern)

    def test_version(self) -> None:
        """The library's other syntax is not taken for what it is not."""
        self.assertIn("V1", self.refusal("(?V1)[[a-z]--[$]]"))


class BoundedTests(SynchronousTestCase):
    """What a match may take. Slow matches end by the engine's own clock, within a few ms."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.reports: list[tuple[str, str]] = []
        self.budget = Budget(self.clock.seconds, lambda *report: self.reports.append(report))

    def bounded(self, *patterns: str) -> Bounded:
        """A rule of patterns that do not reduce."""
        return Bounded("rule", [compile_pattern(pattern) for pattern in patterns], self.budget)

    def test_found(self) -> None:
        """Any of the patterns may match; nothing is reported."""
        made = self.bounded("[0-9]x", "[a-z]y")
        self.assertEqual([made.search(t) for t in (b"1x", b"ay", b"zz")], [True, True, False])
        self.assertEqual(self.reports, [])

    def test_one_match(self) -> None:
        """A match over its limit is undecided, and said to be."""
        self.assertIsNone(self.bounded(SLOW).search(SLOW_TEXT))
        self.assertEqual(self.reports, [("rule", "a match took more than 1 ms")])

    def test_one_request(self) -> None:
        """All matches of a request share a limit, which the next request has anew."""
        made, other = self.bounded(SLOW), self.bounded("[0-9]x")
        for _ in range(round(REQUEST_LIMIT / MATCH_LIMIT)):
            made.search(SLOW_TEXT)
        self.assertIsNone(other.search(b"1x"))
        self.assertIn("of one request", self.reports[-1][1])
        self.budget.renew()
        self.assertIs(other.search(b"1x"), True)

    def exhaust(self, made: Bounded) -> None:
        """Let a rule take more than it may within a second."""
        for _ in range(round(RULE_LIMIT / MATCH_LIMIT) + 1):
            self.budget.renew()
            made.search(SLOW_TEXT)
        self.budget.renew()

    def test_one_rule(self) -> None:
        """A rule that takes too much is undecided at once, until its second is over."""
        made, other = self.bounded(SLOW), self.bounded("[0-9]x")
        self.exhaust(made)
        self.assertIsNone(made.search(b"/a"))
        self.assertIn("within a second", self.reports[-1][1])
        self.assertIs(other.search(b"1x"), True)
        self.clock.advance(0.9)
        self.assertIsNone(made.search(b"/a"))
        self.clock.advance(0.2)
        self.assertIs(made.search(b"/a"), True)

    def test_measured(self) -> None:
        """Matches within their limits add up by the clock given."""
        times = iter(range(1000))
        budget = Budget(lambda: next(times) * 0.0015, self.budget.report)
        made = Bounded("rule", [compile_pattern("[0-9]x")], budget)
        self.assertEqual([made.search(b"1x") for _ in range(3)], [True, True, None])

    def test_input(self) -> None:
        """Only the beginning of a long value is searched; no match there is no answer."""
        made = self.bounded("[0-9]x")
        padding = b"a" * LONGEST_INPUT
        self.assertIs(made.search(b"1x" + padding), True)
        self.assertIsNone(made.search(padding + b"1x"))
        self.assertIs(made.search(padding), False)
        self.assertEqual(len(self.reports), 1)
