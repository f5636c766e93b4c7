"""Scalars of the configuration file: what is a text and what is not."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.scalars import expanded, resolved
from fiberlb.model.written import Written


class ResolvedTests(SynchronousTestCase):
    """Unquoted scalars by the core schema."""

    def test_texts(self) -> None:
        """What older readers of YAML took for something else is a text."""
        for text in (
            *("yes", "no", "on", "off", "y", "n", "Yes", "OFF"),
            *("True", "TRUE", "False", "FALSE", "tRue"),
            *("22:22", "190:20:30", "12:30:45.5", "2024-01-02", "2024-01-02T03:04:05Z"),
            *("0443", "00", "0b101", "1_000", "0x", "0o8", "017", "-01", "01.5"),
            *(
                "nUll",
                "None",
                "nil",
                "-",
                "+",
                ".",
                "..",
                "1.2.3",
                "1e",
                "e5",
                "inf",
                "nan",
                ".Nan",
            ),
            *("<<", "=", "10.0.0.1:80", "::1", "1s", "64KiB", "*", "1 000"),
        ):
            found = resolved(text)
            self.assertIs(type(found), str, text)
            self.assertEqual(found, text)

    def test_booleans(self) -> None:
        """The two words in lower case alone."""
        for text, value in (("true", True), ("false", False)):
            found = resolved(text)
            assert isinstance(found, Written)
            self.assertIs(found.value, value)
            self.assertEqual(found, text)

    def test_nulls(self) -> None:
        """Nothing, a tilde, and the word in three cases."""
        for text in ("", "~", "null", "Null", "NULL"):
            self.assertIsNone(resolved(text))

    def test_numbers(self) -> None:
        """Numbers have a value, and keep their text."""
        for text, value in (
            ("0", 0),
            ("443", 443),
            ("-5", -5),
            ("+5", 5),
            ("0x1F", 31),
            ("0o17", 15),
            ("1.10", 1.1),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("-1.5E-2", -0.015),
            (".inf", math.inf),
            ("-.INF", -math.inf),
            ("999999999999999999", 999999999999999999),
        ):
            found = resolved(text)
            assert isinstance(found, Written), text
            self.assertEqual((found.value, type(found.value)), (value, type(value)))
            self.assertEqual(found, text)
        endless = resolved(".nan")
        assert isinstance(endless, Written)
        self.assertTrue(math.isnan(endless.value))

    def test_long(self) -> None:
        """Digits without end are a text: nobody waits for their conversion."""
        text = "9" * 100_000
        self.assertIs(resolved(text), text)

    @given(st.text(max_size=30))
    def test_any(self, text: str) -> None:
        """Whatever it is, the text is kept, or it is null."""
        found = resolved(text)
        self.assertTrue(found is None or found == text)


class ExpandedTests(SynchronousTestCase):
    """Variables of the environment."""

    environ = {"HOST": "lb-1", "EMPTY": "", "NESTED": "${HOST}", "_x9": "u"}

    def expand(self, text: str) -> tuple[str, list[str]]:
        """The result and the refusals."""
        refused: list[str] = []
        return expanded(text, self.environ, refused.append), refused

    def test_set(self) -> None:
        """Variables are replaced wherever they stand, once."""
        for text, wanted in (
            ("${HOST}", "lb-1"),
            ("a${HOST}b${HOST}c", "alb-1blb-1c"),
            ("[${EMPTY}]", "[]"),
            ("${NESTED}", "${HOST}"),
            ("${_x9}", "u"),
            ("$HOST $$ $ {HOST} $(HOST)", "$HOST $$ $ {HOST} $(HOST)"),
        ):
            self.assertEqual(self.expand(text), (wanted, []))

    def test_escaped(self) -> None:
        """Two dollars before the brace stand for the text itself."""
        self.assertEqual(self.expand("$${HOST} $${x"), ("${HOST} ${x", []))
        self.assertEqual(self.expand("$$${HOST}"), ("$${HOST}", []))

    def test_unset(self) -> None:
        """A variable that is not set is refused by its name, each one."""
        _, refused = self.expand("${NOPE} ${HOST} ${NADA}")
        self.assertEqual(
            refused,
            [
                "the environment variable NOPE is not set",
                "the environment variable NADA is not set",
            ],
        )

    def test_not_a_name(self) -> None:
        """Other things in the braces are refused: they would pass as text unseen."""
        for text in ("${}", "${A-B}", "${HOST:-x}", "${1}", "${HOST", "a ${", "${ HOST}"):
            _, refused = self.expand(text)
            self.assertEqual(len(refused), 1, text)
            self.assertIn("$${ is the text itself", refused[0])
