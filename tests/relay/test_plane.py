"""The data plane as a whole: what listens, who serves, and how both change."""

from __future__ import annotations

from typing import Any

import attrs

from fiberlb.errors import ConfigurationError
from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.listener import Listener, ListenerProtocol, TlsConfig
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Resource
from fiberlb.tls.contexts import ROTATION
from tests.support.certificates import leaf
from tests.support.relay_world import RelayTestCase, World, answer, ask, evolve, refusal


def listener(ident: str, port: int, **fields: Any) -> Listener:
    """Another listener."""
    made: dict[str, Any] = {"id": ident, "name": ident, "loadbalancer_id": "lb", "port": port}
    made |= {"protocol": ListenerProtocol.HTTP, "default_pool_id": "pool"}
    return Listener(**{**made, **fields})


def states(world: World) -> list[tuple[str, int, str]]:
    """What listens where."""
    return sorted((s.listener_id, s.port, s.state) for s in world.plane.listeners())


class ListenerTests(RelayTestCase):
    """What a listener lets in, and whom it believes."""

    def test_allowed(self) -> None:
        """Who may connect counts for the next connection, not for those that stand."""
        world = self.world()
        client, member = self.start(world)
        member.send(answer())
        world.apply(*world.objects({"allowed_cidrs": ("10.0.0.0/8",)}))
        self.assertEqual(world.client().received, refusal("denied_address"))
        client.send(ask())
        member.send(answer())
        self.assertEqual(client.received, answer() * 2)

    def test_trusted(self) -> None:
        """Whom to trust counts from the next activation on."""
        world = self.world()
        line = b"X-Forwarded-For: 192.0.2.9"
        world.client(ask(line))
        world.plane.trust(["192.0.2.7/32"])
        world.apply(*world.objects({"insert_headers": {"X-Forwarded-Port": False}}))
        world.client(ask(line))
        first, second = world.members[0].links
        self.assertIn(b"X-Forwarded-For: 192.0.2.7\r\n", first.received)
        self.assertIn(b"X-Forwarded-For: 192.0.2.9, 192.0.2.7\r\n", second.received)


class TlsTests(RelayTestCase):
    """Listeners with TLS, as far as their material goes."""

    def objects(self, world: World, *certificates: str) -> list[Resource]:
        """A listener that serves these certificates."""
        tls = TlsConfig(certificate_id=certificates)
        secure = {"protocol": ListenerProtocol.TERMINATED_HTTPS, "tls_config": tls}
        return [*evolve(world.objects(), "web", **secure)]

    def test_material(self) -> None:
        """It is used from its activation on, made anew only when it changes."""
        world = self.world()
        one, two = leaf("a.test").model("one"), leaf("a.test", serial=1).model("two")
        world.apply(*self.objects(world, "one"), one)
        slot = world.acceptors[0].slot
        self.assertIsNotNone(slot)
        table = slot.table
        world.apply(*evolve(self.objects(world, "one"), "m0", weight=2), one)
        self.assertIs(world.acceptors[0].slot, slot)
        self.assertIs(slot.table, table)
        world.apply(*self.objects(world, "two"), two)
        self.assertIs(world.acceptors[0].slot, slot)
        self.assertIsNot(slot.table, table)
        world.apply(*world.objects())
        self.assertIsNone(world.acceptors[0].slot)

    def test_rotated(self) -> None:
        """A process of its own replaces its ticket keys once a day."""
        world = self.world()
        world.apply(*self.objects(world, "one"), leaf("a.test").model("one"))
        slot = world.acceptors[0].slot
        base = slot.table.base
        world.plane._rotate()
        self.assertIsNot(slot.table.base, base)
        self.assertEqual(world.plane._rotation.interval, ROTATION)

    def test_bad_material(self) -> None:
        """What cannot be used refuses the change, and binds nothing."""
        world = self.world()
        bad = attrs.evolve(leaf("a.test").model("one"), private_key="PEM?")
        more = attrs.evolve(evolve(self.objects(world, "one"), "web", port=444)[1], id="more")
        snapshot = world.compile(*world.objects(), more, bad)
        coroutine = world.plane.prepare(snapshot)
        self.assertRaises(ConfigurationError, coroutine.send, None)
        self.assertEqual([bound.closed for bound in world.bound].count(False), 1)


class PoolTests(RelayTestCase):
    """Pools and members that come, change and go."""

    def test_state_survives(self) -> None:
        """Whose turn it is, who is down, and the figures survive a change of something else."""
        world = self.world(3)
        world.plane.set_member_usable("m1", False)
        for index in (0, 2, 0):
            client = world.client(ask())
            world.members[index].link.send(answer())
            self.assertEqual(client.received, answer())
            world.apply(*world.objects(), listener(f"more{index}", 90 + index))
        self.assertEqual(world.plane.member_figures("m0")["requests"], 2)
        self.assertEqual(world.plane.member_figures("m1")["requests"], 0)

    def test_backups(self) -> None:
        """Backups serve while nobody else can."""
        world = self.world(2)
        world.apply(*evolve(world.objects(), "m1", backup=True))
        for usable, index in ((True, 0), (False, 1), (True, 0)):
            world.plane.set_member_usable("m0", usable)
            for _ in range(2):
                world.client(ask())
                world.members[index].link.send(answer())
        self.assertEqual(world.reasons, [None] * 6)

    def test_weights(self) -> None:
        """In proportion; a weight of nothing takes nothing."""
        world = self.world(3)
        objects = evolve(evolve(world.objects(), "m0", weight=3), "m2", weight=0)
        world.apply(*objects)
        for _ in range(8):
            world.client(ask())
        counts = [world.plane.member_figures(m.name)["requests"] for m in world.members]
        self.assertEqual(counts, [6, 2, 0])

    def test_unknown(self) -> None:
        """Nobody minds a member that is not known."""
        world = self.world()
        world.plane.set_member_usable("nobody", False)
        self.assertEqual(world.plane.member_figures("nobody")["sessions"], 0)

    def test_routed(self) -> None:
        """Policies send requests to other pools, with their own timeouts."""
        policy = L7Policy(
            id="p",
            name="to-other",
            listener_id="web",
            action=PolicyAction.REDIRECT_TO_POOL,
            redirect_pool_id="other",
            timeouts=(("member_response", 7.0),),
        )
        rule = L7Rule(id="r", policy_id="p", rule_type=RuleType.PATH, value="/other")
        other = Pool(id="other", name="other")
        member = Member(id="m1", name="m1", pool_id="other", address="192.0.2.9", port=1)
        world = self.world(2)
        world.apply(*world.objects(members=["m0"]), policy, rule, other, member)
        client = world.client(ask(target=b"/other"))
        world.advance(7.5)
        self.assertEqual(client.news(), refusal("member_timeout", closes=False))
        client.send(ask(target=b"/"))
        world.members[0].link.send(answer())
        self.assertEqual(client.news(), answer())
        self.assertEqual(
            [(e.policy, e.pool, e.member) for e in world.entries],
            [("to-other", "other", "m1"), ("", "pool", "m0")],
        )
