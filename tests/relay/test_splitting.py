"""Decisions that leave a choice of pools: by weight, by cookie, and where a pool has nobody."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from fiberlb.balancing.tokens import token
from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.operational import MemberMode, Operational, Operations
from fiberlb.model.persistence import PersistenceType, SessionPersistence
from fiberlb.model.pool import Pool, PoolProtocol
from fiberlb.model.resource import Resource
from fiberlb.model.split import SplitPersistence, WeightedPool
from tests.support.relay_world import (
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
    """

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
