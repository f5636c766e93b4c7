"""Scalars that keep their text beside their value."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.fields import Flag, OneOf, Optional, Reference, Text, Whole
from fiberlb.model.listener import PolicyOrder
from fiberlb.model.listener_values import RedirectStatus
from fiberlb.model.quantities import Codes, Duration
from fiberlb.model.written import Written, plain
from tests.model.documents import loaded, refused


class WrittenTests(SynchronousTestCase):
    """The text, and what it stands for."""

    def test_both(self) -> None:
        """It is the text to those who do not ask."""
        written = Written("1.10", 1.1)
        self.assertEqual(written, "1.10")
        self.assertEqual(plain(written), 1.1)
        self.assertIs(plain("x"), "x")
        self.assertIs(plain(None), None)

    def test_texts(self) -> None:
        """Kinds of text take the text, an ordinary one."""
        for kind in (Text(), Reference("pools"), Optional(Text())):
            for written in (Written("1.10", 1.1), Written("true", True), Written("007", 7)):
                found = loaded(kind, written)
                self.assertEqual((type(found), found), (str, str(written)))

    def test_values(self) -> None:
        """Kinds of other things take the value."""
        self.assertEqual(loaded(Whole(0, 99), Written("0x1F", 31)), 31)
        self.assertEqual(loaded(Whole(0, 99), Written("+5", 5)), 5)
        self.assertEqual(loaded(Whole(0, 9999), Written("1e3", 1000.0)), 1000)
        self.assertIs(loaded(Flag(), Written("true", True)), True)
        self.assertEqual(loaded(RedirectStatus(), Written("true", True)), 308)
        self.assertEqual(loaded(RedirectStatus(), Written("301", 301)), 301)
        self.assertEqual(loaded(Codes(), [Written("200", 200)]), ((200, 200),))

    def test_others(self) -> None:
        """No kind takes a value that is none of its own."""
        self.assertEqual(refused(Whole(0, 99), Written("true", True)), "must be a whole number")
        self.assertEqual(refused(Whole(0, 99), Written("1.5", 1.5)), "must be a whole number")
        self.assertEqual(
            refused(Whole(0, 99), Written(".inf", float("inf"))), "must be a whole number"
        )
        self.assertEqual(refused(Flag(), Written("1", 1)), "must be true or false")
        self.assertIn("must be a duration", refused(Duration(), Written("5", 5)))
        self.assertIn("'5' is not one of", refused(OneOf(PolicyOrder), Written("5", 5)))
