"""Deadlines without a timer each."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.relay.timer_wheel import RATE, TimerWheel


class Item:
    """Something with a deadline; C{visited} says when it was asked."""

    def __init__(self, then: Callable[[float], float] = lambda now: 0.0) -> None:
        self.due = 0.0
        self.visited: list[float] = []
        self.then = then

    def visit(self, now: float) -> float:
        """Noted."""
        self.visited.append(now)
        return self.then(now)


class WheelTests(SynchronousTestCase):
    """The slots."""

    @given(st.floats(1000, 1100), st.lists(st.floats(0.01, 7), min_size=1, max_size=60))
    def test_when(self, when: float, steps: list[float]) -> None:
        """An item is visited once, never early, and at the first sweep a slot after its time."""
        wheel, item = TimerWheel(1000.0), Item()
        wheel.set(item, when)
        now = 1000.0
        for step in steps:
            now += step
            wheel.sweep(now)
            if now < when:
                self.assertEqual(item.visited, [])
            elif now >= when + 1 / RATE:
                self.assertEqual(len(item.visited), 1)
        self.assertLessEqual(len(item.visited), 1)
        self.assertEqual(bool(item.due), not item.visited)

    def test_past(self) -> None:
        """A time that has passed comes with the next sweep."""
        wheel, item = TimerWheel(1000.0), Item()
        wheel.set(item, 5.0)
        wheel.sweep(1000.25)
        self.assertEqual(item.visited, [1000.25])

    def test_again(self) -> None:
        """What a visit returns is when the next one comes."""
        wheel = TimerWheel(1000.0)
        item = Item(lambda now: now + 1)
        wheel.set(item, 1001.0)
        for n in range(1, 30):
            wheel.sweep(1000.0 + n / RATE)
        self.assertEqual(item.visited, [1001.25, 1002.5, 1003.75, 1005.0, 1006.25])

    def test_remove(self) -> None:
        """What was removed is not visited; removing it twice does no harm."""
        wheel, item = TimerWheel(1000.0), Item()
        wheel.set(item, 1001.0)
        wheel.remove(item)
        wheel.remove(item)
        self.assertEqual(list(wheel), [])
        wheel.sweep(1010.0)
        self.assertEqual(item.visited, [])

    def test_move(self) -> None:
        """Setting it again moves it, earlier or later; it stands in one slot only."""
        for first, second in ((1005.0, 1001.0), (1001.0, 1005.0)):
            wheel, item = TimerWheel(1000.0), Item()
            wheel.set(item, first)
            wheel.set(item, second)
            self.assertEqual(list(wheel), [item])
            wheel.sweep(1010.0)
            self.assertEqual(len(item.visited), 1)

    def test_changes_during_sweep(self) -> None:
        """A visit may remove or move others of the same slot, whichever comes first in it."""
        wheel = TimerWheel(1000.0)
        items = [Item(), Item(), Item()]
        order: list[Item] = []

        def visit(item: Item) -> Callable[[float], float]:
            def then(now: float) -> float:
                if not order:
                    others = [other for other in items if other is not item]
                    wheel.remove(others[0])
                    wheel.set(others[1], now + 5)
                order.append(item)
                return 0.0

            return then

        for item in items:
            item.then = visit(item)
            wheel.set(item, 1002.0)
        wheel.sweep(1003.0)
        self.assertEqual(len(order), 1)
        self.assertEqual(len(list(wheel)), 1)
        wheel.sweep(1020.0)
        self.assertEqual(len(order), 2)
        self.assertEqual(list(wheel), [])

    def test_jump(self) -> None:
        """A clock that jumps far ahead costs one visit each."""
        wheel = TimerWheel(1000.0)
        item = Item(lambda now: now + 60)
        wheel.set(item, 1001.0)
        wheel.sweep(1000.0 + 86400)
        self.assertEqual(len(item.visited), 1)

    def test_fault(self) -> None:
        """An exception is told with its item; the others are visited all the same."""
        told: list[Item] = []
        wheel = TimerWheel(1000.0, told.append)
        bad = [Item(lambda now: 1 / 0) for _ in range(3)]
        good = [Item() for _ in range(3)]
        for item in (*bad, *good):
            wheel.set(item, 1001.0)
        wheel.sweep(1002.0)
        self.assertEqual(set(told), set(bad))
        self.assertEqual([len(item.visited) for item in good], [1, 1, 1])
        self.assertEqual(list(wheel), [])

    def test_fault_alone(self) -> None:
        """Without anybody to tell it is raised."""
        wheel = TimerWheel(1000.0)
        wheel.set(Item(lambda now: 1 / 0), 1001.0)
        self.assertRaises(ZeroDivisionError, wheel.sweep, 1002.0)
