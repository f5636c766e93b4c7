"""Regular expressions: refused when written, bounded when matched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.routing.linear import Engine, Linear, Search, installed
from fiberlb.routing.literals import Literals
from fiberlb.routing.patterns import (
    LONGEST_INPUT,
    MATCH_LIMIT,
    MATCH_WORK,
    REQUEST_LIMIT,
    REQUEST_WORK,
    RULE_LIMIT,
    Budget,
    Pattern,
    Searched,
    compile_pattern,
)

#: Takes longer than the universe on L{SLOW_TEXT}, and is nothing for RE2.
SLOW = "^/(a|aa|aaa|aaaa)+(?!b)$"
SLOW_TEXT = b"/" + b"a" * 100 + b"b"


def pattern(text: str, fold: bool = False) -> Pattern:
    """A pattern that does not reduce."""
    made = compile_pattern(text, fold)
    assert isinstance(made, Pattern)
    return made


def engine(text: str, fold: bool = False) -> Any:
    """The same, compiled."""
    return pattern(text, fold).compiled


def without() -> None:
    """No RE2."""


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


class NeedsTests(SynchronousTestCase):
    """What is known of a pattern without running it."""

    def test_needs(self) -> None:
        """What every match holds, in the case in which candidates are compared with it."""
        self.assertEqual(pattern("^/A/[0-9]").needs, Literals(prefixes=(b"/A/",)))
        self.assertEqual(pattern("(?i)^/A/[0-9]").needs, Literals(prefixes=(b"/a/",), fold=True))
        self.assertEqual(pattern("(?i)^/A/[0-9]", True).needs, Literals(prefixes=(b"/a/",)))
        self.assertIsNone(pattern("[0-9]").needs)

    def test_source(self) -> None:
        """RE2's words, if it has any for the pattern."""
        self.assertEqual(pattern("[a]").source, rb"[\x61]")
        self.assertEqual(pattern("(?i)[a]").source, rb"(?i)[\x61]")
        self.assertEqual(pattern("[a]", fold=True).source, rb"(?i)[\x61]")
        self.assertIsNone(pattern("(?=[a])").source)

    def test_looks_ahead(self) -> None:
        """Patterns that a longer text might not match although its beginning does."""
        for text, wanted in {
            "[a]$": True,
            r"[a]\Z": True,
            r"[a]\b": True,
            "[a](?!b)": True,
            "[a](?=b)": True,
            r"^[a]\d.+": False,
            "(?:[a])(?P<n>b)": False,
        }.items():
            self.assertIs(pattern(text).looks_ahead, wanted, text)


class SearchedTests(SynchronousTestCase):
    """What a match may take. Slow matches end by the engine's own clock, within a few ms."""

    engine: Engine = staticmethod(without)

    def setUp(self) -> None:
        self.clock = Clock()
        self.reports: list[tuple[str, str]] = []
        self.budget = self.budgeted(self.clock.seconds)

    def budgeted(self, clock: Callable[[], float]) -> Budget:
        """A budget that reports here."""
        return Budget(clock, lambda *report: self.reports.append(report), self.engine)

    def searched(self, *patterns: str, budget: Budget | None = None) -> Searched:
        """A rule of patterns that do not reduce."""
        return Searched("rule", [pattern(text) for text in patterns], budget or self.budget)

    def test_found(self) -> None:
        """Any of the patterns may match; nothing is reported."""
        made = self.searched("[0-9]x", "[a-z]y")
        self.assertEqual([made.search(t) for t in (b"1x", b"ay", b"zz")], [True, True, False])
        self.assertEqual(self.reports, [])

    def test_one_match(self) -> None:
        """A match over its limit is undecided, and said to be."""
        self.assertIsNone(self.searched(SLOW).search(SLOW_TEXT))
        self.assertEqual(self.reports, [("rule", "a match took more than 1 ms")])

    def test_one_request(self) -> None:
        """All matches of a request share a limit, which the next request has anew."""
        made, other = self.searched(SLOW), self.searched("(?=[0-9])[0-9]x")
        for _ in range(round(REQUEST_LIMIT / MATCH_LIMIT)):
            made.search(SLOW_TEXT)
        self.assertIsNone(other.search(b"1x"))
        self.assertIn("of one request", self.reports[-1][1])
        self.budget.renew()
        self.assertIs(other.search(b"1x"), True)

    def exhaust(self, made: Searched) -> None:
        """Let a rule take more than it may within a second."""
        for _ in range(round(RULE_LIMIT / MATCH_LIMIT) + 1):
            self.budget.renew()
            made.search(SLOW_TEXT)
        self.budget.renew()

    def test_one_rule(self) -> None:
        """A rule that takes too much is undecided at once, until its second is over."""
        made, other = self.searched(SLOW), self.searched("[0-9]x")
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
        made = self.searched("(?=[0-9])[0-9]x", budget=self.budgeted(lambda: next(times) * 0.0015))
        self.assertEqual([made.search(b"1x") for _ in range(3)], [True, True, None])

    def test_input(self) -> None:
        """Only the beginning of a long value is searched; no match there is no answer."""
        made = self.searched("[0-9]x")
        padding = b"a" * LONGEST_INPUT
        self.assertIs(made.search(b"1x" + padding), True)
        self.assertIsNone(made.search(padding + b"1x"))
        self.assertIs(made.search(padding), False)
        self.assertEqual(len(self.reports), 1)

    def test_cut(self) -> None:
        """Where the beginning ends is no end, and nothing that a pattern may look at."""
        begun = b"a" * (LONGEST_INPUT - 1) + b"1"
        for text in ("[0-9]$", r"[0-9]\b", "[0-9](?!x)"):
            made = self.searched(text)
            self.assertIs(made.search(begun), True)
            self.assertIsNone(made.search(begun + b"x"), text)
        self.assertIs(self.searched("[0-9]").search(begun + b"x"), True)
        self.assertIs(self.searched("[0-9]$", "[0-9]").search(begun + b"x"), True)


class LinearTests(SearchedTests):
    """With RE2, which nobody should notice."""

    engine = staticmethod(installed)

    def test_sources(self) -> None:
        """A rule is RE2's if all its patterns are, and not too large together."""
        self.assertEqual(len(self.searched("[0-9]x", "(?i)[a]").sources or ()), 2)
        self.assertIsNone(self.searched("[0-9]x", "(?=[a])").sources)
        self.assertIsNotNone(self.searched("[a-z]{200}", "[a-z]{100}").sources)
        self.assertIsNone(self.searched("[a-z]{200}", "[a-z]{200}").sources)

    def test_no_limit(self) -> None:
        """What would take forever otherwise is decided."""
        slow = "^/(a|aa|aaa|aaaa)+$"
        self.assertIs(self.searched(slow).search(SLOW_TEXT), False)
        self.assertEqual(self.reports, [])


class Scripted(Linear):
    """
    In place of RE2.

    @ivar answers: what the next searches come to.
    @ivar asked: the texts that were searched.
    """

    def __init__(self, *answers: Sequence[int] | None) -> None:
        self.answers = list(answers)
        self.asked: list[bytes] = []

    def size(self, source: bytes) -> int | None:
        """Every pattern is of the same size."""
        return 100

    def search(self, sources: Sequence[bytes], large: bool = False) -> Search | None:
        """Gives the answers, one after the other."""

        def search(text: bytes) -> Sequence[int] | None:
            self.asked.append(text)
            return self.answers.pop(0)

        return search


class EngineTests(SynchronousTestCase):
    """Which engine searches what."""

    def searched(self, linear: Linear) -> tuple[Searched, Budget]:
        """A rule that either engine can decide."""
        budget = Budget(lambda: 0.0, lambda rule, why: None, lambda: linear)
        return Searched("rule", [pattern("[0-9]x")], budget), budget

    def test_answers(self) -> None:
        """What RE2 says is so; where it gives up, the other engine searches."""
        made, _ = self.searched(Scripted([0], [], None, None))
        texts = (b"a", b"1x", b"1x", b"a")
        self.assertEqual([made.search(text) for text in texts], [True, False, True, False])

    def test_long(self) -> None:
        """A text that could take it long is not for RE2."""
        linear = Scripted([], [])
        made, _ = self.searched(linear)
        longest = MATCH_WORK // 200
        self.assertIs(made.search(b"1x" * longest), True)
        self.assertIs(made.search(b"x" * longest), False)
        self.assertEqual(linear.asked, [b"x" * longest])

    def test_many(self) -> None:
        """Nor are so many searches for one request."""
        linear = Scripted(*[[]] * 9)
        made, budget = self.searched(linear)
        text = b"x" * (MATCH_WORK // 200)
        for _ in range(10):
            made.search(text)
        self.assertEqual(len(linear.asked), REQUEST_WORK // MATCH_WORK)
        budget.renew()
        made.search(text)
        self.assertEqual(len(linear.asked), REQUEST_WORK // MATCH_WORK + 1)

    def test_no_room(self) -> None:
        """A set that RE2 does not make leaves the rule bounded."""

        class Full(Scripted):
            """No memory."""

            def search(self, sources: Sequence[bytes], large: bool = False) -> None:
                """None."""

        made, _ = self.searched(Full())
        self.assertIsNone(made.sources)
        self.assertIs(made.search(b"1x"), True)
