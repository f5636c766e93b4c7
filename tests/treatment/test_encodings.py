"""Content codings, and which a client wants."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

import zstandard
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.compression import Encoding
from fiberlb.treatment import encodings
from fiberlb.treatment.compression import Coded
from fiberlb.treatment.encodings import Choice, codings, missing


def unpacking(name: bytes) -> Callable[[bytes], bytes]:
    """What decodes the pieces of a coded content as they come."""
    if name == b"gzip":
        return zlib.decompressobj(31).decompress
    if name == b"br":
        decode: Callable[[bytes], bytes] = import_module("brotli").Decompressor().process
        return decode
    return zstandard.ZstdDecompressor().decompressobj().decompress


class CodingTests(SynchronousTestCase):
    """What is coded can be decoded."""

    @given(st.lists(st.binary(max_size=4000), max_size=8), st.booleans())
    def test_splits(self, pieces: list[bytes], told: bool) -> None:
        """However a content comes, it is the same; after each piece all of it is there."""
        for coding in codings(Encoding):
            content = Coded(coding.begin(), sum(map(len, pieces)) if told else -1)
            unpack = unpacking(coding.name)
            seen = b""
            for number, piece in enumerate(pieces, 1):
                seen += unpack(content.feed(piece))
                if not told:
                    self.assertEqual(seen, b"".join(pieces[:number]), coding.name)
            seen += unpack(content.end())
            self.assertEqual(seen, b"".join(pieces), coding.name)

    def test_apart(self) -> None:
        """Streams of one coding know nothing of each other."""
        for coding in codings(Encoding):
            one, two = coding.begin(), coding.begin()
            made = [one.feed(b"a" * 3000), two.feed(b"b" * 3000)]
            found = unpacking(coding.name)(made[0] + one.finish())
            self.assertEqual(found, b"a" * 3000)
            self.assertEqual(unpacking(coding.name)(made[1] + two.finish()), b"b" * 3000)

    def test_missing(self) -> None:
        """Codings without their libraries are not offered; gzip always is."""
        lacking: Any = {"zstandard": None, "brotli": None}
        known = encodings._module
        self.patch(encodings, "_module", lambda name: lacking.get(name, zlib))
        self.assertEqual([one.name for one in codings(Encoding)], [b"gzip"])
        self.assertEqual([missing(one) for one in Encoding], ["zstandard", "brotli", None])
        self.assertIsNone(known("no_such_module_at_all"))


#: Accept-Encoding, and which of zstd, br and gzip is chosen.
CHOICES = (
    (b"", None),
    (b"gzip", b"gzip"),
    (b"x-gzip", b"gzip"),
    (b"gzip, deflate, br, zstd", b"zstd"),
    (b"gzip, br", b"br"),
    (b"br;q=0.5, gzip;q=0.9, zstd;q=0.1", b"gzip"),
    (b"*", b"zstd"),
    (b"*;q=0.5, gzip", b"gzip"),
    (b"zstd;q=0, *", b"br"),
    (b"*;q=0", None),
    (b"gzip;q=0", None),
    (b"identity", None),
    (b"identity;q=0", None),
    (b"gzip;q=0.5, identity", None),
    (b"gzip;q=0.5, identity;q=0.5", b"gzip"),
    (b"deflate", None),
    (b"GZip", b"gzip"),
    (b"gzip;q=nonsense", None),
    (b"gzip," * 1000, None),
)


class ChoiceTests(SynchronousTestCase):
    """Which one it is."""

    def test_choices(self) -> None:
        """The table."""
        choice = Choice(codings(Encoding))
        for accepted, wanted in CHOICES:
            found = choice.of(accepted)
            self.assertEqual(None if found is None else found.name, wanted, accepted)

    def test_order(self) -> None:
        """Among what the client likes as much, ours goes first."""
        for order in ([Encoding.GZIP, Encoding.BR], [Encoding.BR, Encoding.GZIP, Encoding.BR]):
            found = Choice(codings(order)).of(b"zstd, br, gzip")
            assert found is not None
            self.assertEqual(found.name, order[0].value.encode())
