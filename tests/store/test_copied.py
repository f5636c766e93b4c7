"""Tests of L{fiberlb.store.copied}: a shared store that comes and goes."""

from __future__ import annotations

import os
from collections.abc import Coroutine, Mapping
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.store.copied import LOOK, SETTLE, CopiedStore, standing_of
from fiberlb.store.copy_file import CopyFile
from fiberlb.store.interface import Entry, Health, Standing, Unavailable
from fiberlb.store.memory import MemoryStore


class Shaky(MemoryStore):
    """
    A store that may be away.

    @ivar away: it is; watches hear nothing then.
    """

    away = False

    async def load(self, prefix: bytes = b"") -> tuple[int, dict[bytes, Entry]]:
        """As ever, if it is there."""
        self.check()
        return await super().load(prefix)

    async def commit(self, expect: Mapping[bytes, int], puts: Mapping[bytes, bytes | None]) -> int:
        """As ever, if it is there."""
        self.check()
        return await super().commit(expect, puts)

    async def health(self) -> Health:
        """As ever, if it is there."""
        return Health(False, "gone", 0) if self.away else await super().health()

    def check(self) -> None:
        """Whether it is there."""
        if self.away:
            raise Unavailable("gone")


class CopiedTests(SynchronousTestCase):
    """One node."""

    def setUp(self) -> None:
        """A store with something in it, and a state directory."""
        self.clock = Clock()
        self.shared = Shaky(self.clock)
        directory = self.mktemp()
        os.mkdir(directory)
        self.path = os.path.join(directory, "copy")
        self.wait(self.shared.commit({}, {b"a": b"1"}))

    def wait(self, work: Coroutine[Deferred[Any], Any, Any]) -> Any:
        """What it came to."""
        return self.successResultOf(Deferred.fromCoroutine(work))

    def refused(self, work: Coroutine[Deferred[Any], Any, Any]) -> str:
        """Why it was."""
        failure = self.failureResultOf(Deferred.fromCoroutine(work), Unavailable)
        return str(failure.value)

    def node(self, shared: MemoryStore | None = None) -> CopiedStore:
        """A node that starts."""
        file = CopyFile(self.path, "x")
        made = CopiedStore(
            shared or self.shared, file, self.clock, lambda: 5000.0, lambda work: execute(work)
        )
        self.wait(made.open())
        return made

    def go_on(self, seconds: float = 0.0) -> None:
        """Let time go by."""
        self.clock.pump([0.0, 0.0, seconds, 0.0, 0.0])

    def test_there(self) -> None:
        """While it is there nothing is different, and the copy follows."""
        node = self.node()
        at = self.wait(node.commit({}, {b"b": b"2", b"a": None}))
        self.assertEqual(self.wait(node.load()), (at, {b"b": (b"2", at)}))
        self.assertEqual(self.wait(node.keys()), (at, {b"b": at}))
        self.assertEqual(self.wait(node.page(b"")), [(b"b", b"2")])
        self.go_on(SETTLE)
        copy = CopyFile(self.path, "x").read()
        assert copy is not None
        self.assertEqual((copy.revision, copy.entries), (at, {b"b": (b"2", at)}))
        self.assertEqual(standing_of(node), Standing())
        self.assertEqual(standing_of(self.shared), Standing())

    def test_start_without(self) -> None:
        """A start without the store serves the copy, refuses writes, and says so."""
        self.wait(self.node().close())
        self.shared = Shaky(self.clock)
        self.wait(self.shared.commit({}, {b"a": b"1"}))
        self.shared.away = True
        node = self.node()
        self.assertEqual(self.wait(node.load(b"a"))[1], {b"a": (b"1", 1)})
        self.assertEqual(self.wait(node.load(b"x"))[1], {})
        self.assertEqual(self.wait(node.page(b"", limit=5)), [(b"a", b"1")])
        self.assertEqual(self.wait(node.keys())[1], {b"a": 1})
        self.assertEqual(self.refused(node.commit({}, {b"b": b"2"})), "gone")
        self.assertEqual(self.refused(node.prune(b"", 0)), "gone")
        self.assertEqual(node.standing, Standing(5000.0, "gone", True))

    def test_catches_up(self) -> None:
        """What was written meanwhile is told once the store is there."""
        self.wait(self.node().close())
        other = self.shared = Shaky(self.clock)
        self.wait(other.commit({}, {b"a": b"1"}))
        other.away = True
        node = self.node()
        told: list[Any] = []
        node.watch(1, lambda at, changes: told.append((at, list(changes))), self.fail)
        other.away = False
        self.wait(other.commit({}, {b"b": b"2"}))
        self.go_on(LOOK)
        self.assertEqual(told, [(2, [(b"b", b"2")])])
        self.assertEqual(node.standing, Standing())
        self.assertEqual(self.wait(node.commit({b"b": 2}, {b"b": b"3"})), 3)

    def test_goes(self) -> None:
        """One that goes away while the node runs, and comes back."""
        node = self.node()
        self.wait(node.commit({}, {b"a": b"1"}))
        self.shared.away = True
        self.go_on(LOOK)
        self.assertEqual(node.standing, Standing(5000.0, "gone", False))
        self.refused(node.load())
        self.refused(node.commit({}, {b"b": b"2"}))
        self.shared.away = False
        self.go_on(LOOK)
        self.assertEqual(node.standing, Standing())
        self.wait(node.commit({}, {b"b": b"2"}))

    def test_nothing_to_serve(self) -> None:
        """A first start without the store is none, and says what is missing."""
        self.shared.away = True
        file = CopyFile(self.path, "x")
        made = CopiedStore(
            self.shared, file, self.clock, lambda: 5000.0, lambda work: execute(work)
        )
        self.assertIn("there is no copy of it in", self.refused(made.open()))

    def test_lost(self) -> None:
        """A store that has lost everything takes nothing from who serves; restored, it counts."""
        self.wait(self.node().close())
        empty = Shaky(self.clock)
        node = self.node(empty)
        self.assertEqual(self.wait(node.load())[1], {b"a": (b"1", 1)})
        self.assertIn("it is empty, and held 1 entries before", node.standing.detail)
        self.refused(node.commit({}, {b"b": b"2"}))
        self.go_on(LOOK)
        self.assertIn("it is empty", node.standing.detail)
        self.wait(empty.commit({}, {b"c": b"3"}))
        self.go_on(LOOK)
        self.assertEqual(node.standing, Standing())
        self.assertEqual(self.wait(node.load())[1], {b"c": (b"3", 1)})

    def test_closed(self) -> None:
        """Nothing goes on afterwards, and the copy has the last word."""
        node = self.node()
        self.wait(node.commit({}, {b"z": b"9"}))
        self.go_on()
        self.wait(node.close())
        self.wait(node.close())
        copy = CopyFile(self.path, "x").read()
        assert copy is not None
        self.assertIn(b"z", copy.entries)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_disk(self) -> None:
        """A copy that cannot be written is told, and nothing else comes of it."""
        node = self.node()
        self.path = os.path.join(self.path, "no", "directory")
        node._file = CopyFile(self.path, "x")
        self.wait(node.commit({}, {b"b": b"2"}))
        self.go_on(SETTLE)
        self.wait(node.commit({}, {b"b": b"3"}))
