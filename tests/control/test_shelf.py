"""Documents beside the configuration."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.refusals import Contended, StoreAway
from fiberlb.control.shelf import Shelf
from tests.control.stage import Stage


class ShelfTests(SynchronousTestCase):
    """Kept, changed, taken away."""

    def setUp(self) -> None:
        """The shelf of a node."""
        self.stage = Stage(self)
        self.shelf = Shelf(self.stage.store)

    def run_(self, work: Coroutine[Any, Any, Any]) -> Any:
        """What it comes to."""
        return self.successResultOf(Deferred.fromCoroutine(work))

    def test_life(self) -> None:
        """By name below a prefix; in no revision."""
        self.run_(self.shelf.put("a/x", {"n": 1}, 0))
        self.run_(self.shelf.put("b/x", [2], 0))
        found = self.run_(self.shelf.all("a/"))
        self.assertEqual({name: each for name, (each, _) in found.items()}, {"x": {"n": 1}})
        self.run_(self.shelf.put("a/x", {"n": 2}, found["x"][1]))
        at = self.run_(self.shelf.all("a/"))["x"][1]
        self.run_(self.shelf.put("a/x", None, at))
        self.assertEqual(self.run_(self.shelf.all("a/")), {})
        self.assertEqual(self.stage.control.revision, 0)

    def test_contended(self) -> None:
        """Who comes too late is told so."""
        self.run_(self.shelf.put("a", 1, 0))
        late = Deferred.fromCoroutine(self.shelf.put("a", 2, 0))
        self.failureResultOf(late, Contended)

    def test_away(self) -> None:
        """Neither read nor written while the store is closed."""
        self.run_(self.stage.store.close())
        for work in (self.shelf.all(""), self.shelf.put("a", 1, 0)):
            self.failureResultOf(Deferred.fromCoroutine(work), StoreAway)
