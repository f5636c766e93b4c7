"""The regular expressions: what they match, and that hostile input costs no more than honest."""

from __future__ import annotations

import re

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.wire import grammar, request_head
from tests.wire.reading import LIMITS

PATTERNS = {name: value for name, value in vars(grammar).items() if isinstance(value, re.Pattern)}
_REPEATS = re.compile(rb"(?:[*+?]|\{\d+(?:,\d*)?\})(?!\+)")


def unpossessive(pattern: bytes) -> list[bytes]:
    """The repeats of a pattern that may give back what they took."""
    # Neither escaped characters, nor character classes, nor group openings hold repeats.
    bare = re.sub(rb"\\x[0-9a-f]{2}|\\.", b"e", pattern)
    bare = re.sub(rb"\[\^?[^]]*\]", b"c", bare)
    bare = re.sub(rb"\(\?[a-z]*:", b"(", bare)
    bare = bare.replace(b"++", b"").replace(b"*+", b"").replace(b"?+", b"")
    return _REPEATS.findall(re.sub(rb"\{[\d,]+\}\+", b"", bare))


class ShapeTests(SynchronousTestCase):
    """No expression can go back."""

    def test_possessive(self) -> None:
        """Every repeat keeps what it took, so each is a single pass over its input."""
        for name, pattern in PATTERNS.items():
            if name != "ABSOLUTE":
                self.assertEqual(unpossessive(pattern.pattern), [], name)

    def test_rule(self) -> None:
        """The test itself sees a repeat that is not possessive."""
        for bad in (rb"a*", rb"(?:a|b)+x", rb"[*+]+", rb"a{2,3}", rb"a?"):
            self.assertEqual(len(unpossessive(bad)), 1, bad)
        self.assertEqual(unpossessive(rb"a*+(?i:b)++[*+]?+\*\+{2,3}+"), [])


class NameTests(SynchronousTestCase):
    """Field names in any spelling."""

    def test_folded(self) -> None:
        """Any case, and an underscore for a dash."""
        match = re.compile(grammar.folded("x-real-ip") + rb"\Z").match
        for name in (b"x-real-ip", b"X-REAL-IP", b"X_Real-Ip", b"x_real_ip"):
            self.assertIsNotNone(match(name))
        for name in (b"x-real-ipx", b"xx-real-ip", b"x.real.ip", b"x-real"):
            self.assertIsNone(match(name))

    def test_special_lines(self) -> None:
        """Neighbouring special fields are each found, with their whole lines."""
        block = b"\r\nHost: a\r\nTE:\r\nHost: b\r\nX-TE: c\r\nTE-X: d\r\nupgrade: e\r\n"
        found = [field.groups() for field in grammar.REQUEST_SPECIAL.finditer(block)]
        self.assertEqual(
            found, [(b"Host", b" a"), (b"TE", b""), (b"Host", b" b"), (b"upgrade", b" e")]
        )

    def test_inside_values(self) -> None:
        """A name inside of a value is no field."""
        block = b"\r\nX: Host: a\r\nY: \tContent-Length: 5\r\n"
        self.assertEqual(grammar.REQUEST_SPECIAL.findall(block), [])


class WorkTests(SynchronousTestCase):
    """How often hostile heads are gone through."""

    def test_pieces(self) -> None:
        """A head that comes byte by byte is parsed at its first line's end, and at its own."""
        data = b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 500 + b"\r\n"
        looks = sum(
            request_head.worth_parsing(data[: end + 1], end, LIMITS) for end in range(len(data))
        )
        self.assertEqual(looks, 2)
