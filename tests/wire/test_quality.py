"""Lists with weights."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.wire.quality import LONGEST, qualities


class QualityTests(SynchronousTestCase):
    """What clients say."""

    def test_read(self) -> None:
        """Weights in thousandths, the first one counts, what is no weight is nothing."""
        for value, wanted in (
            (b"", {}),
            (b"gzip", {b"gzip": 1000}),
            (b" GZIP ;q=0.5 ,br;Q=1.000", {b"gzip": 500, b"br": 1000}),
            (b"a;q=0.001,b;q=0,c;q=0.", {b"a": 1, b"b": 0, b"c": 0}),
            (b"a;q=2,b;q=-1,c;q=0.5555,d;q=", {b"a": 0, b"b": 0, b"c": 0, b"d": 0}),
            (b"text/html;level=1;q=0.3, */*", {b"text/html": 300, b"*/*": 1000}),
            (b"a;q=0.1,a", {b"a": 100}),
            (b",,;q=1,", {}),
            (b"a," * LONGEST, {}),
        ):
            self.assertEqual(qualities(value), wanted, value)

    @given(st.binary(max_size=200))
    def test_anything(self, value: bytes) -> None:
        """Whatever comes, weights are weights."""
        for name, weight in qualities(value).items():
            self.assertEqual(name, name.lower())
            self.assertTrue(0 <= weight <= 1000)
