"""TLS passed through: hellos, routes, alerts."""

from __future__ import annotations

from typing import Any

from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.listener import ListenerProtocol
from fiberlb.model.pool import Pool, PoolProtocol, Retries
from fiberlb.model.rate_limit import Rate, RateLimit
from fiberlb.model.split import WeightedPool
from fiberlb.wire import client_hello
from fiberlb.wire.client_hello import alert
from tests.support.relay_links import Link
from tests.support.relay_world import REFUSED, RelayTestCase, World, evolve
from tests.wire.hellos import alpn, message, records, server_name


def hello(name: bytes = b"a.example", *protocols: bytes, size: int = 16384) -> bytes:
    """What a client says first."""
    some = [alpn(*protocols)] if protocols else []
    return records(message(server_name(name), *some), size)


def policy(name: str, kind: RuleType, value: str, **fields: Any) -> list[Any]:
    """A policy to the pool, with one rule."""
    given: dict[str, Any] = {"action": PolicyAction.REDIRECT_TO_POOL, "redirect_pool_id": "pool"}
    return [
        L7Policy(**{"id": name, "name": name, "listener_id": "web", **given, **fields}),
        L7Rule(id=f"r-{name}", policy_id=name, rule_type=kind, value=value),
    ]


REJECT = {"action": PolicyAction.REJECT, "redirect_pool_id": None}


class PassingTests(RelayTestCase):
    """A client of a listener that passes TLS through, from accept to log."""

    def passing(self, members: int = 1, default: str | None = "pool", **given: Any) -> World:
        """A world with such a listener."""
        fields = given.pop("listener", {})
        listener = {"protocol": ListenerProtocol.HTTPS, "default_pool_id": default, **fields}
        return self.world(members, tcp=True, listener=listener, **given)

    def assert_alert(self, client: Link, number: int) -> None:
        """The client got this alert, and then the end."""
        self.assertEqual(client.received, alert(number))
        self.assertTrue(client.near_ended)
        client.end()
        self.assertTrue(client.closed)

    def test_split(self) -> None:
        """Connections by the weights of their policy's pools."""
        split = policy(
            "p",
            RuleType.SSL_CONN_SNI,
            "a.example",
            redirect_pool_id=None,
            redirect_pools=(
                WeightedPool(pool_id="pool", weight=3),
                WeightedPool(pool_id="other", weight=1),
            ),
        )
        world = self.passing(2, default=None)
        objects = world.objects(
            {"protocol": ListenerProtocol.HTTPS, "default_pool_id": None}, tcp=True
        )
        other = Pool(id="other", name="other", protocol=PoolProtocol.TCP)
        world.apply(*evolve(objects, "m1", pool_id="other"), other, *split)
        for _ in range(40):
            world.client(hello())
        self.assertLessEqual(abs(len(world.members[0].links) - 30), 2)
        self.assertEqual(sum(len(member.links) for member in world.members), 40)

    def test_failover(self) -> None:
        """Refused by all of the pool, the connection goes to the one that stands in."""
        policies = policy("p", RuleType.SSL_CONN_SNI, "a.example", failover_pool_id="other")
        world = self.passing(2, default=None)
        objects = world.objects(
            {"protocol": ListenerProtocol.HTTPS, "default_pool_id": None}, tcp=True
        )
        other = Pool(id="other", name="other", protocol=PoolProtocol.TCP)
        world.apply(*evolve(objects, "m1", pool_id="other"), other, *policies)
        world.members[0].does = REFUSED
        client = world.client(hello())
        self.assertEqual(world.members[1].link.received, hello())
        client.reset()
        entry = world.entries[-1]
        self.assertEqual((entry.pool, entry.member, entry.tries), ("other", "m1", 2))

    def test_relayed(self) -> None:
        """The member gets every octet from the first one on; the log has name and figures."""
        world = self.passing()
        data = hello(size=50)
        client = world.client(data[:70])
        client.send(data[70:] + b"early")
        member = world.members[0].link
        self.assertEqual(member.news(), data + b"early")
        member.send(b"server hello")
        client.send(b"more")
        self.assertEqual((member.news(), client.news()), (b"more", b"server hello"))
        client.end()
        member.end()
        (entry,) = world.entries
        self.assertEqual((entry.sni, entry.pool, entry.member), (b"a.example", "pool", "m0"))
        self.assertEqual((entry.sent, entry.received), (12, len(data) + 9))
        self.assertEqual((entry.reason, entry.policy), (None, ""))

    def test_policies(self) -> None:
        """Name, protocols and address decide; the log has the policy's name."""
        for kind, value, data in (
            (RuleType.SSL_CONN_SNI, "A.example", hello(b"a.EXAMPLE.")),
            (RuleType.SSL_ALPN, "h2", hello(b"b.example", b"http/1.1", b"h2")),
            (RuleType.SOURCE_IP, "192.0.2.0/24", hello(b"b.example")),
        ):
            world = self.passing(default=None, policies=policy("one", kind, value))
            client = world.client(data)
            self.assertEqual(world.members[0].link.received, data)
            client.reset()
            self.assertEqual(world.entries[0].policy, "one")

    def test_no_route(self) -> None:
        """A name that no policy takes, and no name at all, are not recognised."""
        world = self.passing(default=None, policies=policy("one", RuleType.SSL_CONN_SNI, "b"))
        for data in (hello(), records(message())):
            self.assert_alert(world.client(data), client_hello.UNRECOGNIZED_NAME)
        self.assertEqual(world.reasons, ["no_route", "no_route"])

    def test_rejected(self) -> None:
        """A policy may reject."""
        some = policy("no", RuleType.SOURCE_IP, "192.0.2.7", **REJECT)
        world = self.passing(policies=some)
        self.assert_alert(world.client(hello()), client_hello.ACCESS_DENIED)
        entry = world.entries[0]
        self.assertEqual((entry.reason, entry.policy, entry.sni), ("rejected", "no", b"a.example"))

    def test_rate_limited(self) -> None:
        """A client that connects too often is told so when its name is known."""
        limit = RateLimit(rate=Rate(1, "m"))
        world = self.passing(listener={"rate_limit": limit})
        self.assertFalse(world.client(hello()).ended)
        self.assert_alert(world.client(hello()), client_hello.ACCESS_DENIED)
        self.assertEqual(world.reasons, ["rate_limited"])

    def test_malformed(self) -> None:
        """What is no hello gets the alert that says so, and what is no TLS a reset."""
        world = self.passing()
        self.assert_alert(world.client(records(message(kind=2))), client_hello.UNEXPECTED_MESSAGE)
        self.assert_alert(world.client(records(message(body=b"x"))), client_hello.DECODE_ERROR)
        client = world.client(b"GET / HTTP/1.1\r\n\r\n")
        self.assertTrue(client.was_reset)
        self.assertEqual(world.reasons, ["bad_request"] * 3)
        self.assertEqual(world.members[0].links, [])

    def test_slow(self) -> None:
        """The hello has its time, however often a piece of it comes."""
        world = self.passing(listener={"timeouts": {"client_header": 2.0}})
        client = world.client(hello()[:5])
        world.advance(1.5)
        client.send(hello()[5:9])
        world.advance(1)
        self.assertTrue(client.was_reset)
        self.assertEqual(world.reasons, ["header_timeout"])

    def test_leaving(self) -> None:
        """A client that ends within its hello is logged, one that says nothing is not."""
        world = self.passing()
        world.client().end()
        world.client().reset()
        self.assertEqual(world.entries, [])
        world.client(hello()[:20]).end()
        world.client(hello()[:20]).reset()
        self.assertEqual(world.reasons, ["client_abort"] * 2)

    def test_next_member(self) -> None:
        """A member that refuses is replaced; the next one gets the whole hello."""
        world = self.passing(3)
        world.members[0].does = world.members[1].does = REFUSED
        client = world.client(hello())
        self.assertEqual(world.members[2].link.received, hello())
        client.reset()
        self.assertEqual(world.entries[0].tries, 3)

    def test_nobody(self) -> None:
        """When no member can be had the client is told that it is not its fault."""
        world = self.passing(pool={"retries": Retries(attempts=0)})
        world.members[0].does = REFUSED
        self.assert_alert(world.client(hello()), client_hello.INTERNAL_ERROR)
        world.plane.set_member_usable("m0", False)
        self.assert_alert(world.client(hello()), client_hello.INTERNAL_ERROR)
        self.assertEqual(world.reasons, ["connect_refused", "all_members_down"])

    def test_gone_meanwhile(self) -> None:
        """A client that goes while its member is being connected takes the attempt with it."""
        world = self.passing()
        world.members[0].does = "hang"
        client = world.client(hello())
        client.reset()
        self.assertTrue(world.members[0].link.closed)
        self.assertEqual(world.reasons, ["client_abort"])

    def test_denied(self) -> None:
        """Networks that may not connect."""
        world = self.passing(listener={"allowed_cidrs": ("198.51.100.0/24",)})
        self.assertTrue(world.client(hello()).was_reset)
        self.assertEqual(world.reasons, ["denied_address"])

    def test_half_closed(self) -> None:
        """A client that ends its output with its hello is relayed all the same."""
        world = self.passing()
        world.members[0].does = "hang"
        client = world.client(hello())
        client.end()
        member = world.members[0].link
        member.answer()
        self.assertEqual(member.received, hello())
        self.assertTrue(member.near_ended)
        member.end()
        self.assertEqual(world.reasons, [None])
