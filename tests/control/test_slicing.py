"""Tests of L{fiberlb.control.slicing}."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.slicing import SLICE, in_slices


class SlicingTests(SynchronousTestCase):
    """Long work in short pieces."""

    def test_turns(self) -> None:
        """After each slice the reactor gets a turn."""
        clock = Clock()
        done: list[int] = []

        def work() -> Iterator[str | None]:
            for number in range(4):
                clock.rightNow += SLICE * 0.6
                done.append(number)
                yield None
            yield "result"

        found = Deferred.fromCoroutine(in_slices(clock, work()))
        self.assertEqual(done, [0, 1])
        self.assertNoResult(found)
        clock.advance(0)
        self.assertEqual(done, [0, 1, 2, 3])
        clock.advance(0)
        self.assertEqual(self.successResultOf(found), "result")

    def test_shorter(self) -> None:
        """Whoever has less time than most takes shorter slices."""
        clock = Clock()
        done: list[int] = []

        def work() -> Iterator[str | None]:
            for number in range(2):
                clock.rightNow += SLICE * 0.6
                done.append(number)
                yield None
            yield "result"

        found = Deferred.fromCoroutine(in_slices(clock, work(), SLICE / 2))
        self.assertEqual(done, [0])
        clock.pump([0, 0])
        self.assertEqual(self.successResultOf(found), "result")

    def test_short(self) -> None:
        """What is short is done at once."""
        found = Deferred.fromCoroutine(in_slices(Clock(), iter([None, 5])))
        self.assertEqual(self.successResultOf(found), 5)

    def test_failure(self) -> None:
        """What the work raises comes out; work without a result is a defect."""

        def broken() -> Iterator[int | None]:
            yield None
            raise KeyError("x")

        self.failureResultOf(Deferred.fromCoroutine(in_slices(Clock(), broken())), KeyError)
        nothing: list[int | None] = []
        empty = Deferred.fromCoroutine(in_slices(Clock(), iter(nothing)))
        self.failureResultOf(empty, AssertionError)
