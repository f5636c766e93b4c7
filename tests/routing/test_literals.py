"""Patterns that reduce to string operations."""

from __future__ import annotations

import regex  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.routing.literals import MOST_ALTERNATIVES, Literals, reduced

#: Pieces of patterns, most of them reducible.
PIECES = st.sampled_from(
    "a b / ^ $ | ( ) (?: .* .*? é - # . a+ [ab] (?i) {2} a?".split()
    + r"\. \- \A \Z \d \/ \_ \< \# \~ \@ \  \!".split(" ")
)
PATTERNS = st.lists(PIECES, max_size=8).map("".join)
NESTED = st.recursive(
    st.sampled_from(["a", "b/", r"\.", "", "^", "$", "^a", "b$", ".*", "ab"]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: f"({'|'.join(some)})"),
    ),
    max_leaves=6,
)
TEXTS = st.text("ab/.-# é\n", max_size=6).map(str.encode)


class ReductionTests(SynchronousTestCase):
    """What patterns come down to."""

    WANTED = {
        r"\.(js|css|png|jpg|svg)$": Literals(suffixes=(b".js", b".css", b".png", b".jpg", b".svg")),
        "^/api/": Literals(prefixes=(b"/api/",)),
        "^/api/.*": Literals(prefixes=(b"/api/",)),
        "^/api/.*$": Literals(prefixes=(b"/api/",)),
        "^/(a|b)$": Literals(exact=frozenset({b"/a", b"/b"})),
        "bot": Literals(parts=(b"bot",)),
        ".*bot.*": Literals(parts=(b"bot",)),
        "^.*bot": Literals(parts=(b"bot",)),
        "(bot|spider)": Literals(parts=(b"bot", b"spider")),
        "^/a|b$": Literals(prefixes=(b"/a",), suffixes=(b"b",)),
        "(^|/)x": Literals(prefixes=(b"x",), parts=(b"/x",)),
        r"\Ax\Z": Literals(exact=frozenset({b"x"})),
        "é": Literals(parts=(b"\xc3\xa9",)),
        "": Literals(parts=(b"",)),
        "^$": Literals(exact=frozenset({b""})),
        ".*^a": Literals(prefixes=(b"a",)),
        "^.*^a": Literals(prefixes=(b"a",)),
    }

    def test_reduced(self) -> None:
        """Literals, anchored or not, and alternations of them."""
        for pattern, wanted in self.WANTED.items():
            self.assertEqual(reduced(pattern), wanted, pattern)

    def test_left_to_the_engine(self) -> None:
        """Anything else, also what only looks like literals."""
        for pattern in ("a+", "a?", "[ab]", r"\d", "a{2}", "(?=a)", "(?i)a", "a.b", "a^b", "(a"):
            self.assertIsNone(reduced(pattern), pattern)
        for pattern in ("(a)*", "a)", ".*+a", "(*FAIL)", "^*a", "a$b", r"\1", "(?P<n>a)", ".*.*?*"):
            self.assertIsNone(reduced(pattern), pattern)

    def test_bounds(self) -> None:
        """Neither many alternatives nor deep nesting are expanded."""
        self.assertIsNone(reduced("(a|b)" * 7))
        self.assertIsNone(reduced("|".join(map(str, range(MOST_ALTERNATIVES + 1)))))
        self.assertIsNone(reduced("(" * 300 + "a" + ")" * 300))

    @given(st.one_of(PATTERNS, NESTED), st.lists(TEXTS, min_size=1, max_size=5))
    @settings(max_examples=1500, deadline=None)
    def test_same_result(self, pattern: str, texts: list[bytes]) -> None:
        """A reduction matches exactly what the engine matches."""
        literals = reduced(pattern)
        if literals is not None:
            source = pattern.replace("$", r"\Z").encode()
            engine = regex.compile(source, regex.DOTALL)
            test = literals.predicate()
            for text in texts:
                self.assertIs(test(text), engine.search(text) is not None, (pattern, text))


class PredicateTests(SynchronousTestCase):
    """Literals as functions."""

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
