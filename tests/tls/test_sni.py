"""Tests of fiberlb.tls.sni."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.tls.sni import Names, normal

NAMES = Names(
    [
        ("a.test", "exact"),
        ("*.a.test", "wildcard"),
        ("b.a.test", "exact below the wildcard"),
        ("a.test", "second"),
        ("*", "star"),
        ("w*.c.test", "partial"),
        ("x.*.test", "inner"),
        ("*.*.d.test", "double"),
    ]
)


class NamesTests(SynchronousTestCase):
    """L{Names.select}."""

    def test_exact(self) -> None:
        """A name gets what is for it, the first one given."""
        self.assertEqual(NAMES.select("a.test"), "exact")

    def test_case_and_final_dot(self) -> None:
        """Neither matters."""
        self.assertEqual(NAMES.select("A.Test"), "exact")
        self.assertEqual(NAMES.select("a.test."), "exact")
        self.assertEqual(NAMES.select("X.A.TEST."), "wildcard")

    def test_one_final_dot_only(self) -> None:
        """Two dots at the end are another name, which is nobody's."""
        self.assertIsNone(NAMES.select("a.test.."))

    def test_wildcard_is_one_label(self) -> None:
        """Exactly one label stands for the asterisk."""
        self.assertEqual(NAMES.select("x.a.test"), "wildcard")
        self.assertIsNone(NAMES.select("x.y.a.test"))
        self.assertIsNone(NAMES.select(".a.test"))

    def test_exact_before_wildcard(self) -> None:
        """An exact name wins over the wildcard that is for it too."""
        self.assertEqual(NAMES.select("b.a.test"), "exact below the wildcard")

    def test_odd_wildcards(self) -> None:
        """An asterisk elsewhere, or within a label, matches nothing, not even itself."""
        for name in (
            "anything",
            "*",
            "w1.c.test",
            "w*.c.test",
            "x.y.test",
            "x.*.test",
            "p.q.d.test",
        ):
            self.assertIsNone(NAMES.select(name), name)

    def test_nothing(self) -> None:
        """The empty name and a lone dot are nobody's."""
        self.assertIsNone(NAMES.select(""))
        self.assertIsNone(NAMES.select("."))

    @given(st.text())
    def test_anything(self, name: str) -> None:
        """No name makes it fail; what is found was given."""
        self.assertIn(NAMES.select(name), {None, "exact", "wildcard", "exact below the wildcard"})

    def test_normal(self) -> None:
        """Lower case, without the final dot."""
        self.assertEqual(normal("WWW.Example.COM."), "www.example.com")
