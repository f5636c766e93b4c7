"""Patterns that reduce to string operations, and what the others need."""

from __future__ import annotations

from typing import Any

import regex  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.routing.branches import MOST_ALTERNATIVES, reduced, required
from fiberlb.routing.literals import Literals

#: Pieces of patterns, most of them reducible.
PIECES = st.sampled_from(
    "a b / ^ $ | ( ) (?: .* .*? é - # . a+ [ab] (?i) {2} a?".split()
    + r"\. \- \A \Z \d \/ \_ \< \# \~ \@ \  \! \b \B".split(" ")
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


def engine(pattern: str) -> Any:
    """What is found by the engine itself."""
    return regex.compile(pattern.replace("$", r"\Z").encode(), regex.DOTALL)


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
        for pattern in (
            "(a)*",
            "a)",
            ".*+a",
            "(*FAIL)",
            "^*a",
            "a$b",
            r"\1",
            "(?P<n>a)",
            ".*.*?*",
            r"\ba",
        ):
            self.assertIsNone(reduced(pattern), pattern)

    def test_bounds(self) -> None:
        """Neither many alternatives nor deep nesting are expanded."""
        self.assertIsNone(reduced("(a|b)" * 7))
        self.assertIsNone(reduced("|".join(map(str, range(MOST_ALTERNATIVES + 1)))))
        self.assertIsNone(reduced("(" * 300 + "a" + ")" * 300))

    @given(st.one_of(PATTERNS, NESTED), st.lists(TEXTS, min_size=1, max_size=5))
    @settings(max_examples=600, deadline=None)
    def test_same_result(self, pattern: str, texts: list[bytes]) -> None:
        """A reduction matches exactly what the engine matches."""
        literals = reduced(pattern)
        if literals is not None:
            test = literals.predicate()
            for text in texts:
                found = engine(pattern).search(text) is not None
                self.assertIs(test(text), found, (pattern, text))


#: What patterns are made of that do not reduce.
ATOMS = (
    "a b / - é . [ab] [^a] [^]/] [[:alpha:]-] (a|b) (?:/a|b-) (?P<n>ab) (?<m>b) (?>a|ab)"
    r" \. \d \w \S \x61 \b \B ^ $ \A \Z .* .*? (?=a) (?!b) (?<=a) (?<!b/) (^|/) | ab/ /-"
).split()
REPEATS = ("", "", "", "", "*", "+", "?", "{2}", "{,1}", "{1,}", "*?", "++", "??", "{0}")
OTHERS = st.lists(
    st.tuples(st.sampled_from(ATOMS), st.sampled_from(REPEATS)).map("".join), max_size=6
).map("".join)


class RequirementTests(SynchronousTestCase):
    """What every match holds."""

    WANTED = {
        "^/api/v[0-9]+/x": Literals(prefixes=(b"/api/v",)),
        "^/(a|b)/[0-9]+$": Literals(prefixes=(b"/a/", b"/b/")),
        "^/a$|^/b[0-9]": Literals(exact=frozenset({b"/a"}), prefixes=(b"/b",)),
        r"[0-9]+\.jpg$": Literals(suffixes=(b".jpg",)),
        "^/[a-z]+/orders/": Literals(parts=(b"/orders/",)),
        "^/[a-z]+": Literals(prefixes=(b"/",)),
        "[a-z]+/x/[0-9]/orders": Literals(parts=(b"/orders",)),
        "ab+c?d": Literals(parts=(b"ab",)),
        "(ab)+[c]": Literals(parts=(b"ab",)),
        "a{2}bc": Literals(parts=(b"bc",)),
        r"\bfoo\b[0-9]": Literals(parts=(b"foo",)),
        "^(?!/a)/x[0-9]": Literals(prefixes=(b"/x",)),
        "^(?P<v>/a|/b)[0-9]": Literals(prefixes=(b"/a", b"/b")),
        "^/a.*b/cd$": Literals(suffixes=(b"b/cd",)),
    }

    def test_required(self) -> None:
        """The longest of what is told; a prefix or a suffix, which are looked up, if it tells."""
        for pattern, wanted in self.WANTED.items():
            self.assertEqual(required(pattern), wanted, pattern)

    def test_unknown(self) -> None:
        """Nothing is needed, or nobody knows."""
        for pattern in ("[a-z]+", "a?", "a*|b", "(a|b?)", "a|[b]", "(?i)ab", "ab(?i)", "(?x)a b"):
            self.assertIsNone(required(pattern), pattern)
        for pattern in (r"ab\1", r"ab\p{L}", "ab{e<=1}", "(?|a)b", "(*FAIL)ab", r"ab\K", "ab{1|2}"):
            self.assertIsNone(required(pattern), pattern)

    def test_many(self) -> None:
        """There are never too many."""
        needed = required("^/longer" + "(a|b)" * 7 + "x$")
        assert needed is not None
        self.assertEqual(len(needed.prefixes), MOST_ALTERNATIVES)
        self.assertIn(b"/longerababab", needed.prefixes)

    @given(OTHERS, st.lists(TEXTS, min_size=1, max_size=5))
    @settings(max_examples=600, deadline=None)
    @example("(?>a|ab)/", [b"ab/"])
    def test_sound(self, pattern: str, texts: list[bytes]) -> None:
        """Whatever the engine finds has what is required."""
        needed = required(pattern)
        if needed is None:
            return
        try:
            compiled = engine(pattern)
        except regex.error:
            return
        test = needed.predicate()
        for text in texts:
            if not test(text):
                self.assertIsNone(compiled.search(text), (pattern, text, needed))
