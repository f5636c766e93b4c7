"""Closing so that the peer can read the last answer."""

from __future__ import annotations

from fiberlb.relay.connection import LAST_BYTES
from fiberlb.relay.lingering import MOST_DROPPED, PATIENCE
from tests.support.relay_links import Link
from tests.support.relay_world import RelayTestCase, World, refusal

BAD = b"BAD\r\n\r\n"


class LingeringTests(RelayTestCase):
    """The end of a connection whose client has been refused."""

    def refused(self, room: int | None = None) -> tuple[World, Link]:
        """A client that has been refused, its socket full after C{room} octets."""
        world = self.world()
        client = world.client(run=False)
        client.room = room
        client.send(BAD)
        return world, client

    def test_ended_first(self) -> None:
        """Output ends at once; the socket is closed when the client has ended too."""
        _, client = self.refused()
        self.assertEqual(client.received, refusal("bad_request"))
        self.assertTrue(client.near_ended)
        self.assertFalse(client.closed)
        client.end()
        self.assertTrue(client.closed)
        self.assertFalse(client.was_reset)

    def test_dropped(self) -> None:
        """What comes meanwhile is read and dropped, whatever it looks like."""
        world, client = self.refused()
        for _ in range(50):
            client.send(BAD * 100)
        self.assertEqual(client.unread, 0)
        self.assertEqual(len(world.entries), 1)

    def test_patience(self) -> None:
        """For a while."""
        world, client = self.refused()
        world.advance(PATIENCE - 0.25)
        self.assertFalse(client.closed)
        world.advance(0.75)
        self.assertTrue(client.closed)

    def test_bounded(self) -> None:
        """And for so many octets."""
        _, client = self.refused()
        client.send(b"x" * (MOST_DROPPED + 1))
        self.assertTrue(client.closed)

    def test_slow_reader(self) -> None:
        """The answer itself is waited for as long as it is being taken."""
        world, client = self.refused(10)
        for _ in range(3):
            world.advance(LAST_BYTES - 1)
            self.assertFalse(client.closed)
            client.take(10)
        client.take()
        self.assertEqual(client.received, refusal("bad_request"))
        self.assertTrue(client.near_ended)
        world.advance(PATIENCE + 0.5)
        self.assertTrue(client.closed)

    def test_no_reader(self) -> None:
        """But not for ever."""
        world, client = self.refused(10)
        world.advance(LAST_BYTES + 0.5)
        self.assertTrue(client.closed)

    def test_lost(self) -> None:
        """A client that resets is gone."""
        _, client = self.refused()
        client.reset()
        self.assertTrue(client.closed)

    def test_gone_before(self) -> None:
        """One that has closed before it was refused leaves nothing behind."""
        world = self.world()
        client = world.client(run=False)
        client.send(BAD, run=False)
        client.close()
        self.assertTrue(client.closed)
        self.assertEqual(world.reasons, ["bad_request"])

    def test_draining(self) -> None:
        """A process that ends waits for it, as its patience is short."""
        world, client = self.refused()
        done: list[None] = []
        world.plane.stop(10).addCallback(done.append)
        world.advance(1)
        self.assertEqual(done, [])
        world.advance(2)
        self.assertTrue(client.closed)
        self.assertEqual(done, [None])
