"""Values of rules, spelled as candidates are."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import CompareType
from fiberlb.routing import spelling

EQUAL = CompareType.EQUAL_TO


class SpellingTests(SynchronousTestCase):
    """One by one."""

    def test_words(self) -> None:
        """Case and leading zeros do not matter."""
        self.assertEqual(spelling.as_word(EQUAL, "PUT"), b"put")
        self.assertEqual(spelling.as_number(EQUAL, "007"), b"7")
        self.assertEqual(spelling.as_written(EQUAL, "Ö"), "Ö".encode())
        self.assertEqual(spelling.as_extension(EQUAL, ".JPG"), b"jpg")
        self.assertEqual(spelling.as_name(EQUAL, "A.Example."), b"a.example")
        self.assertEqual(spelling.as_network(EQUAL, "128.0.0.0/1"), b"41")

    def test_paths(self) -> None:
        """In their normal form; under one without its final slash."""
        for compare, value, wanted in (
            (EQUAL, "/a//b/", b"/a/b/"),
            (CompareType.UNDER, "/a//b/", b"/a/b"),
            (CompareType.UNDER, "/", b""),
            (CompareType.STARTS_WITH, "/a/.g", b"/a/.g"),
        ):
            self.assertEqual(spelling.as_path(compare, value), wanted)
