"""Compression as it is configured."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.compression import TYPES, Encoding
from fiberlb.model.convert import structure, unstructure
from fiberlb.model.fields import Loading
from fiberlb.model.pool import Pool
from tests.support.treated import loaded, refused


class CompressionTests(SynchronousTestCase):
    """What is taken, and what is not."""

    def test_taken(self) -> None:
        """An empty one is one; words in any case, and a word alone."""
        made = loaded(compression={})["compression"]
        self.assertEqual((made.encodings, made.types, made.minimum), (None, TYPES, 1024))
        for given, wanted in (
            ("all", None),
            ([], ()),
            ("GZIP", (Encoding.GZIP,)),
            (["brotli", "gzip"], (Encoding.BR, Encoding.GZIP)),
        ):
            made = loaded(compression={"encodings": given})["compression"]
            self.assertEqual(made.encodings, wanted)

    def test_round_trip(self) -> None:
        """What was read is written, and read again."""
        given: dict[str, Any] = {
            "encodings": ["zstd", "br"],
            "types": ["text/*"],
            "minimum": "2KiB",
        }
        values: tuple[dict[str, Any], ...] = (given, {}, {"encodings": []})
        for value in values:
            made = Pool(name="p", **loaded(compression=value))
            self.assertEqual(structure(Pool, unstructure(made), (), Loading()), made)
        self.assertEqual(
            unstructure(Pool(name="p", **loaded(compression=given)))["compression"], given
        )

    def test_refused(self) -> None:
        """Each key has its own problem."""
        wrong: tuple[tuple[Any, str], ...] = (
            ({"encodings": ["deflate"]}, "compression.encodings[0]"),
            ({"encodings": ["gzip"] * 4}, "compression.encodings"),
            ({"types": ["html"]}, "compression.types[0]"),
            ({"types": ["text/html; charset=utf-8"]}, "compression.types[0]"),
            ({"minimum": -1}, "compression.minimum"),
            ({"level": 9}, "compression.level"),
            (True, "compression"),
        )
        for value, field in wrong:
            self.assertEqual([problem.field for problem in refused("compression", value)], [field])
