"""Tests of L{fiberlb.turns}."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.turns import Turns

MANY = 20_000


class TurnsTests(SynchronousTestCase):
    """Who is let in, and when."""

    def test_in_turn(self) -> None:
        """One at a time, in the order of asking; a result and an error go to who asked."""
        turns = Turns()
        work: list[Deferred[str]] = [Deferred(), Deferred(), Deferred()]
        begun: list[int] = []

        def run(number: int) -> Deferred[str]:
            def begin() -> Deferred[str]:
                begun.append(number)
                return work[number]

            return turns.run(begin)

        done = [run(number) for number in range(3)]
        self.assertEqual(begun, [0])
        work[0].callback("a")
        self.assertEqual(begun, [0, 1])
        work[1].errback(KeyError("b"))
        work[2].callback("c")
        self.assertEqual(self.successResultOf(done[0]), "a")
        self.failureResultOf(done[1], KeyError)
        self.assertEqual(self.successResultOf(done[2]), "c")

    def test_many(self) -> None:
        """Thousands that wait and end at once: all of them have their turn."""
        turns = Turns()
        self.successResultOf(turns.acquire())
        done: list[int] = []

        async def work(number: int) -> None:
            await turns.acquire()
            try:
                done.append(number)
            finally:
                turns.release()

        def noted() -> Deferred[None]:
            done.append(-1)
            return succeed(None)

        waiting = [Deferred.fromCoroutine(work(number)) for number in range(MANY)]
        waiting += [
            turns.run(lambda: succeed(done).addCallback(list.append, -1)) for _ in range(MANY)
        ]
        self.assertEqual(done, [])
        turns.release()
        self.assertEqual(done, [*range(MANY), *[-1] * MANY])
        for each in waiting:
            self.successResultOf(each)
        self.successResultOf(turns.acquire())

    def test_several(self) -> None:
        """As many at once as are allowed."""
        turns = Turns(2)
        self.successResultOf(turns.acquire())
        self.successResultOf(turns.acquire())
        third = turns.acquire()
        self.assertNoResult(third)
        turns.release()
        self.successResultOf(third)

    def test_cancelled(self) -> None:
        """Who gives up is passed over."""
        turns = Turns()
        self.successResultOf(turns.acquire())
        second, third = turns.acquire(), turns.acquire()
        second.cancel()
        self.failureResultOf(second, CancelledError)
        turns.release()
        self.successResultOf(third)

    def test_no_overtaking(self) -> None:
        """Who asks again from within a turn comes after those who wait."""
        turns = Turns()
        self.successResultOf(turns.acquire())
        order: list[str] = []

        def again(_: None) -> None:
            order.append("first")
            turns.release()
            turns.acquire().addCallback(lambda _: order.append("again"))

        def second(_: None) -> None:
            order.append("second")
            turns.release()

        turns.acquire().addCallback(again)
        turns.acquire().addCallback(second)
        turns.release()
        self.assertEqual(order, ["first", "second", "again"])
