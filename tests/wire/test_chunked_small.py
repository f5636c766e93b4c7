"""Bodies in very many very small chunks: read like any other, at a bearable price."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import Fault
from fiberlb.wire.chunked import Chunked

#: Content of every size around that of a small chunk, with what looks like framing in it.
_PATTERN = b"\r\n1\r\nx\r\n0\r\n\r\n;" * 40
SIZES = st.integers(1, 300)
SPELLINGS = st.sampled_from([b"%x", b"%X", b"%03x", b"%015X", b"%016x"])


def chunk(size: int, spelling: bytes = b"%x", extension: bytes = b"") -> bytes:
    """A chunk with so much content."""
    return spelling % size + extension + b"\r\n" + _PATTERN[:size] + b"\r\n"


def fed(chunked: Chunked, data: bytes, step: int) -> bytes:
    """What becomes of a body that comes in pieces of a size."""
    return b"".join(chunked.feed(data[n : n + step]) for n in range(0, len(data), step))


class SmallChunkTests(SynchronousTestCase):
    """Many at a time or one by one: it makes no difference."""

    @given(st.lists(st.tuples(SIZES, SPELLINGS), min_size=1, max_size=30), st.integers(1, 2000))
    def test_equal(self, chunks: list[tuple[int, bytes]], step: int) -> None:
        """What is passed on, what is decoded and what is counted."""
        content = b"".join(_PATTERN[:size] for size, _ in chunks)
        data = b"".join(chunk(size, spelling) for size, spelling in chunks) + b"0\r\n\r\n"
        passing, decoding = Chunked(1024, 64), Chunked(1024, 64, decode=True)
        self.assertEqual(fed(passing, data, step), data)
        self.assertEqual(fed(decoding, data, step), content)
        for chunked in (passing, decoding):
            self.assertTrue(chunked.done)
            self.assertEqual(chunked.received, len(content))

    def test_every_size(self) -> None:
        """No size is misread."""
        for size in range(1, 300):
            data = chunk(size) + chunk(size, b"%X") + chunk(1)
            for step in (len(data), size + 3, 7):
                chunked = Chunked(1024, 64, decode=True)
                self.assertEqual(fed(chunked, data, step), _PATTERN[:size] * 2 + _PATTERN[:1])

    def test_untouched(self) -> None:
        """A piece full of them is passed on as it is, not taken apart."""
        chunked = Chunked(1024, 64)
        data = b"1\r\na\r\n" * 10_000
        self.assertIs(chunked.feed(data), data)
        self.assertEqual(chunked.received, 10_000)

    def test_malformed(self) -> None:
        """What is wrong among them is found wherever it stands."""
        wrong = (
            b"1\r\nab\r\n",
            b"1\na\r\n",
            b"1\r\na\n",
            b"2\r\na\r\n1",
            b"1\r\na\rb",
            b" 1\r\na\r\n",
            b"g\r\na\r\n",
            b"0x1\r\na\r\n",
            b"00000000000000001\r\na\r\n",
            b"-1\r\na\r\n",
        )
        for bad in wrong:
            for before in (b"", chunk(1) * 50, chunk(200) * 5):
                chunked = Chunked(1024, 64)
                with self.assertRaises(Fault, msg=repr(bad)):
                    chunked.feed(before + bad + chunk(5) * 50)


class ExpensiveTests(SynchronousTestCase):
    """What costs FiberLB much and its sender little is bounded."""

    def test_extensions(self) -> None:
        """Small chunks with extensions: so many of them, and no more."""
        chunked = Chunked(1024, 64)
        passed = chunked.feed(chunk(5, extension=b";a=b") * 256)
        self.assertEqual(passed, chunk(5) * 256)
        with self.assertRaises(Fault) as caught:
            chunked.feed(chunk(5, extension=b";a=b"))
        self.assertEqual(caught.exception.reason, "bad_request")

    def test_useful_extensions(self) -> None:
        """Larger ones may have them all, such as signatures."""
        chunked = Chunked(1024, 64)
        large = b"100;s=0123456789abcdef\r\n" + bytes(256) + b"\r\n"
        for _ in range(500):
            chunked.feed(large)
        self.assertEqual(chunked.received, 128_000)

    def test_trailers(self) -> None:
        """Trailer fields are counted, those that are dropped too."""
        for name in (b"a", b"host"):
            allowed = Chunked(16384, 64)
            allowed.feed(b"0\r\n" + (name + b":\r\n") * 128 + b"\r\n")
            self.assertTrue(allowed.done)
            with self.assertRaises(Fault):
                Chunked(16384, 64).feed(b"0\r\n" + (name + b":\r\n") * 129 + b"\r\n")
