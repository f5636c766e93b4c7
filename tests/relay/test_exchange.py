"""Who serves a request, and what is tried again."""

from __future__ import annotations

import errno

from fiberlb.model.pool import Retries, RetryCause
from fiberlb.relay.exchange import FRESH, MOST_HELD
from tests.support.relay_links import Link
from tests.support.relay_world import (
    REFUSED,
    RelayTestCase,
    World,
    answer,
    ask,
    asked,
    head,
    refusal,
)

POST = ask(b"Content-Length: 3", method=b"POST", body=b"abc")
POSTED = asked(b"Content-Length: 3", method=b"POST", body=b"abc")


class ConnectTests(RelayTestCase):
    """Members that cannot be reached."""

    def test_next_member(self) -> None:
        """Whatever the method, the request goes to the next member, whole."""
        for request, seen in ((ask(), asked()), (POST, POSTED)):
            for does in (REFUSED, -REFUSED):
                world = self.world(3)
                world.members[0].does = does
                client = world.client(request)
                member = world.members[1].link
                self.assertEqual(member.received, seen)
                member.send(answer())
                self.assertEqual(client.received, answer())
                self.assertEqual(world.entries[0].tries, 2)
                self.assertEqual(world.entries[0].member, "m1")
                self.assertEqual(world.plane.member_figures("m0")["failures"], 1)

    def test_each_once_first(self) -> None:
        """Members that have not been tried come first."""
        world = self.world(3)
        for member in world.members:
            member.does = REFUSED
        client = world.client(ask())
        self.assertEqual([len(member.links) for member in world.members], [1, 1, 1])
        self.assertEqual(client.received, refusal("connect_refused", closes=False))
        self.assertEqual((world.entries[0].tries, world.entries[0].member), (3, "m2"))

    def test_same_again(self) -> None:
        """A lone member is tried again: a restart takes a moment."""
        world = self.world()
        world.members[0].does = REFUSED
        world.client(ask())
        self.assertEqual(len(world.members[0].links), 3)

    def test_attempts(self) -> None:
        """As often as the pool says, or not at all."""
        for retries, count in (
            (Retries(attempts=0), 1),
            (Retries(attempts=5), 6),
            (Retries(attempts=5, on=(RetryCause.STALE,)), 1),
        ):
            world = self.world(pool={"retries": retries})
            world.members[0].does = REFUSED
            client = world.client(ask())
            self.assertEqual(len(world.members[0].links), count)
            self.assertEqual(client.received, refusal("connect_refused", closes=False))
            self.assertEqual(world.reasons, ["connect_refused"])

    def test_timeout(self) -> None:
        """Each attempt has its time."""
        world = self.world(3, listener={"timeouts": {"member_connect": 5.0}})
        world.members[0].does = world.members[1].does = "hang"
        client = world.client(ask())
        world.advance(4.5)
        self.assertEqual(len(world.members[1].links), 0)
        world.advance(1)
        self.assertTrue(world.members[0].link.closed)
        self.assertEqual(len(world.members[1].links), 1)
        world.advance(5.5)
        world.members[2].link.send(answer())
        self.assertEqual(client.received, answer())

    def test_reasons(self) -> None:
        """What kind of failure it was."""
        for does, reason in (
            ("hang", "connect_timeout"),
            (errno.ETIMEDOUT, "connect_timeout"),
            (errno.EHOSTUNREACH, "connect_refused"),
            (-errno.EMFILE, "overloaded"),
            (-errno.EADDRNOTAVAIL, "overloaded"),
        ):
            world = self.world(pool={"retries": Retries(attempts=0)})
            world.members[0].does = does
            client = world.client(ask())
            world.advance(6)
            self.assertEqual(client.received, refusal(reason, closes=False))
            self.assertEqual(world.reasons, [reason])
            self.assertEqual(world.entries[0].member, "m0")

    def test_no_limit(self) -> None:
        """Without a limit an attempt takes as long as the system lets it."""
        world = self.world(listener={"timeouts": {"member_connect": None}})
        world.members[0].does = "hang"
        client = world.client(ask())
        world.advance(1000)
        world.members[0].link.answer()
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer())

    def test_upload_meanwhile(self) -> None:
        """What comes of a body during the attempts reaches the member that takes it."""
        world = self.world(2)
        world.members[0].does = "hang"
        client = world.client(POST[:-2])
        client.send(b"b")
        world.members[0].link.answer(REFUSED)
        client.send(b"c")
        self.assertEqual(world.members[1].link.received, POSTED)
        world.members[1].link.send(answer())
        self.assertEqual(client.received, answer())


class MissingTests(RelayTestCase):
    """Nobody to choose."""

    def test_reasons(self) -> None:
        """No members, none that is up, a pool that is switched off, no pool."""
        down = self.world(2)
        for member in down.members:
            down.plane.set_member_usable(member.name, False)
        for world, reason in (
            (self.world(0), "no_members"),
            (down, "all_members_down"),
            (self.world(pool={"enabled": False}), "pool_disabled"),
            (self.world(listener={"default_pool_id": None}), "no_route"),
        ):
            client = world.client(ask())
            self.assertEqual(client.received, refusal(reason, closes=False))
            self.assertEqual(world.reasons, [reason])


class StaleTests(RelayTestCase):
    """Connections that die when they are used again."""

    def idle(self, members: int = 1, **given: object) -> tuple[World, Link, Link]:
        """A client and a member's connection that has served once."""
        world = self.world(members, **given)
        client, member = self.start(world)
        member.send(answer())
        client.news()
        return world, client, member

    def test_replayed(self) -> None:
        """A request that may be repeated is sent once more, on a fresh connection."""
        for method in (b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"):
            for end in (Link.end, Link.reset):
                world, client, member = self.idle()
                client.send(ask(method=method))
                end(member)
                fresh = world.members[0].link
                self.assertIsNot(fresh, member)
                self.assertEqual(fresh.received, asked(method=method))
                fresh.send(head(b"Content-Length: 0"))
                self.assertEqual(client.received, answer() + head(b"Content-Length: 0"))
                self.assertEqual(world.entries[1].tries, 2)
                self.assertEqual(world.reasons, [None, None])

    def test_race(self) -> None:
        """Also when the end is on its way while the request is being sent."""
        world, client, member = self.idle()
        client.send(ask(), run=False)
        found = world.loop.ready()
        member.close(run=False)
        world.loop.batch(found)
        world.loop.run()
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer() * 2)

    def test_broken_write(self) -> None:
        """Also when not even the request can be sent."""
        world, client, member = self.idle()
        client.send(ask(), run=False)
        found = world.loop.ready()
        member.reset(run=False)
        world.loop.batch(found)
        world.loop.run()
        world.members[0].link.send(answer())
        self.assertEqual(client.received, answer() * 2)
        self.assertEqual(world.reasons, [None, None])

    def test_once(self) -> None:
        """Not a second time."""
        world, client, member = self.idle(pool={"retries": Retries(on=(RetryCause.STALE,))})
        client.send(ask())
        member.end()
        world.members[0].link.end()
        self.assertEqual(client.news(), refusal("member_closed", closes=False))
        self.assertEqual(len(world.members[0].links), 2)

    def test_fresh_refused(self) -> None:
        """When the fresh connection is refused, other members are tried."""
        world, client, member = self.idle(2)
        world.members[0].does = REFUSED
        client.send(ask())
        world.members[1].link.send(answer())
        client.send(ask())
        client.news()
        member.end()
        self.assertEqual(world.members[1].link.received, asked())
        world.members[1].link.send(answer(b"other"))
        self.assertEqual(client.news(), answer(b"other"))

    def test_taken_out(self) -> None:
        """A member that was found down meanwhile is not tried again where there is another."""
        world, client, member = self.idle(2)
        client.send(ask())
        world.members[1].link.send(answer())
        client.send(ask())
        client.news()
        world.plane.set_member_usable("m0", False)
        member.reset()
        self.assertEqual(len(world.members[0].links), 1)
        world.members[1].link.send(answer(b"other"))
        self.assertEqual(client.news(), answer(b"other"))
        self.assertEqual(world.entries[-1].member, "m1")

    def test_off(self) -> None:
        """Not where the pool says so."""
        _, client, member = self.idle(pool={"retries": Retries(on=(RetryCause.CONNECT,))})
        client.send(ask())
        member.end()
        self.assertEqual(client.news(), refusal("member_closed", closes=False))

    def test_never_twice(self) -> None:
        """A request that must not be repeated is sent once, whatever becomes of it."""
        world, client, member = self.idle()
        client.send(POST)
        self.assertTrue(member.received.endswith(POSTED))
        member.end()
        self.assertEqual(client.news(), refusal("member_closed", closes=False))
        self.assertEqual(len(world.members[0].links), 1)

    def test_fresh_enough(self) -> None:
        """It takes an idle connection only if that was used within the last second."""
        for wait, count in ((FRESH - 0.25, 1), (FRESH + 0.25, 2)):
            world, client, _ = self.idle()
            world.advance(wait)
            client.send(POST)
            self.assertEqual(len(world.members[0].links), count)
            world.members[0].link.send(answer())
            self.assertEqual(client.news(), answer())
            world.loop.run()

    def test_body_again(self) -> None:
        """A body that is still held is sent again too, whole or as far as it has come."""
        request = ask(b"Content-Length: 6", method=b"PUT")
        seen = asked(b"Content-Length: 6", method=b"PUT")
        for before, after in ((b"abcdef", b""), (b"abc", b"def"), (b"", b"abcdef")):
            world, client, member = self.idle()
            client.send(request + before)
            member.end()
            if after:
                client.send(after)
            self.assertEqual(world.members[0].link.received, seen + b"abcdef")
            world.members[0].link.send(answer())
            self.assertEqual(client.news(), answer())
            self.assertEqual(world.entries[-1].received, 6)

    def test_chunks_again(self) -> None:
        """Also one in chunks."""
        world, client, member = self.idle()
        client.send(ask(b"Transfer-Encoding: chunked", method=b"PUT", body=b"3\r\nabc\r\n"))
        member.reset()
        client.send(b"0\r\n\r\n")
        self.assertTrue(world.members[0].link.received.endswith(b"\r\n\r\n3\r\nabc\r\n0\r\n\r\n"))
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())

    def test_long_body(self) -> None:
        """One that is too long to be held is not."""
        for size in (MOST_HELD, MOST_HELD + 1):
            world, client, member = self.idle()
            client.send(ask(b"Content-Length: %d" % size, method=b"PUT", body=b"x" * size))
            member.end()
            if size > MOST_HELD:
                self.assertEqual(client.news(), refusal("member_closed", closes=False))
            else:
                self.assertEqual(world.members[0].link.received.count(b"x"), size)
                world.members[0].link.send(answer())

    def test_not_after_a_byte(self) -> None:
        """Never after a byte of the answer."""
        world, client, member = self.idle()
        client.send(ask())
        member.send(b"H")
        member.end()
        self.assertEqual(client.news(), refusal("member_closed", closes=False))
        self.assertEqual(len(world.members[0].links), 1)


class ResetTests(RelayTestCase):
    """Fresh connections that die without an answer."""

    def test_elsewhere(self) -> None:
        """A request that may be repeated goes to another member, as often as the pool says."""
        for end, method in ((Link.end, b"GET"), (Link.reset, b"PUT")):
            world = self.world(3)
            client = world.client(ask(b"Content-Length: 3", method=method, body=b"abc"))
            end(world.members[0].link)
            end(world.members[1].link)
            member = world.members[2].link
            self.assertEqual(
                member.received, asked(b"Content-Length: 3", method=method, body=b"abc")
            )
            member.send(answer())
            self.assertEqual(client.received, answer())
            (entry,) = world.entries
            self.assertEqual((entry.tries, entry.member, entry.reason), (3, "m2", None))
            self.assertEqual(
                [world.plane.member_figures(m.name)["failures"] for m in world.members], [1, 1, 0]
            )

    def test_attempts(self) -> None:
        """Not more often, and nobody twice."""
        world = self.world(4)
        client = world.client(ask())
        for n in range(3):
            world.members[n].link.end()
        self.assertEqual(client.received, refusal("member_closed", closes=False))
        self.assertEqual([len(m.links) for m in world.members], [1, 1, 1, 0])
        world = self.world(2)
        client = world.client(ask())
        for n in range(2):
            world.members[n].link.end()
        self.assertEqual(client.received, refusal("member_closed", closes=False))

    def test_lone(self) -> None:
        """A lone member is not asked the same again."""
        world = self.world()
        client = world.client(ask())
        world.members[0].link.reset()
        self.assertEqual(client.received, refusal("member_reset", closes=False))
        self.assertEqual(len(world.members[0].links), 1)

    def test_never_twice(self) -> None:
        """Nor is anything that must not be repeated, or of which a byte of answer came."""
        for request, data in ((POST, b""), (ask(), b"H"), (ask(), head(status=b"103 X"))):
            world = self.world(2)
            client = world.client(request)
            world.members[0].link.send(data)
            world.members[0].link.end()
            self.assertTrue(client.received.endswith(refusal("member_closed", closes=False)))
            self.assertEqual(world.members[1].links, [])

    def test_after_stale(self) -> None:
        """A request whose second connection dies too goes to another member."""
        world = self.world(2)
        client, member = self.start(world)
        member.send(answer())
        client.send(ask())
        world.members[1].link.send(answer())
        client.news()
        client.send(ask())
        member.end()
        world.members[0].link.reset()
        world.members[1].link.send(answer(b"other"))
        self.assertEqual(client.news(), answer(b"other"))
        self.assertEqual(world.entries[-1].tries, 3)

    def test_off(self) -> None:
        """Not where the pool says so."""
        on = (RetryCause.CONNECT, RetryCause.STALE)
        world = self.world(2, pool={"retries": Retries(on=on)})
        client = world.client(ask())
        world.members[0].link.end()
        self.assertEqual(client.received, refusal("member_closed", closes=False))


class BalanceTests(RelayTestCase):
    """Requests over members."""

    def test_round(self) -> None:
        """Each in its turn, whoever asks."""
        world = self.world(3)
        for _ in range(4):
            client = world.client()
            for _ in range(3):
                client.send(ask())
                for member in world.members:
                    if member.open and world.plane.member_figures(member.name)["in_flight"]:
                        member.link.send(answer())
        counts = [world.plane.member_figures(m.name)["requests"] for m in world.members]
        self.assertEqual(counts, [4, 4, 4])

    def test_shared_connections(self) -> None:
        """Clients share members' connections: 30 clients one after the other need one."""
        world = self.world()
        for _ in range(30):
            client = world.client(ask())
            world.members[0].link.send(answer())
            self.assertEqual(client.received, answer())
        self.assertEqual(len(world.members[0].links), 1)

    def test_latest_first(self) -> None:
        """The connection used last is used next, so that the others can go."""
        world = self.world()
        clients = [world.client(ask()) for _ in range(3)]
        links = world.members[0].links
        for link in (links[1], links[2], links[0]):
            link.send(answer())
            world.advance(1)
        for _ in range(6):
            clients[0].send(ask())
            self.assertTrue(links[0].received.endswith(asked()))
            links[0].send(answer())
            world.advance(1)
        self.assertEqual([link.closed for link in links], [False, True, True])

    def test_no_cross_talk(self) -> None:
        """Answers go to those who asked, in whatever order they come."""
        world = self.world()
        clients = [world.client(ask(target=b"/%d" % n)) for n in range(20)]
        for n, link in reversed(list(enumerate(world.members[0].links))):
            link.send(answer(b"%d" % n))
        for n, client in enumerate(clients):
            self.assertEqual(client.received, answer(b"%d" % n))


class FaultTests(RelayTestCase):
    """Exceptions of ours end what they concern, and nothing else."""

    def test_client(self) -> None:
        """While a request is begun: 500, closed, logged; other clients are served."""
        world = self.world()
        other, member = self.start(world)
        bad = world.client()
        balancer = world.cell.plan.only.pool._balancer
        world.cell.plan.only.pool._balancer = None
        bad.send(ask())
        world.cell.plan.only.pool._balancer = balancer
        self.assertEqual(bad.received, refusal("internal"))
        bad.end()
        member.send(answer())
        self.assertEqual(other.received, answer())
        self.assertEqual(world.reasons, ["internal", None])
        self.faults = 1

    def test_accept(self) -> None:
        """While the first bytes are read straight after the accept."""
        world = self.world()
        balancer = world.cell.plan.only.pool._balancer
        world.cell.plan.only.pool._balancer = None
        bad = world.client(ask())
        world.cell.plan.only.pool._balancer = balancer
        self.assertEqual(bad.received, refusal("internal"))
        self.faults = 1

    def test_pipelined(self) -> None:
        """While a request is begun because the one before is done: the member's side is kept."""
        world = self.world()
        client, member = self.start(world, ask() * 2)
        balancer = world.cell.plan.only.pool._balancer
        world.cell.plan.only.pool._balancer = None
        member.send(answer())
        world.cell.plan.only.pool._balancer = balancer
        self.assertEqual(client.received, answer() + refusal("internal"))
        self.assertFalse(member.closed)
        self.faults = 1

    def test_retry(self) -> None:
        """While another member is chosen."""
        world = self.world()
        world.members[0].does = "hang"
        client = world.client(ask())
        balancer = world.cell.plan.only.pool._balancer
        world.cell.plan.only.pool._balancer = None
        world.members[0].link.answer(REFUSED)
        world.cell.plan.only.pool._balancer = balancer
        self.assertEqual(client.received, refusal("internal"))
        self.assertEqual(world.figures(), [(0, 0)])
        self.faults = 1

    def test_deadline(self) -> None:
        """While a deadline is acted on: the wheel goes on."""
        world = self.world()
        world.members[0].does = "hang"
        client = world.client(ask())
        other = world.client()
        balancer = world.cell.plan.only.pool._balancer
        world.cell.plan.only.pool._balancer = None
        world.advance(6)
        world.cell.plan.only.pool._balancer = balancer
        self.assertEqual(client.received, refusal("internal"))
        world.advance(10)
        self.assertTrue(other.closed)
        self.faults = 1

    def test_member(self) -> None:
        """While an answer is read."""
        world = self.world()
        client, member = self.start(world)
        limits = world.cell.plan.limits
        world.cell.plan.limits = None
        member.send(answer())
        world.cell.plan.limits = limits
        self.assertEqual(client.received, refusal("internal", closes=False))
        self.assertTrue(member.closed)
        self.faults = 1

    def test_streaming(self) -> None:
        """In the middle of an answer: the client sees that it is not whole."""
        world = self.world()
        client, member = self.start(world)
        member.send(answer(b"x" * 100)[:-50])

        def send(data: bytes) -> int:
            raise RuntimeError("on purpose")

        conn = next(c for c in world.loop.open if c.fd == client.near.fileno())
        conn.send = send
        member.send(b"x" * 50)
        self.assertTrue(client.closed and member.closed)
        self.assertEqual(world.reasons, ["internal"])
        self.faults = 1

    def test_between_requests(self) -> None:
        """While nothing is in progress: the connection ends, and there is nothing to log."""
        world = self.world()
        client, member = self.start(world)
        member.send(answer())
        limits = world.cell.plan.limits
        world.cell.plan.limits = None
        client.send(ask(target=b"/other"))
        world.cell.plan.limits = limits
        self.assertTrue(client.closed)
        self.assertFalse(member.closed)
        self.assertEqual(world.reasons, [None])
        self.faults = 1
