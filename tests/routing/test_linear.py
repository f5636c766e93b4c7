"""RE2: only what it understands as the other engine does, and within its memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import regex  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.routing.linear import LARGEST_PROGRAM, Linear, installed, literal, translated

ATOMS = st.sampled_from(
    "a b A B / - _ é É . [ab] [^a] [a-c] [B-b] [-a] [a-] [a^] [é] [^é] [.$|(] (a|B) (?:/a|) ()"
    r" (?P<n>ab) (?<m>b|c) \. \- \_ \/ \# \d \D \w \W \s \S \t \x61 \xe9 \x41 [\d] [\w-] [\sa]"
    r" [^\w] [^\s\d] [\]a] [\x00-\x2f] [a\-z] ^ $ \A \Z \b | } ] , 0 # ~ &".split()
)
REPEATS = st.sampled_from("_ _ _ _ * + ? {2} {1,2} {1,} {0} *? +? ?? {2}? {0,1}".split())
PIECES = st.tuples(ATOMS, REPEATS).map(lambda both: both[0] + both[1].replace("_", ""))
GROUPS = st.recursive(
    st.lists(PIECES, max_size=4).map("".join),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda both: "|".join(both)),
        st.tuples(inner, REPEATS).map(lambda both: f"({both[0]})" + both[1].replace("_", "")),
        st.tuples(inner, inner).map("".join),
    ),
    max_leaves=3,
)
TEXTS = st.lists(
    st.sampled_from([*b"aabbABcC/-_.0$|()]}#~& \t\n\v\f\r\x00\x1c\x85\xa0", *"éÉ".encode(), 233]),
    max_size=7,
).map(bytes)


def re2() -> Linear:
    """RE2, which the tests need."""
    linear = installed()
    assert linear is not None, "google-re2 is not installed"
    return linear


def search(linear: Linear, *sources: bytes) -> Any:
    """A search that there is room for."""
    found = linear.search(sources)
    assert found is not None
    return found


class TranslationTests(SynchronousTestCase):
    """Which patterns RE2 gets."""

    def test_taken(self) -> None:
        """What routing is written in."""
        for pattern in (
            r"^/api/v[0-9]+/users/\d+(/orders)?$",
            r"\.(?:jpe?g|png)$",
            "[a-z0-9-]{1,63}",
            r"(?P<x>a|b)*?c",
            r"\bbot\b",
            "caf\xe9+",
            "[^/]+",
        ):
            self.assertIsNotNone(translated(pattern.encode(), False), pattern)

    def test_left(self) -> None:
        """What RE2 does not have, means otherwise or might."""
        for pattern in (
            r"(?=a) (?!a) (?<=a) (a)\1 a++ a*+ (?>a) (?i)a a(?i) (?x) a{,3} a{1001} a{2,1} a{x} a{"
            r" \p{L} \X \R \K \G \m \B \N{DIGIT} \0 \012 \x4 []a] [[:alpha:]] [a--b] [a&&b] [a-\d]"
            r" [z-a] [\D] [\b] [a[b] ^* $+ \b? |* *a (*FAIL) (?P=n) (?&n) a) (?|a) a** a{2}{3} a?+"
        ).split():
            self.assertIsNone(translated(pattern.encode(), False), pattern)

    @given(GROUPS, st.booleans(), st.lists(TEXTS, min_size=1, max_size=6))
    @settings(max_examples=800, deadline=None)
    @example(r"[^\W]\s", True, [b"\xb5\v", b"_\x1c", b"\xc9\t"])
    @example("a.b", False, [b"a\nb", b"a\xffb"])
    @example("[^k]é", True, [b"K\xc3\xa9", b"\xe2\xc3\x89"])
    def test_same_result(self, pattern: str, fold: bool, texts: Sequence[bytes]) -> None:
        """RE2 finds a pattern where the other engine does, and nowhere else."""
        source = translated(pattern.encode(), fold)
        if source is None or re2().size(source) is None:
            return
        flags = regex.DOTALL | (regex.IGNORECASE if fold else 0)
        try:
            compiled = regex.compile(without_dollar(pattern), flags)
        except regex.error:
            return
        found = search(re2(), source)
        for text in texts:
            expected = compiled.search(text) is not None
            self.assertIs(bool(found(text)), expected, (pattern, source, text))


def without_dollar(pattern: str) -> bytes:
    """The pattern as routing gives it to the other engine."""
    pieces = regex.findall(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", pattern, regex.DOTALL)
    return "".join(r"\Z" if piece == "$" else piece for piece in pieces).encode()


class SearchTests(SynchronousTestCase):
    """Patterns searched for together."""

    def test_places(self) -> None:
        """Which of them are found, by their places."""
        found = search(re2(), b"a", b"b+c", literal(b"B.", True))
        self.assertEqual(sorted(found(b"xab.")), [0, 2])
        self.assertEqual(list(found(b"xyz")), [])

    def test_literal(self) -> None:
        """Every octet stands for itself, its case for nothing if it is folded."""
        text = bytes(range(256))
        self.assertEqual(list(search(re2(), literal(text, False))(b"x" + text)), [0])
        self.assertEqual(list(search(re2(), literal(b"a.z", False))(b"A.Zabz")), [])
        self.assertEqual(list(search(re2(), literal(b"a.z", True))(b"A.Z")), [0])

    def test_size(self) -> None:
        """Large programs are not taken, nor what RE2 refuses."""
        self.assertLess(re2().size(rb"[0-9]{30}") or 1000, LARGEST_PROGRAM)
        self.assertIsNone(re2().size(rb"[0-9]{1000}"))
        self.assertIsNone(re2().size(rb"((a{100}){100}){100}"))
        self.assertIsNone(re2().size(b"("))

    def test_memory(self) -> None:
        """There is room for the largest pattern that is taken, and an end to it."""
        largest = rb"(?:[ab][^c]){125}c"
        self.assertGreater(re2().size(largest) or 0, LARGEST_PROGRAM * 0.95)
        found = search(re2(), largest)
        self.assertEqual(list(found(b"ab" * LARGEST_PROGRAM + b"c")), [0])
        self.assertIsNone(re2().search([largest] * 20))
        self.assertIsNone(re2().search([b"("]))

    def test_gives_up(self) -> None:
        """An answer without what is found in everything is none at all."""

        class Forgetful:
            """A set out of memory says that nothing matches."""

            @staticmethod
            def SearchSet(options: object) -> Forgetful:
                return Forgetful()

            def Add(self, pattern: bytes) -> int:
                return 0

            def Compile(self) -> None:
                pass

            def Match(self, text: bytes) -> list[int] | None:
                return [0] if text == b"" else None

        class Module:
            """In place of the library."""

            Options = __import__("re2").Options
            Set = Forgetful
            error = ValueError

        found = search(Linear(Module), b"a")
        self.assertIsNone(found(b"a"))

    def test_none(self) -> None:
        """Nothing is searched for: nothing is found."""
        self.assertEqual(list(search(re2())(b"a")), [])
