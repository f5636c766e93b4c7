"""Tests of L{fiberlb.relay.rooms}: places that another process gives back."""

from __future__ import annotations

from fiberlb.relay.room import WAITS, furnish
from fiberlb.relay.rooms import place_of
from tests.relay.test_queue import SOON, QueueCase, limits
from tests.relay.test_room import SharedPlace
from tests.support.relay_world import answer, ask


class RoomsTests(QueueCase):
    """Two processes, of which one is played."""

    def test_elsewhere(self) -> None:
        """A place that is free elsewhere is taken soon."""
        world = self.world(pool=limits(2))
        found = world.plane._table.find("m0")
        assert found is not None
        state, pool = found
        counts = [0, 2]
        furnish(state, 2, SharedPlace(counts, 0), pool.queue)
        client = world.client(ask())
        self.assertEqual((self.running(world), self.queued(world), counts), ([0], 1, [WAITS, 2]))
        world.advance(1)
        self.assertEqual(self.queued(world), 1)
        counts[1] = 1
        world.advance(SOON)
        self.assertEqual((self.running(world), self.queued(world), counts), ([1], 0, [1, 1]))
        world.members[0].link.send(answer())
        self.assertIn(b"200 OK", client.news())
        self.assertEqual(counts, [0, 1])

    def test_name(self) -> None:
        """A member is not taken for a listener of the same id."""
        self.assertNotEqual(place_of("web"), "web")
