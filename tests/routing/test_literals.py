"""Literals as functions."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.routing.literals import Literals


class PredicateTests(SynchronousTestCase):
    """What the functions say."""

    def test_each_kind(self) -> None:
        """Every kind alone tests for its own."""
        cases = {
            Literals(exact=frozenset({b"ab", b"c"})): (b"ab", b"xabx"),
            Literals(prefixes=(b"ab", b"c")): (b"abx", b"xab"),
            Literals(suffixes=(b"ab", b"c")): (b"xab", b"abx"),
            Literals(parts=(b"ab",)): (b"xabx", b"axb"),
            Literals(parts=(b"ab", b"c")): (b"xcx", b"axb"),
        }
        for literals, (yes, no) in cases.items():
            test = literals.predicate()
            self.assertEqual((test(yes), test(no)), (True, False), literals)

    def test_mixed(self) -> None:
        """Kinds together are any of them."""
        made = Literals(frozenset({b"e"}), (b"p",), (b"s",), (b"m",)).predicate()
        found = [text for text in (b"e", b"px", b"xs", b"xmx", b"xex", b"xpx", b"sx") if made(text)]
        self.assertEqual(found, [b"e", b"px", b"xs", b"xmx"])

    def test_everything(self) -> None:
        """An empty part is in every text, also in the empty one."""
        self.assertTrue(Literals(parts=(b"",)).predicate()(b""))

    def test_nothing(self) -> None:
        """No literal at all matches nothing."""
        self.assertTrue(Literals().empty)
        self.assertFalse(Literals().predicate()(b""))

    def test_fold(self) -> None:
        """Folding literals meet candidates of any case."""
        made = Literals(parts=(b"BoT",)).lowered(fold=True).predicate()
        self.assertTrue(made(b"GoogleBOT"))
