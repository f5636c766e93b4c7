"""Time spans, sizes and statuses."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.quantities import Codes, Duration, Size, duration_text
from tests.model.documents import check_schema, loaded, refused, values


class DurationTests(SynchronousTestCase):
    """Time spans."""

    def test_loaded(self) -> None:
        """Numbers with units, several of them added up."""
        for text, seconds in (
            ("500ms", 0.5),
            ("5s", 5.0),
            ("1m30s", 90.0),
            ("1.5h", 5400.0),
            ("30d", 2592000.0),
            ("1d1h1m1s1ms", 90061.001),
        ):
            self.assertEqual(loaded(Duration(), text), seconds)

    def test_refused(self) -> None:
        """A number alone could be anything."""
        for value in (
            5,
            "5",
            "",
            "5 s",
            "-5s",
            "5S",
            "s",
            "5sec",
            "1:30",
            None,
            True,
            "none",
            "5s ",
        ):
            self.assertIn("must be a duration such as", refused(Duration(), value))
        self.assertEqual(refused(Duration(), "0s"), "must be more than zero")
        self.assertEqual(refused(Duration(), "0.4ms"), "must be more than zero")
        self.assertEqual(refused(Duration(), "3651d"), "must be less than ten years")

    def test_endless(self) -> None:
        """Where there may be no end, none says so."""
        kind = Duration(endless=True)
        self.assertIsNone(loaded(kind, "none"))
        self.assertIsNone(loaded(kind, None))
        self.assertEqual(kind.dump(None), "none")
        self.assertEqual(loaded(Duration(positive=False), "0s"), 0.0)

    def test_text(self) -> None:
        """The shortest text."""
        for seconds, text in ((90.0, "1m30s"), (0.0, "0s"), (0.25, "250ms"), (86400.0, "1d")):
            self.assertEqual(duration_text(seconds), text)

    @given(st.integers(1, 3650 * 86400 * 1000))
    def test_round_trip(self, milliseconds: int) -> None:
        """Any span in milliseconds is written out and read as it was."""
        kind = Duration()
        value = loaded(kind, f"{milliseconds}ms")
        self.assertEqual(loaded(kind, kind.dump(value)), value)

    def test_schema(self) -> None:
        """The schema has the form."""
        check_schema(Duration(), ["5s", "1m30s"], [5, "5", "none"])
        check_schema(Duration(endless=True), ["5s", "none"], ["never"])


class SizeTests(SynchronousTestCase):
    """Bytes."""

    def test_loaded(self) -> None:
        """Binary units."""
        for text, size in (("0B", 0), ("512B", 512), ("64KiB", 65536), ("1GiB", 1024**3)):
            self.assertEqual(loaded(Size(), text), size)
        self.assertIsNone(loaded(Size(endless=True), "none"))

    def test_refused(self) -> None:
        """Numbers alone and decimal units are ambiguous."""
        for value in (5, "5", "64KB", "64k", "1.5KiB", "-1B", "", None, "none", " 5B"):
            self.assertIn("must be a size such as", refused(Size(), value))
        self.assertEqual(loaded(Size(bare=True), 256), 256)
        self.assertEqual(loaded(Size(bare=True), "256"), 256)
        self.assertIn("must be a size such as", refused(Size(bare=True), True))
        self.assertIn("must be a size such as", refused(Size(bare=True), -1))
        self.assertEqual(refused(Size(64), "63B"), "must be at least 64B")

    @given(st.integers(0, 10**14))
    def test_round_trip(self, size: int) -> None:
        """Any number of bytes is written out and read as it was."""
        self.assertEqual(loaded(Size(), Size().dump(size)), size)

    def test_schema(self) -> None:
        """The schema has the form."""
        check_schema(Size(bare=True), ["64KiB", 256], ["64KB", -1])
        check_schema(Size(), ["64KiB"], [5, "64KB", "none"])
        check_schema(Size(endless=True), ["none"], ["x"])


class CodesTests(SynchronousTestCase):
    """Statuses."""

    def test_loaded(self) -> None:
        """One, a range, a list, or all of it in a text."""
        for value, wanted in (
            (200, ((200, 200),)),
            ("200", ((200, 200),)),
            ("200-299", ((200, 299),)),
            ([200, "204"], ((200, 200), (204, 204))),
            ("200, 204 ,300-399", ((200, 200), (204, 204), (300, 399))),
            (["200-204", 301], ((200, 204), (301, 301))),
        ):
            self.assertEqual(loaded(Codes(), value), wanted)

    def test_refused(self) -> None:
        """What is no status."""
        for value in values("", None, 99, 600, "2xx", "200-", "200--299", True, {}, [[]], "200,"):
            self.assertIn("must be statuses such as", refused(Codes(), value))
        self.assertEqual(refused(Codes(), "299-200"), "299-200 is an empty range")

    @given(
        st.lists(st.tuples(st.integers(100, 599), st.integers(100, 599)), min_size=1, max_size=5)
    )
    def test_round_trip(self, pairs: list[tuple[int, int]]) -> None:
        """Ranges are written out and read as they were."""
        value = tuple((min(pair), max(pair)) for pair in pairs)
        self.assertEqual(loaded(Codes(), Codes().dump(value)), value)
