"""Comparisons, apart from what they compare."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import CompareType
from fiberlb.routing.compare import COMPARE, Comparison, Subject, ValueProblem
from fiberlb.routing.patterns import Budget

from .test_patterns import SLOW, SLOW_TEXT


def compare(kind: CompareType, *values: str, fold: bool = False) -> Comparison:
    """Values compiled for candidates that are spelled as they are."""
    budget = Budget(lambda: 0.0, lambda rule, why: None)
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
                self.assertFalse(made.bounded)

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
        """One pattern that needs the engine makes the rule bounded."""
        self.assertFalse(compare(CompareType.REGEX, "a$", "(?i)b").bounded)
        self.assertTrue(compare(CompareType.REGEX, "a$", "[0-9]").bounded)

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
