"""Comparisons, apart from what they compare."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import CompareType
from fiberlb.routing.compare import COMPARE, Comparison, Subject, ValueProblem
from fiberlb.routing.linear import Engine, installed
from fiberlb.routing.literals import Literals
from fiberlb.routing.patterns import Budget

from .test_patterns import SLOW, SLOW_TEXT, without


def compare(
    kind: CompareType, *values: str, fold: bool = False, engine: Engine = without
) -> Comparison:
    """Values compiled for candidates that are spelled as they are."""
    budget = Budget(lambda: 0.0, lambda rule, why: None, engine)
    return COMPARE[kind](values, Subject(lambda kind, value: value.encode(), fold, "r", budget))


class LiteralTests(SynchronousTestCase):
    """Comparisons other than patterns."""

    def test_complete(self) -> None:
        """Every comparison that configurations can name has its entry."""
        self.assertEqual(set(COMPARE), set(CompareType))

    def test_results(self) -> None:
        """They answer with a boolean itself: the evaluator compares by identity."""
        for kind, yes, no in (
            (CompareType.EQUAL_TO, b"ab", b"abc"),
            (CompareType.STARTS_WITH, b"abc", b"xab"),
            (CompareType.ENDS_WITH, b"xab", b"abc"),
            (CompareType.CONTAINS, b"xabx", b"axb"),
            (CompareType.REGEX, b"xabx", b"axb"),
        ):
            for values in (("ab",), ("ab", "yy")):
                made = compare(kind, *values)
                self.assertIs(made.test(yes), True, kind)
                self.assertIs(made.test(no), False, kind)
                self.assertEqual((made.complexity, made.sure), ("literal", True))

    def test_refused_value(self) -> None:
        """A value that its subject cannot spell is named by its place."""

        def spell(kind: CompareType, value: str) -> bytes:
            raise ValueError("is wrong")

        subject = Subject(spell, False, "r", Budget(lambda: 0.0, lambda rule, why: None))
        why = self.assertRaises(ValueProblem, COMPARE[CompareType.EQUAL_TO], ["a"], subject)
        self.assertEqual((why.index, why.message), (0, "is wrong"))


class PatternTests(SynchronousTestCase):
    """Several patterns in one rule."""

    def test_classes(self) -> None:
        """The pattern that is worst off decides, and whether there is RE2."""
        for patterns, engine, wanted in (
            (("a$", "(?i)b"), installed, "literal"),
            (("a$", "[0-9]"), installed, "linear"),
            (("a$", "[0-9]"), without, "bounded"),
            (("a$", "[0-9]", "(?=a)"), installed, "bounded"),
        ):
            made = compare(CompareType.REGEX, *patterns, engine=engine)
            self.assertEqual(made.complexity, wanted, patterns)
            self.assertIs(made.sure, wanted == "literal")

    def test_any(self) -> None:
        """Literal, folding and engine patterns together are any of them."""
        made = compare(CompareType.REGEX, "a$", "(?i)bb", "[0-9]")
        found = [made.test(text) for text in (b"xa", b"xBBx", b"x1x", b"ax")]
        self.assertEqual(found, [True, True, True, False])

    def test_always(self) -> None:
        """The empty pattern matches everything, as an engine would say."""
        self.assertIs(compare(CompareType.REGEX, "", "x$").test(b"a"), True)

    def test_undecided(self) -> None:
        """What is quick is told first; what remains may stay undecided."""
        made = compare(CompareType.REGEX, SLOW, "b$")
        self.assertIs(made.test(SLOW_TEXT), True)
        self.assertIsNone(made.test(SLOW_TEXT + b"c"))

    def test_refused(self) -> None:
        """The pattern that does not compile is named by its place."""
        why = self.assertRaises(ValueProblem, compare, CompareType.REGEX, "a", "b", "(")
        self.assertEqual(why.index, 2)
        self.assertIn("missing )", why.message)

    def test_needs(self) -> None:
        """Of all patterns together; one that needs nothing known spoils it."""
        made = compare(CompareType.REGEX, "a$", "(?i)bb", "^/c[0-9]", "(?i)^d[0-9]")
        self.assertEqual(
            made.needs,
            (
                Literals(suffixes=(b"a",)),
                Literals(parts=(b"bb",), fold=True),
                Literals(prefixes=(b"/c",)),
                Literals(prefixes=(b"d",), fold=True),
            ),
        )
        self.assertIsNone(compare(CompareType.REGEX, "a$", "[0-9]").needs)

    def test_without_search(self) -> None:
        """Where what is needed is not there, nothing is searched, so nothing stays undecided."""
        searched: list[bool] = []

        def clock() -> float:
            searched.append(True)
            return 0.0

        budget = Budget(clock, lambda rule, why: None, without)
        subject = Subject(lambda kind, value: value.encode(), False, "r", budget)
        made = COMPARE[CompareType.REGEX](["^/a[0-9]", "(?i)B[0-9]"], subject)
        self.assertEqual([made.test(text) for text in (b"/c1", b"", b"x/a1")], [False] * 3)
        self.assertEqual(searched, [])
        self.assertEqual([made.test(text) for text in (b"/a1", b"xb1")], [True, True])
        self.assertTrue(searched)

    def test_sources(self) -> None:
        """All values in RE2's words, whatever they compare."""
        values = ("^a.b$", "^a", "b$", "(?i)C", "d[0-9]")
        made = compare(CompareType.REGEX, *values, engine=installed)
        linear = installed()
        assert linear is not None and made.sources is not None
        search = linear.search(made.sources)
        assert search is not None
        for text in (b"axb", b"ay", b"xb", b"xc", b"xCy", b"d1", b"xaby", b"d"):
            self.assertIs(bool(search(text)), made.test(text), text)
        self.assertIsNone(compare(CompareType.REGEX, "a", "(?=a)", engine=installed).sources)
        self.assertIsNone(compare(CompareType.REGEX, "a", "[0-9]").sources)
