"""Connections to members: opened, borrowed, given back, dropped."""

from __future__ import annotations

from tests.support.relay_world import RelayTestCase, answer, ask, asked, evolve


class HomeTests(RelayTestCase):
    """Connections to members that change while they are used."""

    def test_moved(self) -> None:
        """A member's new address is used from the next request on; idle connections go at once."""
        world = self.world()
        running, member = self.start(world)
        idle = world.client(ask())
        idle_link = world.members[0].link
        idle_link.send(answer())
        world.apply(*evolve(world.objects(), "m0", address="192.0.2.201"))
        self.assertTrue(idle_link.closed)
        self.assertFalse(member.closed)
        member.send(answer())
        self.assertEqual(running.received, answer())
        self.assertTrue(member.closed)
        idle.send(ask())
        self.assertEqual(len(world.members[0].links), 3)
        world.members[0].link.send(answer())
        self.assertEqual(world.figures(), [(0, 1)])

    def test_renamed(self) -> None:
        """Any other change of a member keeps its connections."""
        world = self.world()
        client, member = self.start(world)
        world.apply(*evolve(world.objects(), "m0", weight=5))
        member.send(answer())
        client.send(ask())
        member.send(answer())
        self.assertEqual(member.received, asked() * 2)

    def test_removed(self) -> None:
        """A removed member finishes what it has; nothing of it is kept."""
        world = self.world(2)
        first, m0 = self.start(world)
        second = world.client(ask())
        world.members[1].link.send(answer())
        world.apply(*world.objects(members=["m1"]))
        m0.send(answer())
        self.assertTrue(m0.closed)
        self.assertEqual(first.received, answer())
        for _ in range(3):
            second.send(ask())
            world.members[1].link.send(answer())
        self.assertEqual(world.reasons, [None] * 5)
        self.assertEqual(len(world.members[0].links), 1)

    def test_down(self) -> None:
        """A member that is down finishes what it has, and loses its idle connections."""
        world = self.world()
        client, member = self.start(world)
        idle = world.client(ask())
        idle_link = world.members[0].link
        idle_link.send(answer())
        world.plane.set_member_usable("m0", False)
        world.loop.run()
        self.assertTrue(idle_link.closed)
        member.send(answer())
        self.assertEqual(client.received, answer())
        idle.send(ask())
        self.assertIn(b"all_members_down", idle.received)
        world.plane.set_member_usable("m0", True)
        idle.send(ask())
        member.send(answer())
        self.assertTrue(idle.received.endswith(answer()))


class LimitTests(RelayTestCase):
    """What follows from the route that a request took."""

    def test_timeouts_of_the_pool(self) -> None:
        """The pool's timeouts win over the listener's."""
        world = self.world(
            listener={"timeouts": {"member_response": 50.0}},
            pool={"timeouts": {"member_response": 5.0}},
        )
        client, _ = self.start(world)
        world.advance(5.5)
        self.assertIn(b" 504 ", client.received)

    def test_change_between_requests(self) -> None:
        """A kept connection follows the timeouts of each request."""
        world = self.world(pool={"timeouts": {"member_response": 5.0}})
        client, member = self.start(world)
        member.send(answer())
        world.apply(*world.objects(pool={"timeouts": {"member_response": 50.0}}))
        client.send(ask())
        world.advance(49)
        self.assertEqual(client.received, answer())
        member.send(answer())
        self.assertEqual(client.received, answer() * 2)

    def test_unsent_answer(self) -> None:
        """A member that answers before it has taken the request is not used again."""
        world = self.world()
        world.members[0].does = "hang"
        client = world.client(ask(b"X: " + b"x" * 1000))
        member = world.members[0].link
        member.room = 10
        member.answer()
        member.send(answer())
        self.assertEqual(client.received, answer())
        self.assertTrue(member.closed)
