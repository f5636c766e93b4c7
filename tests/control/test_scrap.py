"""Tests of L{fiberlb.control.scrap}."""

from __future__ import annotations

import weakref
from itertools import pairwise
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.scrap import CHUNK, REST, Scrap, scrapped


class Part:
    """Something with parts."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts


class ScrapTests(SynchronousTestCase):
    """What nobody holds goes, in steps; what somebody holds stays."""

    def test_steps(self) -> None:
        """A long list deep within goes bit by bit."""
        many = [Part(number) for number in range(20 * CHUNK)]
        alive = [weakref.ref(one) for one in many]
        waste: list[Any] = [Part({"many": (many, Part())})]
        del many
        steps, left = 0, []
        for done in scrapped(waste):
            steps += 1
            left.append(sum(one() is not None for one in alive))
            self.assertIs(done, True if not left[-1] and not waste and done else None)
        self.assertGreater(steps, 20)
        self.assertEqual(left[-1], 0)
        falls = [before - after for before, after in pairwise(left)]
        self.assertLessEqual(max(falls), CHUNK)

    def test_shared(self) -> None:
        """What others hold keeps all its parts."""
        kept = [Part(number) for number in range(5 * CHUNK)]
        held = {"a": Part(kept)}
        waste: list[Any] = [Part(kept), held, Part(held, list(kept))]
        for _ in scrapped(waste):
            pass
        self.assertEqual([one.parts[0] for one in kept], list(range(5 * CHUNK)))
        self.assertIs(held["a"].parts[0], kept)

    def test_put(self) -> None:
        """It begins after a while, and what comes meanwhile has its turn afterwards."""
        clock, scrap = Clock(), Scrap(Clock())
        scrap = Scrap(clock)
        first, second = Part(), Part()
        gone = [weakref.ref(first), weakref.ref(second)]
        scrap.put(first, None)
        del first
        clock.advance(REST / 2)
        scrap.put(second)
        del second
        self.assertIsNotNone(gone[0]())
        clock.pump([REST / 2] * 4)
        self.assertEqual([one() for one in gone], [None, None])
        self.assertEqual(clock.getDelayedCalls(), [])
