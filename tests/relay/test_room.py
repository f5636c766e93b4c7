"""Tests of L{fiberlb.relay.room}: limits that several processes share."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.pool import Member
from fiberlb.relay.member_state import MemberState
from fiberlb.relay.room import COURTESY, furnish, vacate


class SharedPlace:
    """One column that two processes write to."""

    def __init__(self, counts: list[int], row: int) -> None:
        self.counts = counts
        self.row = row

    def write(self, count: int) -> None:
        """See L{fiberlb.relay.bound.Share}."""
        self.counts[self.row] = count

    def total(self) -> int:
        """See L{fiberlb.relay.bound.Share}."""
        return sum(self.counts)


class IdleQueue:
    """Notes for whom it was woken."""

    def __init__(self) -> None:
        self.waiting = 0
        self.time = 0.0
        self.woken: list[MemberState | None] = []

    def now(self) -> float:
        """Seconds."""
        return self.time

    def wake(self, member: MemberState | None = None) -> None:
        """A place may be free."""
        self.woken.append(member)


class RoomTests(SynchronousTestCase):
    """One member in two processes."""

    def setUp(self) -> None:
        self.counts = [0, 0]
        self.queues = [IdleQueue(), IdleQueue()]
        self.queue = self.queues[0]
        self.states = [self.state() for _ in range(2)]
        for row, state in enumerate(self.states):
            furnish(state, 3, SharedPlace(self.counts, row), self.queues[row])

    def state(self) -> MemberState:
        """A member without a limit."""
        return MemberState(Member(id="m", pool_id="p", address="192.0.2.1", port=1), True)

    def take(self, row: int) -> bool:
        """One more request, if it may."""
        state = self.states[row]
        if not state.room.take():
            return False
        state.in_flight += 1
        return True

    def test_sum(self) -> None:
        """What both have counts; the last place is taken once."""
        self.assertEqual([self.take(row) for row in (0, 1, 0, 1, 0)], [True] * 3 + [False] * 2)
        self.assertEqual((self.counts, self.states[1].full), ([2, 1], True))
        self.states[0].in_flight -= 1
        self.states[0].room.left()
        self.assertEqual((self.states[1].full, self.take(1)), (False, True))

    def test_woken(self) -> None:
        """Who waits hears of a place that is given back here."""
        state = self.states[0]
        state.room.left()
        self.queue.waiting = 1
        state.room.left()
        self.assertEqual(self.queue.woken, [state])

    def test_not_used(self) -> None:
        """A place that was taken and not used is given back by telling."""
        self.assertTrue(self.states[0].room.take())
        self.assertEqual(self.counts, [1, 0])
        self.states[0].room.told()
        self.assertEqual(self.counts, [0, 0])

    def test_turns(self) -> None:
        """Who has more than its part leaves what it gives back to those who wait elsewhere."""
        mine, other = self.states
        self.assertEqual([self.take(0) for _ in range(3)], [True] * 3)
        self.queues[1].waiting = 1
        other.room.told()
        self.assertFalse(self.take(1))
        self.give_back(0)
        self.assertEqual((self.take(0), self.take(1)), (False, True))
        self.give_back(0)
        # One of three is its part; the third goes to who comes first.
        self.assertTrue(self.take(1))
        self.give_back(0)
        self.assertTrue(self.take(0))
        self.assertEqual((mine.in_flight, other.in_flight), (1, 2))

    def test_not_taken(self) -> None:
        """What nobody takes elsewhere is taken here a little later."""
        self.assertEqual([self.take(0) for _ in range(3)], [True] * 3)
        self.queues[1].waiting = 1
        self.states[1].room.told()
        self.give_back(0)
        self.assertFalse(self.take(0))
        self.queues[0].time += COURTESY
        self.assertTrue(self.take(0))

    def give_back(self, row: int) -> None:
        """One request less."""
        self.states[row].in_flight -= 1
        self.states[row].room.left()

    def test_changed(self) -> None:
        """Another limit, another column, none; what runs counts on."""
        self.take(0)
        state = self.states[0]
        share = state.room.share
        furnish(state, 1, share, self.queue)
        self.assertTrue(state.full)
        others = [0]
        furnish(state, 2, SharedPlace(others, 0), self.queue)
        self.assertEqual((self.counts[0], others, state.full), (0, [1], False))
        furnish(state, None, None, self.queue)
        self.assertEqual((state.room, others, state.full), (None, [0], False))

    def test_gone(self) -> None:
        """A member that is gone writes nowhere any more."""
        self.take(0)
        vacate(self.states[0])
        self.assertEqual(self.counts[0], 0)
        self.states[0].room.left()
        self.assertEqual(self.counts[0], 0)
        vacate(self.state())
