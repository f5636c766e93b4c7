"""Tests of L{fiberlb.relay.queue}: limits of members, and who waits for room, over HTTP."""

from __future__ import annotations

from typing import Any

from fiberlb.model.persistence import PersistenceType, SessionPersistence
from fiberlb.model.pool import Algorithm, Member, Pool
from fiberlb.model.queue import PoolQueue
from tests.support.relay_links import Link
from tests.support.relay_world import (
    REFUSED,
    RelayTestCase,
    World,
    answer,
    ask,
    evolve,
    refusal,
)

#: Seconds in which what another process has changed, or time has, is noticed.
SOON = 0.25


def limits(most: int | None = 1, size: int = 1000, timeout: float = 5.0, **more: Any) -> Any:
    """The fields of a pool with limits."""
    queue = PoolQueue(size=size, timeout=timeout)
    return {"member_max_connections": most, "queue": queue, **more}


class QueueCase(RelayTestCase):
    """What is looked at in a world with limits."""

    def queued(self, world: World) -> int:
        """How many wait."""
        return world.plane.pool_figures("pool")["queued"]

    def running(self, world: World) -> list[int]:
        """What each member has to do."""
        return [in_flight for in_flight, _ in world.figures()]

    def ask_for(self, world: World, *targets: bytes, peer: str = "192.0.2.7") -> list[Link]:
        """Clients that each ask for one thing."""
        return [world.client(ask(target=target), peer=peer) for target in targets]

    def serve(self, world: World, index: int = 0) -> bytes:
        """The member answers what it was asked last; the target."""
        member = world.members[index]
        told = member.open[0].news()
        member.open[0].send(answer())
        return told.split()[1]


class WaitingTests(QueueCase):
    """Over HTTP."""

    def test_order(self) -> None:
        """One after the other, first come, first served, on one connection."""
        world = self.world(pool=limits())
        targets = [b"/%d" % n for n in range(5)]
        clients = self.ask_for(world, *targets)
        self.assertEqual((self.running(world), self.queued(world)), ([1], 4))
        link = world.members[0].link
        for number, client in enumerate(clients):
            self.assertEqual(link.news().split()[1], targets[number])
            self.assertEqual((self.running(world), self.queued(world)), ([1], 4 - number))
            link.send(answer())
            self.assertIn(b"200 OK", client.news())
        self.assertEqual(len(world.members[0].links), 1)
        self.assertEqual(world.reasons, [None] * 5)

    def test_all_members(self) -> None:
        """Whoever has room is taken, whatever the algorithm."""
        for algorithm in Algorithm:
            if algorithm is Algorithm.HASH:
                continue
            with self.subTest(algorithm):
                world = self.world(3, pool=limits(2, algorithm=algorithm))
                self.ask_for(world, *[b"/"] * 8)
                self.assertEqual((self.running(world), self.queued(world)), ([2, 2, 2], 2))
                world.members[1].open[0].send(answer())
                self.assertEqual((self.running(world), self.queued(world)), ([2, 2, 2], 1))

    def test_own_limit(self) -> None:
        """A member's own limit goes before the pool's; without any there is none."""
        world = self.world(2, pool=limits(3))
        world.apply(*evolve(world.objects(pool=limits(3)), "m0", max_connections=1))
        self.ask_for(world, *[b"/"] * 6)
        self.assertEqual((self.running(world), self.queued(world)), ([1, 3], 2))
        other = self.world(2)
        other.apply(*evolve(other.objects(), "m0", max_connections=1))
        self.ask_for(other, *[b"/"] * 6)
        self.assertEqual((self.running(other), self.queued(other)), ([1, 5], 0))

    def test_full(self) -> None:
        """Who finds the queue full is told so; so is everybody where there is none."""
        for size in (2, 0):
            with self.subTest(size):
                world = self.world(pool=limits(size=size))
                self.ask_for(world, *[b"/"] * (1 + size))
                late = world.client(ask())
                self.assertEqual(late.news(), refusal("queue_full", closes=False))
                self.assertEqual((world.reasons, self.queued(world)), (["queue_full"], size))

    def test_timeout(self) -> None:
        """Who has waited long enough is told so; the others go on."""
        world = self.world(pool=limits(timeout=2.0))
        _, early = self.ask_for(world, b"/1", b"/2")
        world.advance(1.0)
        late = world.client(ask(target=b"/3"))
        world.advance(1.0 + SOON)
        self.assertEqual(early.news(), refusal("queue_timeout", closes=False))
        self.assertEqual((late.news(), self.queued(world)), (b"", 1))
        entry = world.entries[0]
        self.assertEqual((entry.reason, entry.status, entry.member), ("queue_timeout", 503, ""))
        self.assertAlmostEqual(entry.queued, 2.0, delta=SOON)
        early.send(ask(target=b"/4"))
        self.assertEqual([self.serve(world) for _ in range(3)], [b"/1", b"/3", b"/4"])

    def test_times(self) -> None:
        """The log tells the wait from the connection and the answer."""
        world = self.world(pool=limits())
        self.ask_for(world, b"/1", b"/2")
        world.advance(1.0)
        world.members[0].link.send(answer())
        world.advance(0.5)
        world.members[0].link.send(answer())
        entry = world.entries[1]
        self.assertEqual((entry.queued, entry.connect), (1.0, 0.0))
        self.assertEqual((entry.response, entry.total), (1.5, 1.5))

    def test_gone(self) -> None:
        """A client that goes, or ends its side, leaves the queue."""
        world = self.world(pool=limits())
        _, reset, ended, stays = self.ask_for(world, b"/1", b"/2", b"/3", b"/4")
        reset.reset()
        ended.end()
        self.assertEqual((self.queued(world), world.reasons), (1, ["client_abort"] * 2))
        self.serve(world)
        self.assertEqual(self.serve(world), b"/4")
        self.assertIn(b"200 OK", stays.news())

    def test_pipelined(self) -> None:
        """A request that follows one on its connection waits behind the others."""
        world = self.world(pool=limits())
        first = world.client(ask(target=b"/1") + ask(target=b"/3"))
        world.client(ask(target=b"/2"))
        self.assertEqual([self.serve(world) for _ in range(3)], [b"/1", b"/2", b"/3"])
        self.assertEqual(first.news().count(b"200 OK"), 2)


class BodyTests(QueueCase):
    """Requests with bodies."""

    def test_body(self) -> None:
        """What has come of the body, and what comes, reaches the member in its order."""
        world = self.world(pool=limits())
        world.client(ask())
        client = world.client(ask(b"Content-Length: 9", method=b"POST", body=b"one"))
        client.send(b"two")
        self.assertEqual(self.queued(world), 1)
        world.members[0].link.send(answer())
        client.send(b"six")
        self.assertTrue(world.members[0].link.news().endswith(b"onetwosix"))
        world.members[0].link.send(answer())
        self.assertIn(b"200 OK", client.news())

    def test_whole_while_waiting(self) -> None:
        """All of it, and the next request behind it."""
        world = self.world(pool=limits())
        world.client(ask())
        client = world.client(ask(b"Content-Length: 3", method=b"POST", body=b"one") + ask())
        world.members[0].link.send(answer())
        link = world.members[0].link
        self.assertTrue(link.news().endswith(b"one"))
        link.send(answer())
        world.members[0].link.send(answer())
        self.assertEqual(client.news().count(b"200 OK"), 2)

    def test_chunks(self) -> None:
        """In chunks."""
        world = self.world(pool=limits())
        world.client(ask())
        body = b"3\r\none\r\n0\r\n\r\n"
        world.client(ask(b"Transfer-Encoding: chunked", method=b"PUT", body=body))
        world.members[0].link.send(answer())
        self.assertTrue(world.members[0].link.news().endswith(b"\r\n\r\n3\r\none\r\n0\r\n\r\n"))
        world.members[0].link.send(answer())

    def test_time(self) -> None:
        """The wait is not the client's fault: its time for the body begins afterwards."""
        world = self.world(
            pool=limits(timeout=100.0), listener={"timeouts": {"client_body_idle": 5.0}}
        )
        world.client(ask())
        client = world.client(ask(b"Content-Length: 3", method=b"POST"))
        world.advance(40)
        self.assertEqual((client.news(), self.queued(world)), (b"", 1))
        world.members[0].link.send(answer())
        world.advance(3)
        client.send(b"one")
        world.members[0].link.send(answer())
        self.assertIn(b"200 OK", client.news())

    def test_much(self) -> None:
        """Of a long body a head's worth is held, no more."""
        world = self.world(pool=limits())
        world.client(ask())
        size = 400_000
        client = world.client(ask(b"Content-Length: %d" % size, method=b"POST"))
        for _ in range(40):
            client.send(b"x" * 10_000)
        self.assertGreater(len(client.incoming), 200_000)
        world.members[0].link.send(answer())
        link = world.members[0].link
        world.loop.run()
        body = link.news().partition(b"\r\n\r\n")[2]
        self.assertEqual(len(body), size)
        link.send(answer())


class ChangeTests(QueueCase):
    """What happens meanwhile."""

    def test_raised(self) -> None:
        """A higher limit, another member, and none at all are for those that wait, too."""
        world = self.world(2, pool=limits())
        world.apply(*world.objects(pool=limits(), members=["m0"]))
        self.ask_for(world, *[b"/"] * 6)
        self.assertEqual((self.running(world)[0], self.queued(world)), (1, 5))
        world.apply(*world.objects(pool=limits(2), members=["m0"]))
        world.advance(SOON)
        self.assertEqual((self.running(world)[0], self.queued(world)), (2, 4))
        world.apply(*world.objects(pool=limits(2)))
        world.advance(SOON)
        self.assertEqual((self.running(world), self.queued(world)), ([2, 2], 2))
        world.apply(*world.objects(pool={"algorithm": Algorithm.LEAST_CONNECTIONS}))
        world.advance(SOON)
        self.assertEqual((self.running(world), self.queued(world)), ([3, 3], 0))

    def test_health(self) -> None:
        """A member that comes up takes some; when all are down nobody waits any more."""
        world = self.world(2, pool=limits())
        world.plane.set_member_usable("m1", False)
        clients = self.ask_for(world, *[b"/"] * 3)
        world.plane.set_member_usable("m1", True)
        world.advance(SOON)
        self.assertEqual((self.running(world), self.queued(world)), ([1, 1], 1))
        for name in ("m0", "m1"):
            world.plane.set_member_usable(name, False)
        world.advance(SOON)
        self.assertEqual(clients[2].news(), refusal("all_members_down", closes=False))
        self.assertEqual(self.queued(world), 0)

    def test_removed(self) -> None:
        """A pool that is removed, or gets another algorithm, still serves those that wait."""
        for pool in (None, limits(algorithm=Algorithm.RANDOM_TWO)):
            with self.subTest(pool):
                world = self.world(pool=limits())
                _, waits = self.ask_for(world, b"/1", b"/2")
                objects = world.objects(pool=pool, listener={"default_pool_id": None})
                kept = [o for o in objects if pool or not isinstance(o, Pool | Member)]
                world.apply(*kept)
                link = world.members[0].link
                link.send(answer())
                world.members[0].link.send(answer())
                self.assertIn(b"200 OK", waits.news())

    def test_unreachable(self) -> None:
        """A member that refuses gives its place back; who tries again waits for another one."""
        world = self.world(2, pool=limits())
        self.ask_for(world, b"/1", b"/2")
        self.assertEqual(self.running(world), [1, 1])
        world.members[0].does = REFUSED
        waits = world.client(ask(target=b"/3"))
        world.members[0].open[0].send(answer(b"", b"Connection: close"))
        world.members[1].open[0].news()
        self.assertEqual((self.running(world), self.queued(world)), ([0, 1], 1))
        world.members[1].open[0].send(answer())
        self.assertIn(b"/3", world.members[1].link.news())
        world.members[1].link.send(answer())
        self.assertIn(b"200 OK", waits.news())

    def test_end(self) -> None:
        """Those that wait when the process ends go on waiting, then they are told."""
        world = self.world(pool=limits(timeout=100.0))
        clients = self.ask_for(world, *[b"/"] * 9)
        world.plane.stop(5.0)
        world.advance(4.0)
        self.assertEqual((clients[1].news(), self.queued(world)), (b"", 8))
        world.advance(2.0)
        for waits in clients[1:]:
            self.assertIn(b"FiberLB-Reason-Code: shutting_down\r\n", waits.news())
        self.assertEqual(self.queued(world), 0)


class PersistentTests(QueueCase):
    """Clients that belong to one member."""

    def kept(self, **more: Any) -> World:
        """Two members, and each has a client of its own."""
        kind = SessionPersistence(type=PersistenceType.SOURCE_IP)
        world = self.world(2, pool=limits(session_persistence=kind, **more))
        for peer in ("192.0.2.1", "192.0.2.2"):
            self.ask_for(world, b"/", peer=peer)
        self.assertEqual(self.running(world), [1, 1])
        return world

    def test_own_member(self) -> None:
        """It waits for its member, and takes nobody else's place."""
        world = self.kept()
        self.ask_for(world, b"/mine", peer="192.0.2.1")
        self.ask_for(world, b"/any", peer="192.0.2.3")
        m0, m1 = world.members
        m0.link.news(), m1.link.news()
        m1.link.send(answer())
        self.assertIn(b"/any", m1.link.news())
        self.assertEqual(self.queued(world), 1)
        m0.link.send(answer())
        self.assertIn(b"/mine", m0.link.news())

    def test_down(self) -> None:
        """When it is down, whoever is next serves."""
        world = self.kept()
        self.ask_for(world, b"/mine", peer="192.0.2.1")
        world.plane.set_member_usable("m0", False)
        world.members[1].link.news()
        world.members[1].link.send(answer())
        self.assertIn(b"/mine", world.members[1].link.news())

    def test_new_client(self) -> None:
        """Several requests of one new client: the first decides where the others wait."""
        world = self.kept()
        self.ask_for(world, b"/1", b"/2", peer="192.0.2.3")
        self.ask_for(world, b"/3", peer="192.0.2.4")
        m0, m1 = world.members
        m0.link.news(), m1.link.news()
        m0.link.send(answer())
        self.assertIn(b"/1", m0.link.news())
        m1.link.send(answer())
        self.assertIn(b"/3", m1.link.news())
        m0.link.send(answer())
        self.assertIn(b"/2", m0.link.news())

    def test_many_members(self) -> None:
        """A place at one member is looked at by those who may have it, not by all that wait."""
        count = 30
        kind = SessionPersistence(type=PersistenceType.SOURCE_IP)
        world = self.world(count, pool=limits(session_persistence=kind))
        peers = [f"192.0.2.{number + 1}" for number in range(count)]
        for peer in (*peers, *peers):
            self.ask_for(world, b"/", peer=peer)
        self.assertEqual((sum(self.running(world)), self.queued(world)), (count, count))
        pool = world.plane._table.pools["pool"]
        asked = Counted(pool.affinity)
        pool.affinity = asked
        world.members[7].link.news()
        world.members[7].link.send(answer())
        self.assertEqual((sum(self.running(world)), self.queued(world)), (count, count - 1))
        self.assertLess(asked.choices, 4)
        world.advance(SOON)
        self.assertEqual(self.queued(world), count - 1)


class Counted:
    """An affinity whose choices are counted."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.choices = 0

    def choose(self, exchange: Any, tried: Any) -> Any:
        """See L{fiberlb.relay.affinity}."""
        self.choices += 1
        return self._real.choose(exchange, tried)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)
