"""Tests of C{fiberlb.health.slots}."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.health.slots import Slots


class SlotsTests(SynchronousTestCase):
    """A bound, in turns, that one kind of waiter cannot use up."""

    def test_bound(self) -> None:
        """As many as there are slots get one; the next gets one that is given back."""
        slots = Slots(2)
        for _ in range(2):
            self.successResultOf(slots.acquire(False))
        third = slots.acquire(False)
        self.assertNoResult(third)
        self.assertEqual(slots.waiting, 1)
        slots.release(False)
        self.successResultOf(third)

    def test_first_come(self) -> None:
        """Waiters of one kind are served in their order."""
        slots = Slots(1)
        slots.acquire(False)
        order: list[int] = []
        for number in range(3):
            slots.acquire(False).addCallback(lambda _, n: order.append(n), number)
        for _ in range(3):
            slots.release(False)
        self.assertEqual(order, [0, 1, 2])

    def test_failing_get_half(self) -> None:
        """Members that do not answer leave half of the slots to the others."""
        slots = Slots(4)
        failing = [slots.acquire(True) for _ in range(10)]
        self.assertEqual([d.called for d in failing], [True] * 2 + [False] * 8)
        for _ in range(2):
            self.successResultOf(slots.acquire(False))
        last = slots.acquire(False)
        slots.release(True)
        slots.release(False)
        self.successResultOf(last)
        self.assertTrue(failing[2].called)
        self.assertFalse(failing[3].called)

    def test_single_slot(self) -> None:
        """One slot alone serves both kinds."""
        slots = Slots(1)
        for failing in (True, False, True):
            self.successResultOf(slots.acquire(failing))
            slots.release(failing)

    def test_nobody_starves(self) -> None:
        """Both kinds are served in turns while both wait."""
        slots = Slots(1)
        slots.acquire(False)
        held: list[bool] = []
        for kind in (False, True):
            for _ in range(3):
                slots.acquire(kind).addCallback(lambda _, k: held.append(k), kind)
        for number in range(6):
            slots.release(held[-1] if number else False)
        self.assertEqual(sorted(held[:4]), [False, False, True, True])
        self.assertEqual(len(held), 6)

    def test_cancelled_waiter(self) -> None:
        """One that stops waiting is passed over; its slot is not lost."""
        slots = Slots(1)
        slots.acquire(False)
        second, third = slots.acquire(False), slots.acquire(False)
        second.cancel()
        self.failureResultOf(second, CancelledError)
        slots.release(False)
        self.successResultOf(third)

    def test_long_queue_of_instant_checks(self) -> None:
        """Thousands that release as soon as they begin do not exhaust the stack."""
        slots = Slots(1)
        slots.acquire(False)
        done: list[int] = []

        def check(result: None, number: int) -> None:
            slots.release(False)
            done.append(number)

        waiters: list[Deferred[None]] = []
        for number in range(5000):
            waiters.append(slots.acquire(False).addCallback(check, number))
        slots.release(False)
        self.assertEqual(len(done), 5000)
        for waiter in waiters:
            self.successResultOf(waiter)
