"""What a commit stores: objects by themselves and together, followed and read again."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.layer import StoreLayer, loaded
from fiberlb.control.operations import Op, Operation
from fiberlb.control.packs import PACKS
from fiberlb.control.past import MANY
from fiberlb.control.records import COUNTER, OBJECTS
from fiberlb.model.pool import Member
from fiberlb.store.memory import MemoryStore
from tests.control.stage import ORIGIN, Stage, delete, keyring, patch, replace_all

POOL = "pool"


def member(number: int, **fields: Any) -> dict[str, Any]:
    """The document of a member."""
    return {"name": f"m{number}", "address": "127.0.0.1", "port": number + 1, **fields}


def config(members: list[dict[str, Any]], *others: dict[str, Any]) -> Operation:
    """A whole configuration: a pool with members, and other pools."""
    pools = [{"name": POOL, "members": members}, *others]
    return Operation(op=Op.CONFIG, body={"pools": pools})


def _lists(layer: StoreLayer) -> tuple[Any, Any]:
    """What is stored where."""
    return {name: list(keys) for name, keys in layer.packs.items()}, layer.apart


class StoreTests(SynchronousTestCase):
    """A node that writes, another one that follows."""

    def setUp(self) -> None:
        """They share a store."""
        self.clock = Clock()
        self.store = MemoryStore(self.clock)
        self.one = Stage(self, "", self.store, self.clock, 1)
        self.two = Stage(self, "", self.store, self.clock, 2)
        self.several = [member(n) for n in range(MANY * 2)]
        self.one.write(config(self.several))

    def entries(self) -> dict[bytes, tuple[bytes, int]]:
        """All of the store."""
        return self.successResultOf(Deferred.fromCoroutine(self.store.load()))[1]

    def keys(self, prefix: bytes) -> list[bytes]:
        """The keys of the store below a prefix."""
        return [key for key in self.entries() if key.startswith(prefix)]

    def read(self) -> StoreLayer:
        """What a node has that starts now."""
        return loaded(0, self.entries(), keyring())

    def agreed(self) -> None:
        """Both nodes, and one that starts now, have the same objects in the same order."""
        self.clock.pump([0.1] * 5)
        fresh = self.read()
        for node in (self.one, self.two):
            layer = node.control.state.layer
            self.assertEqual(node.control.problems, ())
            for collection, records in fresh.records.items():
                self.assertEqual(list(layer.records[collection].values()), list(records.values()))
            self.assertEqual(_lists(layer), _lists(fresh))
        packed = [key for keys in fresh.packs.values() for key in keys]
        alone = [tuple(key.decode().split("/")[1:]) for key in self.keys(OBJECTS)]
        there = {(c, ident) for c, records in fresh.records.items() for ident in records}
        self.assertEqual({*packed, *alone}, there)
        self.assertEqual(len({*packed}), len(packed))
        self.assertEqual({*packed} & {*alone}, fresh.apart)

    def test_made(self) -> None:
        """One key for many; what is alone of its kind has one of its own."""
        self.assertEqual(len(self.keys(PACKS)), 1)
        self.assertEqual(len(self.keys(OBJECTS)), 1)
        self.agreed()

    def test_few_changed(self) -> None:
        """Few that change get keys of their own; their pack stays as it is."""
        before = self.entries()
        self.one.write(patch("members", "m7", {"weight": 9}))
        after = self.entries()
        changed = {key for key in after if before.get(key) != after[key]}
        self.assertEqual([key for key in changed if key.startswith(PACKS)], [])
        self.assertEqual(len([key for key in changed if key.startswith(OBJECTS)]), 1)
        self.agreed()
        self.two.write(patch("members", "m7", {"weight": 10}), patch("pools", POOL, {"name": "x"}))
        self.agreed()
        self.assertEqual(self.two.find("members", "m7").weight, 10)

    def test_many_changed(self) -> None:
        """Where many change the pack is written again, with those that stood for themselves."""
        self.one.write(patch("members", "m7", {"weight": 9}))
        self.one.write(config([member(n, weight=n % 7) for n in range(MANY * 2)]))
        self.agreed()
        self.assertEqual((len(self.keys(PACKS)), len(self.keys(OBJECTS))), (1, 1))

    def test_deleted(self) -> None:
        """One, then all: the key is gone with the last one."""
        self.one.write(patch("members", "m8", {"weight": 9}))
        self.one.write(patch("members", "m7", {"weight": 9}))
        self.one.write(delete("members", "m7"))
        self.agreed()
        self.assertEqual(len(self.keys(OBJECTS)), 1)
        self.assertEqual(len(self.two.control.configuration.all(Member)), MANY * 2 - 1)
        self.one.write(replace_all("members", POOL, []))
        self.agreed()
        self.assertEqual(self.keys(PACKS), [])

    def test_back(self) -> None:
        """What was deleted, and changed, comes back as it was and where it was."""
        members = list(self.one.control.state.layer.records["members"].values())
        self.one.write(config([member(1, weight=3)]))
        self.agreed()
        rollback = self.one.control.history.rollback(1, ORIGIN)
        self.successResultOf(Deferred.fromCoroutine(rollback))
        self.agreed()
        made = [record.made for record in members]
        now = [record.made for record in self.one.control.state.layer.records["members"].values()]
        self.assertEqual(now, made)

    def test_grown(self) -> None:
        """Objects that have become too large for it stand for themselves."""
        large = [[f"{m:04d}{n:03d}" * 35 for n in range(60)] for m in range(MANY * 2)]
        self.one.write(config([member(n, tags=tags) for n, tags in enumerate(large)]))
        self.assertEqual(self.keys(PACKS), [])
        self.agreed()

    def test_damaged(self) -> None:
        """A pack that is not understood: the last good configuration serves, and it is told."""
        (key,) = self.keys(PACKS)
        self.clock.pump([0.1] * 5)
        puts: dict[bytes, bytes | None] = {key: b"[{}]", COUNTER: b"2"}
        self.successResultOf(Deferred.fromCoroutine(self.store.commit({}, puts)))
        self.clock.pump([0.1] * 5)
        self.assertIn(key.decode(), self.two.control.problems[0])
        self.assertEqual(self.two.control.revision, 1)
        self.assertEqual(len(self.two.control.configuration.all(Member)), MANY * 2)

    def test_anything(self) -> None:
        """Whatever comes after each other, nothing is lost, doubled or out of place."""
        random = Random(20)
        known = {1: self.read().records}
        for _ in range(35):
            several = random.sample(self.several, random.choice((0, 1, 5, MANY, MANY * 2)))
            weights = random.choice(([1], [1] * 30 + [2], [1, 2, 3]))
            several = [{**one, "weight": random.choice(weights)} for one in several]
            if random.random() < 0.5:
                there = [made.name for made in self.one.control.configuration.all(Member).values()]
                names = {one["name"] for one in several}
                several += [one for one in self.several if one["name"] in {*there} - names]
            others = [{"name": f"p{n}"} for n in range(random.choice((0, 1, MANY + 5)))]
            node = random.choice((self.one, self.two))
            node.write(config(several, *others))
            self.agreed()
            known[self.one.control.revision] = self.read().records
        for number, records in known.items():
            layer = Deferred.fromCoroutine(self.one.control.history.layer(number))
            self.assertEqual(self.successResultOf(layer).records, records)
