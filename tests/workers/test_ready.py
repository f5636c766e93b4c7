"""Tests of L{fiberlb.workers.ready}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.snapshot import Snapshot
from fiberlb.workers.ready import Ready
from fiberlb.workers.slots import Bound


class _Plane:
    """Notes what is put in force."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    async def activate(self, ready: Ready) -> None:
        self.heard.append(ready)


class ReadyTests(SynchronousTestCase):
    """Either of the two."""

    def test_either(self) -> None:
        """Put in force by the plane; or what was bound is given back."""
        plane: Any = _Plane()
        snapshot: Any = Snapshot.__new__(Snapshot)
        released: list[str] = []
        bound = Bound(released.append)
        bound.sockets["unix:/x", 0] = []
        made = Ready(plane, snapshot, bound, {}, {})
        self.successResultOf(Deferred.fromCoroutine(made.activate()))
        self.assertEqual((plane.heard, released), ([made], []))
        self.successResultOf(Deferred.fromCoroutine(made.discard()))
        self.assertEqual((bound.sockets, released), ({}, ["unix:/x"]))
