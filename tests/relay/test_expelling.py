"""Tests of fiberlb.relay.expelling: what is left on a member when its time is over."""

from __future__ import annotations

from fiberlb.model.operational import MemberMode, Operational, Operations
from fiberlb.model.persistence import Drain
from tests.support.relay_links import Link
from tests.support.relay_world import BEGINNING, RelayTestCase, World, answer, ask

UPGRADE = (b"Connection: Upgrade", b"Upgrade: websocket")
SWITCHED = b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"


class ExpellingTests(RelayTestCase):
    """A member that drains for ten seconds."""

    def drain(self, world: World, mode: MemberMode = MemberMode.DRAIN) -> None:
        """The first one."""
        state = Operational(mode=mode, until=BEGINNING + 10)
        world.wait(world.plane.operate(Operations(members={"m0": state})))
        world.loop.run()

    def upgraded(self, world: World) -> tuple[Link, Link]:
        """A tunnel to the first member."""
        client = world.client(ask(*UPGRADE))
        member = world.members[0].link
        member.send(SWITCHED)
        client.news()
        return client, member

    def test_idle(self) -> None:
        """Connections that wait are closed at once, and none is kept while it drains."""
        world = self.world()
        client, member = self.start(world)
        other = world.client(ask())
        member.send(answer())
        self.drain(world)
        self.assertTrue(member.closed)
        second = world.members[0].link
        self.assertFalse(second.closed)
        second.send(answer())
        self.assertEqual(other.news(), answer())
        self.assertTrue(second.closed)
        world.wait(world.plane.operate(Operations()))
        client.send(ask())
        world.members[0].link.send(answer())
        self.assertFalse(world.members[0].link.closed)
        client.close()
        other.close()

    def test_tunnels(self) -> None:
        """Tunnels go on until the deadline, whatever the member is set to."""
        for mode in (MemberMode.DRAIN, MemberMode.MAINTENANCE):
            world = self.world(2)
            client, member = self.upgraded(world)
            self.drain(world, mode)
            client.send(b"ping")
            self.assertEqual(member.news()[-4:], b"ping")
            world.advance(9)
            self.assertFalse(client.closed)
            world.advance(2)
            self.assertTrue(client.was_reset)
            self.assertTrue(member.closed)
            self.assertEqual(world.reasons, ["member_closed"])

    def test_relayed(self) -> None:
        """Of TCP the same; those of other members go on."""
        world = self.world(2, tcp=True)
        clients = [world.client(b"x"), world.client(b"x")]
        self.drain(world)
        world.advance(11)
        self.assertEqual([client.was_reset for client in clients], [True, False])
        clients[1].reset()

    def test_requests(self) -> None:
        """What has no answer yet goes to another member, if it may; what has, is cut."""
        world = self.world(2)
        client, member = self.start(world)
        self.drain(world)
        world.advance(11)
        self.assertTrue(member.closed)
        world.members[1].link.send(answer())
        self.assertEqual(client.news(), answer())
        client.close()
        world = self.world(2)
        client, member = self.start(world)
        member.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
        self.drain(world)
        world.advance(9)
        self.assertFalse(client.closed)
        world.advance(2)
        self.assertTrue(client.closed)
        self.assertEqual(world.reasons, ["truncated"])

    def test_ready_again(self) -> None:
        """One that was made ready meanwhile loses nothing."""
        world = self.world(2)
        client, _ = self.upgraded(world)
        self.drain(world)
        world.advance(5)
        world.wait(world.plane.operate(Operations()))
        world.advance(20)
        self.assertFalse(client.closed)
        client.reset()

    def test_removed(self) -> None:
        """A member that is gone has the pool's deadline."""
        pool = {"drain": Drain(deadline=10.0)}
        world = self.world(2, pool=pool)
        client, _ = self.upgraded(world)
        world.apply(*world.objects(pool=pool, members=["m1"]))
        world.advance(9)
        self.assertFalse(client.closed)
        world.advance(2)
        self.assertTrue(client.was_reset)
