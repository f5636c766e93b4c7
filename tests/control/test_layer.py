"""The store layer, loaded and brought forward."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.layer import StoreLayer, advanced, altered, loaded
from fiberlb.control.records import Record, Unreadable, contents_key, encode, object_key
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Meta, Owner, Resource
from tests.control.stage import keyring

META = Meta(Owner.API, "then", "then", 1)
KEYS = keyring()
#: Ids in the order of A, B and M, and one before them all.
IDS = {name: f"00000000-0000-4000-8000-00000000000{n}" for n, name in enumerate("0abm")}


def record(made: Resource, *order: int) -> Record:
    """A record of an object."""
    return Record(made, META, (order[0], order[1]))


def entry(one: Record) -> tuple[bytes, bytes]:
    """A record as the store has it."""
    return object_key(one.made.COLLECTION, one.made.id), encode(one, KEYS)


A = record(Pool(id=IDS["a"], name="A"), 2, 0)
B = record(Pool(id=IDS["b"], name="B"), 1, 1)
M = record(Member(id=IDS["m"], name="M", address="::1", port=1, pool_id=IDS["a"]), 1, 0)


class LoadedTests(SynchronousTestCase):
    """Everything at once."""

    def test_empty(self) -> None:
        """An empty store is revision 0."""
        self.assertEqual(loaded(0, {}, KEYS), StoreLayer())

    def test_order(self) -> None:
        """Objects come in the order of their creation, whatever their keys; the rest is left."""
        entries = {key: (value, 5) for key, value in map(entry, (A, B, M))}
        entries |= {b"revision": (b"9", 4), contents_key(IDS["a"]): (b"7", 4), b"other": (b"x", 1)}
        layer = loaded(6, entries, KEYS)
        self.assertEqual(list(layer.records["pools"].values()), [B, A])
        self.assertEqual((layer.revision, layer.counter, layer.at), (9, 4, 6))
        self.assertEqual(layer.contents, {IDS["a"]: 7})
        self.assertTrue(layer.holds("members", IDS["m"]))
        self.assertFalse(layer.holds("pools", IDS["m"]))

    def test_bad_number(self) -> None:
        """A counter that is no number."""
        with self.assertRaises(Unreadable):
            loaded(1, {b"revision": (b"many", 1)}, KEYS)


class AlteredTests(SynchronousTestCase):
    """Records put and taken out."""

    def test_comes_back(self) -> None:
        """What was created before others takes its place before them."""
        records = altered(StoreLayer().records, [B, A], ())
        gone = altered(records, (), [("pools", IDS["b"])])
        self.assertEqual(list(altered(gone, [B], ())["pools"].values()), [B, A])
        self.assertEqual(list(gone["pools"].values()), [A])


class AdvancedTests(SynchronousTestCase):
    """One revision after the other."""

    def setUp(self) -> None:
        """A layer with one pool."""
        entries = {key: (value, 1) for key, value in [entry(B)]}
        self.layer = loaded(1, {**entries, b"revision": (b"1", 1)}, KEYS)

    def test_changes(self) -> None:
        """New ones come last, in order of creation; the layer before is not touched."""
        late = record(Pool(id=IDS["0"], name="late"), 3, 0)
        changes = [entry(late), entry(A), entry(M), (b"revision", b"2"), (b"x", None)]
        layer = advanced(self.layer, 4, changes, KEYS)
        self.assertEqual([r.made.name for r in layer.records["pools"].values()], ["B", "A", "late"])
        self.assertEqual((layer.revision, layer.counter, layer.at), (2, 4, 4))
        self.assertEqual(list(self.layer.records["pools"]), [IDS["b"]])

    def test_deleted(self) -> None:
        """An object, and the record of what it lost."""
        contents = advanced(self.layer, 2, [(contents_key(IDS["b"]), b"2")], KEYS)
        self.assertEqual(contents.contents, {IDS["b"]: 2})
        changes = [(object_key("pools", IDS["b"]), None), (contents_key(IDS["b"]), None)]
        layer = advanced(contents, 3, changes, KEYS)
        self.assertEqual((layer.records["pools"], layer.contents), ({}, {}))

    def test_same_place(self) -> None:
        """A changed object keeps its place."""
        layer = advanced(self.layer, 2, [entry(A)], KEYS)
        renamed = record(Pool(id=IDS["b"], name="B2"), 1, 1)
        layer = advanced(layer, 3, [entry(renamed)], KEYS)
        self.assertEqual([r.made.name for r in layer.records["pools"].values()], ["B2", "A"])

    def test_altered(self) -> None:
        """What is taken out may not have been there."""
        records = altered(self.layer.records, [A], [("pools", IDS["b"]), ("members", "x")])
        self.assertEqual(list(records["pools"]), [IDS["a"]])
