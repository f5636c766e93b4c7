"""The documents of many objects in one."""

from __future__ import annotations

from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.records import Record, understood
from fiberlb.control.sheets import element, items, rows, sheet
from fiberlb.model.pool import Pool
from tests.control.stage import keyring
from tests.control.test_records import META, OBJECTS, uid


def read(written: dict[str, Any]) -> list[Record]:
    """The objects of a sheet."""
    return [understood(*row, keyring()) for row in rows(written)]


def pools(*descriptions: str) -> list[Record]:
    """Pools that one write made."""
    return [
        Record(Pool(id=uid(n), name=f"p{n}", description=text), META, (3, n))
        for n, text in enumerate(descriptions, 5)
    ]


class SheetTests(SynchronousTestCase):
    """Written and read again."""

    def test_every_kind(self) -> None:
        """Objects of every collection come back as they were, also those that differ in much."""
        for made in OBJECTS:
            if made.COLLECTION == "certificates":
                continue
            other = type(made)(**{**attrs.asdict(made, recurse=False), "id": uid(99), "name": "o"})
            bare = attrs.evolve(other, id=uid(98), tags=("z",), enabled=False)
            several = [Record(one, META, (3, n)) for n, one in enumerate((made, other, bare))]
            self.assertEqual(read(sheet(several)), several)

    def test_order(self) -> None:
        """In a row it is said once; it need not be in a row."""
        several = pools("a", "b", "c")
        self.assertEqual(sheet(several)["order"], [3, 5])
        mixed = [several[2], several[0]]
        self.assertEqual(read(sheet(mixed)), mixed)

    def test_common(self) -> None:
        """What all have in common is said once, what says nothing not at all."""
        found = sheet(pools("a", "a"))
        self.assertEqual(found["columns"], {"id": [uid(5), uid(6)], "name": ["p5", "p6"]})
        self.assertEqual(found["same"]["description"], "a")
        self.assertNotIn("tags", found["same"])

    def test_notes(self) -> None:
        """What a dialect keeps of them stays."""
        meta = attrs.evolve(META, notes={"octavia": {"x": 1}})
        several = [attrs.evolve(one, meta=meta) for one in pools("a", "b")]
        self.assertEqual(read(sheet(several)), several)

    def test_sides(self) -> None:
        """Before and after, either of which may lack; beside it one object by itself."""
        old, new = pools("a", "b"), pools("x", "b")
        alone = b'{"object":"pools/y","before":null,"after":{"spec":{}}}'
        texts = [element(old, new), element((), new), element(old, ()), alone]
        found = list(items(b"[" + b",".join(texts) + b"]"))
        told = [(ident, bool(before), bool(after)) for _, ident, before, after in found]
        ids = [uid(5), uid(6)]
        self.assertEqual(told[:2], [(ident, True, True) for ident in ids])
        self.assertEqual(told[2:4], [(ident, False, True) for ident in ids])
        self.assertEqual(told[4:6], [(ident, True, False) for ident in ids])
        self.assertEqual(told[6], ("y", False, True))
        self.assertEqual(understood("pools", uid(5), found[0][2], keyring()), old[0])  # type: ignore[arg-type]

    def test_damaged(self) -> None:
        """Columns that are not of one length, or too short."""
        for change in ({"count": 3}, {"columns": {"id": ["a"], "name": ["x", "y"]}}):
            with self.assertRaises(ValueError):
                list(rows({**sheet(pools("a", "b")), **change}))
