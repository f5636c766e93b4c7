"""Decisions that leave a choice of pools: by weight, by cookie, and where a pool has nobody."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from fiberlb.balancing.tokens import token
from fiberlb.model.header_edits import RequestHeaders
from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.operational import MemberMode, Operational, Operations
from fiberlb.model.persistence import PersistenceType, SessionPersistence
from fiberlb.model.pool import Pool, PoolProtocol, Retries, RetryCause
from fiberlb.model.queue import PoolQueue
from fiberlb.model.resource import Resource
from fiberlb.model.split import SplitPersistence, WeightedPool
from tests.support.relay_world import (
    REFUSED,
    RelayTestCase,
    World,
    answer,
    ask,
    asked,
    evolve,
    refusal,
)

KEY = b"k" * 32


def weighted(**weights: int) -> tuple[WeightedPool, ...]:
    """Pools by name, with their weights."""
    return tuple([WeightedPool(pool_id=name, weight=weight) for name, weight in weights.items()])


class SplitCase(RelayTestCase):
    """
    Three pools with a member each: C{pool} has m0, C{b} m1, C{c} m2.

    @ivar pools: fields of C{b} and C{c}.
    @ivar first: of C{pool}.
    """

    first: dict[str, Any] = {}

    def near(self, found: int, wanted: int, apart: int) -> None:
        """Two numbers are this much apart at most."""
        self.assertLessEqual(abs(found - wanted), apart, (found, wanted))

    def split(self, listener: dict[str, Any], *further: Resource, **pools: Any) -> World:
        """A world whose listener has these fields."""
        tcp = pools.pop("tcp", False)
        self.pools, self.tcp = pools, tcp
        world = self.world(3, tcp=tcp)
        self.change(world, listener, *further)
        world.wait(world.plane.operate(Operations(cookie_keys=(KEY,))))
        return world

    def change(self, world: World, listener: dict[str, Any], *further: Resource) -> None:
        """Put another listener in force."""
        objects: list[Resource] = world.objects(tcp=self.tcp)
        fields = {"default_pool_id": None, **listener}
        objects = evolve(objects, "web", **fields)
        objects = evolve(evolve(objects, "m1", pool_id="b"), "m2", pool_id="c")
        objects = evolve(objects, "pool", **self.first)
        kind = PoolProtocol.TCP if self.tcp else PoolProtocol.HTTP
        pools = [Pool(id=name, name=name, protocol=kind, **self.pools) for name in "bc"]
        world.apply(*objects, *pools, *further)

    def down(self, world: World, *names: str) -> None:
        """These members rest; all others are there."""
        rest = {name: Operational(mode=MemberMode.MAINTENANCE) for name in names}
        world.wait(world.plane.operate(Operations(members=rest, cookie_keys=(KEY,))))

    def once(self, world: World, *lines: bytes, target: bytes = b"/") -> tuple[str, bytes, bytes]:
        """One request on a connection of its own: the member, what it got, what the client got."""
        client = world.client(ask(*lines, target=target))
        for member in world.members:
            for link in member.open:
                got = link.news()
                if got:
                    link.send(answer())
                    back = client.news()
                    client.close()
                    return member.name, got, back
        back = client.news()
        client.close()
        return "-", b"", back


def set_cookie(head: bytes, name: bytes = b"FIBERLB_SPLIT") -> bytes:
    """The value of the cookie that an answer sets; empty: none."""
    found = re.search(rb"\r\nSet-Cookie: " + name + rb"=([^;\r]*)", head)
    return found[1] if found else b""


class WeightTests(SplitCase):
    """By weight."""

    def test_shares(self) -> None:
        """Each request by itself, also on one connection with the same head over and over."""
        world = self.split({"default_pools": weighted(pool=3, b=1)})
        client = world.client()
        found: Counter[str] = Counter()
        for _ in range(400):
            client.send(ask())
            for member in world.members:
                for link in member.open:
                    if link.news():
                        found[member.name] += 1
                        link.send(answer())
            self.assertTrue(client.news().endswith(b"hi"))
        self.near(found["m1"], 100, 3)
        self.assertEqual(found["m2"], 0)
        self.assertEqual(Counter(e.pool for e in world.entries)["b"], found["m1"])

    def test_live(self) -> None:
        """Weights that have changed are in force with the next request of a connection."""
        world = self.split({"default_pools": weighted(pool=1, b=0)})
        client = world.client(ask())
        world.members[0].link.send(answer())
        client.news()
        self.change(world, {"default_pools": weighted(pool=0, b=1)})
        client.send(ask())
        self.assertEqual(world.members[1].link.news(), asked())
        world.members[1].link.send(answer())

    def test_policy(self) -> None:
        """A policy's split has its timeouts, and its name in the log."""
        policy = L7Policy(
            id="p",
            name="canary",
            listener_id="web",
            action=PolicyAction.REDIRECT_TO_POOL,
            redirect_pools=weighted(b=1, c=1),
            timeouts=(("member_response", 1.0),),
        )
        rule = L7Rule(id="r", policy_id="p", rule_type=RuleType.PATH, value="/x")
        world = self.split({"default_pool_id": "pool"}, policy, rule)
        found = Counter(self.once(world, target=b"/x")[0] for _ in range(40))
        self.near(found["m1"], 20, 2)
        self.assertEqual(found["m0"], 0)
        self.assertEqual(self.once(world)[0], "m0")
        client = world.client(ask(target=b"/x"))
        world.advance(1.5)
        self.assertIn(b"member_timeout", client.news())
        last = world.entries[-1]
        self.assertEqual((last.policy, last.pool in "bc"), ("canary", True))

    def test_connections(self) -> None:
        """Of a tcp listener, by connection."""
        world = self.split({"default_pools": weighted(pool=1, b=1)}, tcp=True)
        for _ in range(20):
            world.client(b"x")
        used = [len(member.links) for member in world.members]
        self.near(used[0], 10, 1)
        self.assertEqual(sum(used), 20)


class CookieTests(SplitCase):
    """What keeps a client at its pool."""

    KEPT = SplitPersistence(timeout_seconds=60)

    def test_stays(self) -> None:
        """The first answer sets a cookie that says nothing; members never see it."""
        world = self.split({"default_pools": weighted(pool=1, b=1), "split_persistence": self.KEPT})
        for _ in range(6):
            member, _, back = self.once(world)
            made = set_cookie(back)
            pool = {"m0": "pool", "m1": "b"}[member]
            self.assertEqual(made, token(KEY, "split", pool))
            self.assertIn(b"; Path=/; HttpOnly; SameSite=Lax; Max-Age=60\r\n\r\nhi", back)
            for _ in range(3):
                again, got, back = self.once(world, b"Cookie: a=1; FIBERLB_SPLIT=" + made)
                self.assertEqual((again, got), (member, asked(b"Cookie: a=1")))
                self.assertNotIn(b"Set-Cookie", back)

    def test_weight_zero(self) -> None:
        """A pool without a weight, and one that is not in the split any more: chosen anew."""
        fields = {"split_persistence": self.KEPT}
        world = self.split({"default_pools": weighted(pool=1, b=0), **fields})
        cookie = b"Cookie: FIBERLB_SPLIT=" + token(KEY, "split", "b")
        for pools in (weighted(pool=1, b=0), weighted(pool=1, c=0)):
            self.change(world, {"default_pools": pools, **fields})
            member, _, back = self.once(world, cookie)
            self.assertEqual(member, "m0")
            self.assertTrue(set_cookie(back).startswith(token(KEY, "split", "pool")))
        self.change(world, {"default_pools": weighted(pool=99, b=1), **fields})
        self.assertEqual(self.once(world, cookie)[0], "m1")

    def test_forged(self) -> None:
        """What we have not signed is nobody's; other keys have it set anew."""
        world = self.split({"default_pools": weighted(pool=1, b=0), "split_persistence": self.KEPT})
        forged = token(b"x" * 32, "split", "b")
        for value in (b"", b"b", forged, b"." * 600, b"\xff" * 22):
            member, got, back = self.once(world, b"Cookie: FIBERLB_SPLIT=" + value)
            self.assertEqual((member, got), ("m0", asked()))
            self.assertTrue(set_cookie(back).startswith(token(KEY, "split", "pool")))
        new = b"n" * 32
        mine = b"Cookie: FIBERLB_SPLIT=" + token(KEY, "split", "pool")
        world.wait(world.plane.operate(Operations(cookie_keys=(new, KEY))))
        _, _, back = self.once(world, mine)
        self.assertEqual(set_cookie(back), token(new, "split", "pool"))
        world.wait(world.plane.operate(Operations(cookie_keys=())))
        self.assertEqual(set_cookie(self.once(world)[2]), b"")

    def test_with_members(self) -> None:
        """Beside the cookie that keeps clients at their member: both are set, neither is seen."""
        world = self.split(
            {"default_pools": weighted(pool=0, b=1), "split_persistence": self.KEPT},
            session_persistence=SessionPersistence(type=PersistenceType.COOKIE),
        )
        _, _, back = self.once(world)
        split, member = set_cookie(back), set_cookie(back, b"SERVERID")
        self.assertEqual((split, member), (token(KEY, "split", "b"), token(KEY, "b", "m1")))
        line = b"Cookie: SERVERID=%b; FIBERLB_SPLIT=%b" % (member, split)
        _, got, back = self.once(world, line)
        self.assertEqual(got, asked())
        self.assertNotIn(b"Set-Cookie", back)

    def test_answers_of_ours(self) -> None:
        """An answer without a member sets nothing, nor does what follows it on the connection."""
        policy = L7Policy(
            id="p",
            listener_id="web",
            action=PolicyAction.REDIRECT_TO_POOL,
            redirect_pools=weighted(b=1),
            split_persistence=self.KEPT,
        )
        rule = L7Rule(id="r", policy_id="p", rule_type=RuleType.PATH, value="/x")
        world = self.split({"default_pool_id": "pool"}, policy, rule)
        self.down(world, "m1")
        client = world.client(ask(target=b"/x"))
        self.assertEqual(client.news(), refusal("all_members_down", closes=False))
        client.send(ask())
        world.members[0].link.send(answer())
        self.assertNotIn(b"Set-Cookie", client.news())

    def test_switched(self) -> None:
        """A tunnel's answer sets it too."""
        world = self.split({"default_pools": weighted(b=1), "split_persistence": self.KEPT})
        client = world.client(ask(b"Connection: upgrade", b"Upgrade: websocket"))
        link = world.members[1].link
        link.send(
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
        )
        self.assertEqual(set_cookie(client.news()), token(KEY, "split", "b"))
        client.close()


class FailoverTests(SplitCase):
    """Where a pool has nobody."""

    def policy(self, **fields: Any) -> tuple[Resource, Resource]:
        """A policy for everything."""
        policy = L7Policy(
            id="p",
            listener_id="web",
            action=PolicyAction.REDIRECT_TO_POOL,
            **fields,
        )
        rule = L7Rule(id="r", policy_id="p", rule_type=RuleType.HEADER, key="Host")
        return policy, rule

    def test_failover(self) -> None:
        """The other pool serves as long as the first one has nobody, and no longer."""
        policy = self.policy(redirect_pool_id="pool", failover_pool_id="b")
        world = self.split({}, *policy)
        self.assertEqual(self.once(world)[0], "m0")
        self.down(world, "m0")
        self.assertEqual(self.once(world)[0], "m1")
        self.assertEqual(world.entries[-1].pool, "b")
        self.down(world)
        self.assertEqual(self.once(world)[0], "m0")
        self.down(world, "m0", "m1")
        self.assertIn(b"all_members_down", self.once(world)[2])
        self.assertEqual(world.entries[-1].pool, "pool")

    def test_of_split(self) -> None:
        """Before it, the failover pool; without one, the others of the split by their weights."""
        split = weighted(pool=1, b=1)
        kept = SplitPersistence()
        fields = {"redirect_pools": split, "split_persistence": kept}
        world = self.split({}, *self.policy(**fields, failover_pool_id="c"))
        self.down(world, "m1")
        cookie = b"Cookie: FIBERLB_SPLIT=" + token(KEY, "split", "b")
        member, got, back = self.once(world, cookie)
        self.assertEqual((member, got), ("m2", asked()))
        self.assertNotIn(b"Set-Cookie", back)
        self.change(world, {}, *self.policy(**fields))
        member, _, back = self.once(world, cookie)
        self.assertEqual((member, set_cookie(back)), ("m0", token(KEY, "split", "pool")))
        self.assertEqual({self.once(world)[0] for _ in range(6)}, {"m0"})
        self.down(world, "m0", "m1")
        self.assertEqual(self.once(world)[0], "-")

    def stands_in(self, first: dict[str, Any] | None = None, **pools: Any) -> World:
        """A pool of one member, with these fields, another one of one member in its place."""
        policy = self.policy(redirect_pool_id="pool", failover_pool_id="b")
        self.first = first or {}
        return self.split({}, *policy, **pools)

    def test_refused(self) -> None:
        """Nobody has noticed yet that the first pool is gone: the request goes to the other."""
        for method, does in ((b"GET", REFUSED), (b"POST", REFUSED), (b"POST", -REFUSED)):
            world = self.stands_in()
            world.members[0].does = does
            body = (b"Content-Length: 3",) if method == b"POST" else ()
            client = world.client(ask(*body, method=method, body=b"abc" if body else b""))
            link = world.members[1].link
            self.assertEqual(
                link.received, asked(*body, method=method, body=b"abc" if body else b"")
            )
            link.send(answer())
            self.assertEqual(client.received, answer())
            entry = world.entries[-1]
            self.assertEqual((entry.pool, entry.member, entry.tries), ("b", "m1", 2))

    def test_refused_there_too(self) -> None:
        """The other pool has all of its own attempts, then the client is told."""
        world = self.stands_in()
        for member in world.members:
            member.does = REFUSED
        client = world.client(ask())
        self.assertEqual(client.received, refusal("connect_refused", closes=False))
        self.assertEqual([len(member.links) for member in world.members], [1, 3, 0])

    def test_sent_once(self) -> None:
        """What a member has had once is not for another pool."""
        world = self.stands_in({"retries": Retries(on=(RetryCause.CONNECT, RetryCause.RESET))})
        client = world.client(ask())
        world.members[0].does = REFUSED
        world.members[0].link.reset()
        self.assertEqual(world.members[1].links, [])
        self.assertTrue(client.received.startswith(b"HTTP/1.1 502 "), client.received)

    def test_treated_otherwise(self) -> None:
        """A pool with a treatment of its own gets no request that was made for another one."""
        edits = RequestHeaders(set=(("X-Side", "b"),))
        world = self.stands_in(request_headers=edits)
        world.members[0].does = REFUSED
        client = world.client(ask())
        self.assertEqual(client.received, refusal("connect_refused", closes=False))
        self.assertEqual(world.members[1].links, [])

    def test_cookies(self) -> None:
        """The client belongs to the member that has served, and is not told of another one."""
        kept = SessionPersistence(type=PersistenceType.COOKIE)
        world = self.stands_in({"session_persistence": kept}, session_persistence=kept)
        world.members[0].does = REFUSED
        client = world.client(ask())
        world.members[1].link.send(answer())
        self.assertEqual(client.received.count(b"Set-Cookie"), 1)
        value = set_cookie(bytes(client.received), b"SERVERID")
        world.members[0].does = "accept"
        client = world.client(ask(b"Cookie: SERVERID=" + value))
        self.assertNotIn(b"SERVERID", world.members[0].link.received)
        world.members[0].link.send(answer())
        self.assertIn(value, set_cookie(bytes(client.received), b"SERVERID"))
        world.members[0].does = REFUSED
        world.members[0].link.reset()
        client = world.client(ask(b"Cookie: SERVERID=" + value))
        world.members[1].links[-1].send(answer())
        self.assertNotIn(b"Set-Cookie", client.received)

    def test_queue_full(self) -> None:
        """Where nobody else may wait, the other pool serves; what may wait does."""
        for size, members in ((0, ["m0", "m1"]), (1, ["m0", "", "m1"])):
            queue = PoolQueue(size=size)
            world = self.stands_in({"member_max_connections": 1, "queue": queue})
            for name in members:
                before = {m.name: len(m.links) for m in world.members}
                world.client(ask())
                found = [m.name for m in world.members if len(m.links) > before[m.name]]
                self.assertEqual(found, [name] if name else [])
