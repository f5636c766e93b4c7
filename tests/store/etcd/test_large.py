"""Tests of L{fiberlb.store.etcd.large}: commits beyond what one transaction takes."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.etcd import large
from fiberlb.store.etcd.store import EtcdStore
from fiberlb.store.interface import Changes, Conflict
from tests.store.etcd.stage import EtcdStage
from tests.store.stage import nothing


class LargeTests(SynchronousTestCase):
    """Two nodes, one of which writes much."""

    def setUp(self) -> None:
        """Both, and a watch of the second."""
        self.stage = EtcdStage()
        self.addCleanup(self.stage.end)
        self.one, self.two = self.stage.store(), self.stage.store()
        self.told: list[tuple[int, Changes]] = []
        self.two.watch(0, lambda at, changes: self.told.append((at, changes)), nothing)

    def commit(
        self, puts: dict[bytes, bytes | None], expect: dict[bytes, int] | None = None
    ) -> int:
        """Write, and wait."""
        return self.stage.wait(self.one.commit(expect or {}, puts))

    def test_many(self) -> None:
        """More than 128 keys, some deleted, are one revision for everybody."""
        first = self.commit({b"old/%03d" % n: b"x" for n in range(90)})
        puts: dict[bytes, bytes | None] = {b"new/%03d" % n: b"%d" % n for n in range(300)}
        puts.update(dict.fromkeys(b"old/%03d" % n for n in range(90)))
        second = self.commit(puts, {b"old/001": first})
        self.stage.idle()
        self.assertEqual([at for at, _ in self.told], [first, second])
        self.assertEqual(dict(self.told[1][1]), puts)
        _, entries = self.stage.wait(self.two.load())
        self.assertEqual(len(entries), 300)
        self.assertEqual(set(entries.values()), {(b"%d" % n, second) for n in range(300)})
        third = self.commit({b"a": b""})
        self.stage.idle()
        self.assertEqual([at for at, _ in self.told], [first, second, third])

    def test_bytes(self) -> None:
        """More than an etcd takes in one request, too."""
        puts: dict[bytes, bytes | None] = {b"%d" % n: os.urandom(300_000) for n in range(12)}
        at = self.commit(puts)
        self.stage.idle()
        self.assertEqual(self.told, [(at, [*puts.items()])])
        self.assertEqual(
            {key: entry[0] for key, entry in self.stage.wait(self.two.load())[1].items()}, puts
        )

    def test_conflict(self) -> None:
        """One of many expectations that does not hold: nothing is there, nothing is left."""
        keys = [b"%03d" % n for n in range(150)]
        at = self.commit(dict.fromkeys(keys, b"x"))
        later = self.commit({b"077": b"y"})
        with self.assertRaises(Conflict) as caught:
            self.commit(dict.fromkeys(keys, b"z"), dict.fromkeys(keys, at))
        self.assertEqual(caught.exception.current, {b"077": (b"y", later)})
        self.assertEqual(self.stage.left(), [])
        self.commit({b"a": b""}, {b"077": later})

    def test_dead_before(self) -> None:
        """A writer that dies while it checks is in nobody's way for long."""
        self.die(self.one, "_checked")
        at = self.stage.wait(self.two.commit({}, {b"a": b"1"}))
        self.assertEqual(self.stage.wait(self.two.load())[1], {b"a": (b"1", at)})
        self.assertEqual(self.stage.left(), [])

    def test_dead_after(self) -> None:
        """What one has decided that dies then is put in its place by others."""
        self.die(self.one, "_apply")
        self.stage.idle()
        self.assertEqual(len(self.told[0][1]), 250)
        _, entries = self.stage.wait(self.two.load())
        self.assertEqual(len(entries), 250)
        self.assertEqual({entry[1] for entry in entries.values()}, {self.told[0][0]})
        self.assertEqual(self.stage.left(), [])
        self.stage.idle()
        self.assertEqual(len(self.told), 1)

    def die(self, store: EtcdStore, where: str) -> None:
        """Have a store write much, and stop for ever at that method."""
        reached: Deferred[None] = Deferred()

        async def stop(*_: Any) -> None:
            reached.callback(None)
            await Deferred()

        part = store._commits._large
        self.patch(part, where, stop)
        Deferred.fromCoroutine(store.commit({}, {b"%03d" % n: b"x" for n in range(250)}))
        self.stage.wait(reached)
        self.stage.stores.remove(store)


class PartTests(SynchronousTestCase):
    """Parts of a commit."""

    def test_parts(self) -> None:
        """They are bounded, and hold everything in its order."""
        puts: dict[bytes, bytes | None] = {
            b"%d" % n: None if n % 3 else b"x" * n for n in range(999)
        }
        parts = [*large.parts(puts)]
        found = [pair for part in parts for pair in large.operations(part)]
        self.assertEqual([key for key, _ in found], [*puts])
        self.assertEqual(
            [v for _, v in found], [None if v is None else b"." + v for v in puts.values()]
        )
        for part in parts:
            self.assertLessEqual(len([*large.operations(part)]), large.OPERATIONS)
