"""Limits of members over TCP: connections that wait for one."""

from __future__ import annotations

from tests.relay.test_queue import SOON, QueueCase, limits
from tests.support.relay_world import REFUSED


class SessionTests(QueueCase):
    """Connections that are relayed."""

    def test_order(self) -> None:
        """One after the other; nothing is read of those that wait."""
        world = self.world(tcp=True, pool=limits())
        first, second, third = (world.client(b"hello %d" % n) for n in range(3))
        member = world.members[0]
        self.assertEqual((self.running(world), self.queued(world)), ([1], 2))
        self.assertEqual((len(member.links), bytes(second.incoming)), (1, b"hello 1"))
        first.end()
        member.link.end()
        self.assertEqual((member.link.news(), self.queued(world)), (b"hello 1", 1))
        second.reset()
        self.assertEqual(member.link.news(), b"hello 2")
        third.end()
        member.link.end()
        self.assertEqual((self.running(world), len(member.links)), ([0], 3))

    def test_refused(self) -> None:
        """Too many, or too long: a reset, and the reason in the log."""
        world = self.world(tcp=True, pool=limits(size=1, timeout=2.0))
        clients = [world.client() for _ in range(3)]
        self.assertEqual((world.reasons, self.queued(world)), (["queue_full"], 1))
        world.advance(2 + SOON)
        self.assertEqual((world.reasons, self.queued(world)), (["queue_full", "queue_timeout"], 0))
        self.assertAlmostEqual(world.entries[1].queued, 2.0, delta=SOON)
        self.assertTrue(clients[1].was_reset and clients[2].was_reset)

    def test_gone(self) -> None:
        """A client that breaks leaves at once; one that has ended in silence gets no member."""
        world = self.world(tcp=True, pool=limits())
        first, broken, ended, last = (world.client() for _ in range(4))
        broken.reset()
        ended.end()
        self.assertEqual((self.queued(world), world.reasons), (2, ["client_abort"]))
        first.reset()
        self.assertEqual((self.running(world), self.queued(world)), ([1], 0))
        self.assertEqual(world.reasons.count("client_abort"), 3)
        self.assertEqual(len(world.members[0].links), 2)
        last.reset()

    def test_refusing_member(self) -> None:
        """The next one is waited for, if the first refuses and it is full."""
        world = self.world(2, tcp=True, pool=limits())
        first, second = (world.client() for _ in range(2))
        world.members[0].does = REFUSED
        first.reset()
        waits = world.client(b"hello")
        self.assertEqual((self.running(world), self.queued(world)), ([0, 1], 1))
        second.reset()
        self.assertEqual(world.members[1].link.news(), b"hello")
        waits.reset()

    def test_end(self) -> None:
        """Those that wait when the process ends are cut at the deadline."""
        world = self.world(tcp=True, pool=limits(timeout=100.0))
        world.client(), world.client()
        world.plane.stop(2.0)
        world.advance(3)
        self.assertEqual((world.reasons.count("shutting_down"), self.queued(world)), (2, 0))
