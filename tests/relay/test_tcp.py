"""TCP listeners: sessions between clients and members."""

from __future__ import annotations

import errno
from typing import Any

from fiberlb.model.pool import Algorithm, Retries, SessionEnd
from fiberlb.relay.loop import LATE
from tests.support.relay_links import Link
from tests.support.relay_world import REFUSED, RelayTestCase, World, evolve


class SessionTests(RelayTestCase):
    """A session, from accept to log."""

    def tcp(self, members: int = 1, **given: Any) -> World:
        """A world with a TCP listener."""
        return self.world(members, tcp=True, **given)

    def session(self, data: bytes = b"", **given: Any) -> tuple[World, Link, Link]:
        """A session that stands."""
        world = self.tcp(**given)
        client = world.client(data)
        return world, client, world.members[0].link

    def test_relayed(self) -> None:
        """Bytes pass both ways, whatever they are, from the first one on."""
        world, client, member = self.session(b"GET ")
        self.assertEqual(member.news(), b"GET ")
        for data in (b"\x00\xff", b"x" * 200000):
            client.send(data)
            self.assertEqual(member.news(), data)
            member.send(data)
            self.assertEqual(client.news(), data)
        self.assertEqual(world.figures(), [(1, 1)])
        client.end()
        member.end()
        (entry,) = world.entries
        self.assertEqual((entry.sent, entry.received), (200002, 200006))
        self.assertEqual((entry.reason, entry.status, entry.method), (None, 0, b""))
        self.assertEqual((entry.member, entry.tries, entry.listener), ("m0", 1, "web"))

    def test_member_speaks_first(self) -> None:
        """The client need not say anything."""
        _, client, member = self.session()
        member.send(b"220 ready")
        self.assertEqual(client.news(), b"220 ready")

    def test_half_close(self) -> None:
        """Either side may end its output, and still hear the other."""
        _, client, member = self.session(b"question")
        client.end()
        self.assertTrue(member.near_ended)
        member.send(b"answer")
        self.assertEqual(client.received, b"answer")
        member.end()
        self.assertTrue(client.ended and member.ended)

    def test_half_close_before(self) -> None:
        """A client that has ended before the member is there is relayed all the same."""
        world = self.tcp()
        world.members[0].does = "hang"
        client = world.client(b"question")
        client.end()
        member = world.members[0].link
        member.answer()
        self.assertEqual(member.received, b"question")
        self.assertTrue(member.near_ended)
        member.send(b"answer")
        self.assertEqual(client.received, b"answer")

    def test_nothing_read_before(self) -> None:
        """Nothing is read from the client until a member is there, so nothing can be lost."""
        world = self.tcp(2)
        world.members[0].does = "hang"
        client = world.client(b"x" * 1000000)
        self.assertEqual(client.unread, 1000000)
        world.members[0].link.answer(REFUSED)
        self.assertEqual(world.members[1].link.received, b"x" * 1000000)

    def test_next_member(self) -> None:
        """A member that cannot be reached is replaced, as often as the pool says."""
        for does in (REFUSED, -REFUSED, -errno.ENETUNREACH):
            world = self.tcp(3)
            world.members[0].does = world.members[1].does = does
            client = world.client(b"abc")
            self.assertEqual(world.members[2].link.received, b"abc")
            self.assertEqual(world.figures(), [(0, 0), (0, 0), (1, 1)])
            client.reset()
            self.assertEqual(world.entries[0].tries, 3)

    def test_lone_member(self) -> None:
        """A lone member is tried again."""
        world = self.tcp()
        world.members[0].does = -REFUSED
        client = world.client()
        self.assertTrue(client.was_reset)
        self.assertEqual(world.entries[0].tries, 3)
        self.assertEqual(world.entries[0].member, "m0")

    def test_refused(self) -> None:
        """When nobody is left, the client is reset, and the log says why."""
        down = self.tcp()
        down.plane.set_member_usable("m0", False)
        once = {"retries": Retries(attempts=0)}
        for world, does, reason in (
            (self.tcp(0), "accept", "no_members"),
            (down, "accept", "all_members_down"),
            (self.tcp(listener={"default_pool_id": None}), "accept", "no_route"),
            (self.tcp(pool=once), REFUSED, "connect_refused"),
            (self.tcp(pool=once), "hang", "connect_timeout"),
            (self.tcp(pool=once), -errno.EMFILE, "overloaded"),
        ):
            for member in world.members:
                member.does = does
            client = world.client(b"abc")
            world.advance(6)
            self.assertTrue(client.was_reset)
            self.assertEqual(client.received, b"")
            self.assertEqual(world.reasons, [reason])
            self.assertEqual(world.cell.connections, 0)

    def test_denied(self) -> None:
        """Clients that are not allowed are reset at once."""
        world = self.tcp(listener={"allowed_cidrs": ("10.0.0.0/8",)})
        self.assertTrue(world.client().was_reset)
        self.assertFalse(world.client(peer="10.1.1.1").closed)
        self.assertFalse(world.client(peer="::ffff:10.1.1.1").closed)
        self.assertEqual(world.reasons, ["denied_address"])

    def test_client_gone_meanwhile(self) -> None:
        """A client that breaks off while a member is being connected."""
        for does in ("hang", -REFUSED):
            world = self.tcp()
            world.members[0].does = does
            client = world.client(run=False)
            client.reset()
            self.assertEqual(world.reasons, ["client_abort"])
            self.assertEqual(world.figures(), [(0, 0)])

    def test_client_gone_late(self) -> None:
        """The client is watched while it waits, though not from the first moment on."""
        world = self.tcp()
        world.members[0].does = "hang"
        client = world.client(run=False)
        self.assertEqual([conn.due for conn in world.loop.open if conn.events & LATE], [0.0])
        world.loop.run()
        self.assertFalse(client.closed)
        client.reset()
        self.assertEqual(world.reasons, ["client_abort"])

    def test_spoken(self) -> None:
        """A client that has spoken by the time that the member is there is heard at once."""
        world = self.tcp()
        client = world.client(b"abc", run=False)
        world.loop.batch()
        self.assertEqual(world.members[0].link.received, b"abc")
        self.assertFalse(client.closed)

    def test_end_of_member(self) -> None:
        """A member's last bytes and its end are passed on in one turn."""
        world, client, member = self.session(b"abc")
        member.send(b"bye", run=False)
        member.end(run=False)
        world.loop.batch()
        self.assertEqual((client.received, client.near_ended), (b"bye", True))
        client.send(b"more")
        self.assertEqual(member.received, b"abcmore")
        client.end()
        self.assertEqual((world.reasons, world.cell.connections), ([None], 0))
        self.assertTrue(member.closed and client.closed and not client.was_reset)

    def test_broken(self) -> None:
        """When one side breaks, so does the other."""
        for broken, reason in ((1, "client_abort"), (2, "member_reset")):
            world, *links = self.session()
            links[broken - 1].reset()
            self.assertTrue(links[2 - broken].was_reset)
            self.assertEqual(world.reasons, [reason])

    def test_idle(self) -> None:
        """The tunnel's limit counts, of the listener or of the pool."""
        limits: list[dict[str, Any]] = [
            {"listener": {"timeouts": {"tunnel": 20.0}}},
            {"pool": {"timeouts": {"tunnel": 20.0}}},
        ]
        for given in limits:
            world, client, _ = self.session(**given)
            world.advance(19)
            client.send(b"x")
            world.advance(19)
            self.assertFalse(client.closed)
            world.advance(2)
            self.assertTrue(client.was_reset)
            self.assertEqual(world.reasons, ["tunnel_timeout"])

    def test_no_connect_limit(self) -> None:
        """Without a limit an attempt lasts; the session waits with it."""
        world = self.tcp(listener={"timeouts": {"member_connect": None}})
        world.members[0].does = "hang"
        client = world.client(b"abc")
        world.advance(300)
        world.members[0].link.answer()
        self.assertEqual(world.members[0].link.received, b"abc")
        client.reset()

    def test_fault(self) -> None:
        """An exception of ours resets the session it concerns."""
        for does in ("accept", REFUSED, "hang"):
            world = self.tcp()
            world.members[0].does = does
            client = world.client(run=False)
            balancer = world.cell.plan.only.pool._balancer
            world.cell.plan.only.pool._balancer = None
            if does == "accept":
                client = world.client()
            else:
                world.advance(6)
            world.cell.plan.only.pool._balancer = balancer
            self.assertTrue(client.was_reset, does)
            self.assertEqual(world.reasons[-1], "internal")
            self.assertEqual(world.loop.faults, 1)
            world.loop.faults = 0


class EndingTests(RelayTestCase):
    """Sessions that end because of what became of members."""

    def ending(self, *causes: SessionEnd, **given: Any) -> World:
        """Three members, in the order in which they are taken."""
        pool = {"close_sessions_on": causes, "algorithm": Algorithm.FIRST_AVAILABLE}
        return self.world(3, tcp=True, pool=pool, **given)

    def turn(self, world: World, member: str, usable: bool) -> None:
        """What the health checks say, and what follows."""
        world.plane.set_member_usable(member, usable)
        world.loop.run()

    def test_member_down(self) -> None:
        """The sessions of a member that is down end, and those of no other one."""
        world = self.ending(SessionEnd.MEMBER_DOWN)
        first = world.client(b"a")
        self.turn(world, "m0", False)
        self.assertTrue(first.was_reset)
        self.assertTrue(world.members[0].link.closed)
        second = world.client(b"a")
        self.turn(world, "m0", True)
        self.turn(world, "m2", False)
        self.assertFalse(second.closed)
        second.reset()
        self.assertEqual(world.reasons, ["member_closed", "client_abort"])

    def test_primary_up(self) -> None:
        """When the first member is back, the sessions with those after it end."""
        world = self.ending(SessionEnd.PRIMARY_UP)
        self.turn(world, "m0", False)
        self.turn(world, "m2", False)
        client = world.client(b"a")
        self.turn(world, "m2", True)
        self.assertFalse(client.closed)
        self.turn(world, "m0", True)
        self.assertTrue(client.was_reset)
        self.assertEqual(world.reasons, ["member_closed"])

    def test_backup(self) -> None:
        """A backup's sessions end when one is up that is none."""
        causes = {"close_sessions_on": (SessionEnd.PRIMARY_UP,)}
        world = self.world(2, tcp=True, pool=causes)
        objects = evolve(world.objects(pool=causes, tcp=True), "m1", backup=True)
        world.apply(*objects)
        self.turn(world, "m0", False)
        client = world.client(b"a")
        self.assertEqual(len(world.members[1].links), 1)
        self.turn(world, "m0", True)
        self.assertTrue(client.was_reset)

    def test_otherwise(self) -> None:
        """Without it sessions stay, whatever health checks say; one told later counts from then."""
        world = self.ending()
        client = world.client(b"a")
        self.turn(world, "m0", False)
        self.assertFalse(client.closed)
        client.reset()
