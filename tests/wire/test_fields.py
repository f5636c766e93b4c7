"""Lists, lengths, and cutting fields out of a block."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Fault
from fiberlb.wire.fields import (
    MOST_ELEMENTS,
    MOST_LENGTH,
    content_length,
    cut_named,
    cut_spans,
    list_elements,
)

NAMES = st.sampled_from([b"A", b"a", b"Bb", b"bB", b"C-c", b"D"])
VALUES = st.sampled_from([b"", b" 1", b": x", b" a, b", b"\xff"])
LINES = st.lists(st.tuples(NAMES, VALUES), max_size=8)


def block(lines: list[tuple[bytes, bytes]]) -> bytes:
    """A header block of these fields."""
    return b"\r\n" + b"".join(name + b":" + value + b"\r\n" for name, value in lines)


class ListTests(SynchronousTestCase):
    """Comma-separated lists."""

    def test_elements(self) -> None:
        """Empty elements and the space around the others do not count."""
        self.assertEqual(list_elements(b""), [])
        self.assertEqual(list_elements(b" , ,\t"), [])
        self.assertEqual(list_elements(b"a,b ,\tc d,"), [b"a", b"b", b"c d"])

    def test_too_many(self) -> None:
        """A list of thousands is a way to make somebody else work; empty ones count."""
        self.assertEqual(len(list_elements(b",".join([b"a"] * MOST_ELEMENTS))), MOST_ELEMENTS)
        for value in (b",".join([b"a"] * (MOST_ELEMENTS + 1)), b"," * MOST_ELEMENTS):
            fault = self.assertRaises(Fault, list_elements, value)
            self.assertEqual(fault.reason, "head_too_large")


class LengthTests(SynchronousTestCase):
    """Content-Length."""

    @given(st.integers(0, MOST_LENGTH), st.integers(0, 30))
    def test_numbers(self, number: int, zeros: int) -> None:
        """Every number of 63 bits."""
        self.assertEqual(content_length([b"0" * zeros + b"%d" % number]), number)

    @given(st.one_of(st.integers(MOST_LENGTH + 1), st.integers(max_value=-1)))
    def test_out_of_range(self, number: int) -> None:
        """No other number."""
        self.assertRaises(Fault, content_length, [b"%d" % number])

    @given(st.binary(max_size=4).filter(lambda text: not text.isdigit()))
    def test_texts(self, text: bytes) -> None:
        """Nothing but digits."""
        self.assertRaises(Fault, content_length, [text])

    def test_repeats(self) -> None:
        """One line of it."""
        self.assertRaises(Fault, content_length, [b"5", b"5"])


class CutTests(SynchronousTestCase):
    """Blocks without some of their lines."""

    @given(LINES, st.sets(NAMES, max_size=3))
    def test_named(self, lines: list[tuple[bytes, bytes]], names: set[bytes]) -> None:
        """The named lines go, in whatever case; the others stay in order, byte for byte."""
        lowered = {name.lower() for name in names}
        kept = [line for line in lines if line[0].lower() not in lowered]
        self.assertEqual(cut_named(block(lines), names), block(kept))

    def test_no_names(self) -> None:
        """What is no field name names nothing."""
        given = block([(b"A", b"b")])
        self.assertIs(cut_named(given, [b"", b"a b", b"a:", b"\r\n", b"\xff"]), given)

    @given(st.binary(max_size=40), st.lists(st.integers(0, 40), max_size=8))
    def test_spans(self, data: bytes, places: list[int]) -> None:
        """The spans go, the rest stays."""
        places = sorted(min(place, len(data)) for place in places)
        spans = list(zip(places[::2], places[1::2], strict=False))
        if not spans:
            return
        inside = {at for start, end in spans for at in range(start, end)}
        kept = bytes(byte for at, byte in enumerate(data) if at not in inside)
        self.assertEqual(cut_spans(data, spans), kept)
