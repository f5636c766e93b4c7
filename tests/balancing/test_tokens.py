"""Tests of fiberlb.balancing.tokens."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.balancing.tokens import LONGEST, MOST, joined, parts, token


class TokenTests(SynchronousTestCase):
    """What cookies hold."""

    def test_token(self) -> None:
        """Always the same; another one for another key, pool or member."""
        made = token(b"k", "p", "m")
        self.assertEqual(made, token(b"k", "p", "m"))
        self.assertEqual(len(made), 22)
        others = {token(b"l", "p", "m"), token(b"k", "q", "m"), token(b"k", "p", "n")}
        self.assertEqual(len(others | {made}), 4)

    def test_parts(self) -> None:
        """Whatever a client sends, only what may be a token is looked at."""
        one, two = token(b"k", "p", "m"), token(b"k", "q", "m")
        self.assertEqual(parts([joined(one, [two]), b'"' + two + b'"']), [one, two, two])
        for garbage in (b"", b".", b"x" * 5000, b"%00" * 8, one + b"=", b"\xff" * 22, one[:-1]):
            self.assertEqual(parts([garbage]), [], garbage)
        self.assertEqual(parts([one + b"." * LONGEST]), [])

    def test_joined(self) -> None:
        """The own one in front, others once each, not too many."""
        many = [token(b"k", "p", str(n)) for n in range(20)]
        found = joined(many[0], [*many[1:], *many[1:]]).split(b".")
        self.assertEqual(found, many[:MOST])
        self.assertLess(len(joined(many[0], many)), LONGEST)
