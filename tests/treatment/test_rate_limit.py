"""C{rate_limit}, from what is configured to bytes on the wire."""

from __future__ import annotations

from typing import Any

from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.pool import PoolProtocol
from fiberlb.model.rate_limit import RateLimit
from tests.model.documents import made
from tests.support.relay_links import Link
from tests.support.relay_world import RelayTestCase, World, answer, ask, evolve


def limit(rate: str = "1/s", burst: int = 2, **given: Any) -> RateLimit:
    """Two at once, then one in a second."""
    found: RateLimit = made(RateLimit, rate=rate, burst=burst, **given)
    return found


class LimitTests(RelayTestCase):
    """Requests."""

    def status(self, world: World, client: Link, *lines: bytes, target: bytes = b"/") -> int:
        """Of one more answer."""
        before = len(client.received)
        client.send(ask(*lines, target=target))
        for member in world.members:
            if member.open and member.link.news():
                member.link.send(answer())
        self.last = bytes(client.received[before:])
        return int(self.last[9:12])

    def test_listener(self) -> None:
        """Beyond the rate 429, with the time to come again, on a connection that stays."""
        world = self.world(listener={"rate_limit": limit()})
        client = world.client()
        self.assertEqual([self.status(world, client) for _ in range(3)], [200, 200, 429])
        self.assertIn(b"\r\nRetry-After: 1\r\n", self.last)
        self.assertIn(b'\r\nRateLimit-Policy: "default";q=2;w=2\r\n', self.last)
        self.assertIn(b'\r\nRateLimit: "default";r=0;t=1\r\n', self.last)
        self.assertIn(b"\r\nFiberLB-Reason-Code: rate_limited\r\n", self.last)
        self.assertFalse(client.ended)
        # Other clients do not notice.
        self.assertEqual(self.status(world, world.client(peer="192.0.2.8")), 200)
        self.assertEqual(self.status(world, world.client()), 429)
        world.advance(1)
        self.assertEqual([self.status(world, client) for _ in range(2)], [200, 429])

    def test_later(self) -> None:
        """The time to come again is rounded up to seconds."""
        world = self.world(listener={"rate_limit": limit("6/m", 1)})
        client = world.client()
        self.assertEqual([self.status(world, client) for _ in range(2)], [200, 429])
        self.assertIn(b"\r\nRetry-After: 10\r\n", self.last)

    def test_nearest(self) -> None:
        """The policy's goes before the pool's, that one before the listener's."""
        policy = L7Policy(
            id="p",
            name="p",
            listener_id="web",
            action=PolicyAction.REDIRECT_TO_POOL,
            redirect_pool_id="pool",
            position=1,
            rate_limit=limit(burst=3),
        )
        rule = L7Rule(id="r", policy_id="p", rule_type=RuleType.PATH, value="/p")
        world = self.world(
            listener={"rate_limit": limit(burst=1)},
            pool={"rate_limit": limit(burst=2)},
            policies=[policy, rule],
        )
        client = world.client()
        got = [self.status(world, client, target=b"/p") for _ in range(4)]
        self.assertEqual(got, [200, 200, 200, 429])
        self.assertEqual([self.status(world, client) for _ in range(3)], [200, 200, 429])

    def test_exempt(self) -> None:
        """A nearer object can take the limit away."""
        given: Any = {"rate_limit": made(RateLimit, rate="none")}
        world = self.world(listener={"rate_limit": limit(burst=1)}, pool=given)
        client = world.client()
        self.assertEqual([self.status(world, client) for _ in range(3)], [200] * 3)

    def test_keys(self) -> None:
        """By a header, a cookie or the path; who shows none is counted by address."""
        for key, one, other, path in (
            ("header X-Key", b"X-Key: 1", b"x-key: 2", b"/"),
            ("cookie sid", b"Cookie: a=b; sid=1", b"Cookie: sid=2", b"/"),
            ("path", b"X-A: 1", b"X-A: 1", b"/other"),
        ):
            world = self.world(listener={"rate_limit": limit(burst=1, key=key)})
            client = world.client()
            got = [self.status(world, client, one) for _ in range(2)]
            self.assertEqual(got, [200, 429], key)
            self.assertEqual(self.status(world, client, other, target=path), 200, key)
        world = self.world(listener={"rate_limit": limit(burst=1, key="header X-Key")})
        got = [self.status(world, world.client()) for _ in range(2)]
        self.assertEqual(got, [200, 429])
        self.assertEqual(self.status(world, world.client(peer="192.0.2.8")), 200)

    def test_same_path(self) -> None:
        """Spellings of one path are one."""
        world = self.world(listener={"rate_limit": limit(burst=1, key="path")})
        client = world.client()
        got = [self.status(world, client, target=t) for t in (b"/a/b", b"/a//b?x", b"/a/%62")]
        self.assertEqual(got, [200, 429, 429])

    def test_trusted(self) -> None:
        """Behind a trusted proxy its clients are counted, not the proxy."""
        world = self.world(listener={"rate_limit": limit(burst=1)}, trusted=["192.0.2.0/24"])
        client = world.client()
        told = (b"X-Forwarded-For: 198.51.100.1", b"X-Forwarded-For: 198.51.100.2")
        got = [self.status(world, client, told[n]) for n in (0, 0, 1, 1)]
        self.assertEqual(got, [200, 429, 200, 429])

    def test_kept(self) -> None:
        """A change of something else leaves the count as it is; another rate begins anew."""
        world = self.world(listener={"rate_limit": limit(burst=1)})
        client = world.client()
        self.assertEqual(self.status(world, client), 200)
        objects = world.objects({"rate_limit": limit(burst=1), "description": "x"})
        world.apply(*objects)
        self.assertEqual(self.status(world, client), 429)
        world.apply(*evolve(objects, "web", rate_limit=limit("2/s", 1)))
        self.assertEqual(self.status(world, client), 200)

    def test_connections(self) -> None:
        """Of a tcp listener connections are counted; one too many is closed at once."""
        for where in ("listener", "pool"):
            given: Any = {where: {"rate_limit": limit(burst=1)}}
            world = self.world(tcp=True, **given)
            self.assertEqual(world.snapshot.pools["pool"].pool.protocol, PoolProtocol.TCP)  # type: ignore[union-attr]
            self.assertFalse(world.client().closed)
            self.assertTrue(world.client().was_reset)
            self.assertFalse(world.client(peer="192.0.2.8").closed)
            self.assertEqual(world.plane.reasons(), {"rate_limited": 1})
            self.assertEqual(len(world.members[0].links), 2)
