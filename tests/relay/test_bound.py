"""Tests of L{fiberlb.relay.bound}; what becomes of accepting is tested with it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.bound import settle
from tests.relay.test_accept import Others


class BoundTests(SynchronousTestCase):
    """One listener's bound."""

    def setUp(self) -> None:
        """A listener with one connection, of which two may be."""
        self.cell: Any = SimpleNamespace(bound=None, connections=1)
        self.others = Others(0)
        settle(self.cell, 2, self.others)

    def test_told(self) -> None:
        """What is open when it begins counts; a place that nobody took is given back."""
        bound = self.cell.bound
        self.assertEqual(self.others.own, 1)
        self.assertTrue(bound.take())
        self.assertEqual(self.others.own, 2)
        bound.told()
        self.assertEqual(self.others.own, 1)

    def test_last_place(self) -> None:
        """Where another one was faster the place is not kept."""
        self.others.others = 1
        self.assertFalse(self.cell.bound.take())
        self.assertEqual(self.others.own, 1)

    def test_same(self) -> None:
        """Another revision with the same limit changes nothing."""
        bound = self.cell.bound
        settle(self.cell, 2, self.others)
        self.assertIs(self.cell.bound, bound)
        settle(self.cell, 3, self.others)
        self.assertEqual(self.cell.bound.limit, 3)

    def test_end(self) -> None:
        """Without a limit nothing is held, and who waits is woken, once."""
        woken: list[int] = []
        self.cell.bound.wait(lambda: woken.append(1))
        settle(self.cell, -1, None)
        self.assertEqual((self.cell.bound, self.others.own, woken), (None, 0, [1]))
