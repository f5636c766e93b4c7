"""Tests of C{fiberlb.snapshot}."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.bounds import Limits, Timeouts
from fiberlb.model.certificate import Certificate
from fiberlb.model.configuration import COLLECTIONS, Configuration
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.l7 import CompareType, L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.listener import Listener, ListenerProtocol, TlsConfig
from fiberlb.model.load_balancer import LoadBalancer
from fiberlb.model.pool import Member, Pool, PoolProtocol
from fiberlb.model.resource import Resource
from fiberlb.snapshot import ListenerPlan, Snapshot, compile, compile_now
from tests.routing.made import request

LIMITS = Limits()


def configuration(*objects: Resource, revision: int = 1) -> Configuration:
    """These objects and a load balancer called C{lb}, unless they hold one."""
    found: dict[str, dict[str, Resource]] = {name: {} for name in COLLECTIONS}
    for made in (LoadBalancer(id="lb", vip_address="192.0.2.1"), *objects):
        found[made.COLLECTION][made.id] = made
    return Configuration(revision=revision, objects=found)


def snapshot(
    *objects: Resource,
    previous: Snapshot | None = None,
    limits: Limits = LIMITS,
    served: bool = True,
) -> Snapshot:
    """These objects, compiled in one go."""
    return compile_now(
        configuration(*objects),
        previous,
        limits=limits,
        clock=lambda: 0.0,
        report=lambda rule, why: None,
        served=served,
    )


def listener(ident: str = "web", port: int = 80, **fields: Any) -> Listener:
    """A plain listener."""
    made = {"id": ident, "name": ident, "loadbalancer_id": "lb", "port": port}
    return Listener(**{**made, "protocol": ListenerProtocol.HTTP, **fields})


def secure(*default: str, others: Iterable[str] | None = (), **fields: Any) -> Listener:
    """A listener with TLS and these certificates."""
    names = None if others is None else tuple(others)
    tls = TlsConfig(certificate_id=default, sni_certificate_ids=names, **fields)
    return listener(protocol=ListenerProtocol.HTTPS, tls_config=tls)


def certificate(ident: str, **fields: Any) -> Certificate:
    """A certificate; nothing here looks into it."""
    return Certificate(id=ident, name=ident, certificate="PEM", **fields)


def member(ident: str, pool: str = "pool", **fields: Any) -> Member:
    """A member of a pool."""
    return Member(id=ident, name=ident, pool_id=pool, address="192.0.2.9", port=80, **fields)


def policy(ident: str, on: str = "web", **fields: Any) -> L7Policy:
    """A policy that rejects."""
    given = {"listener_id": on, "action": PolicyAction.REJECT, **fields}
    return L7Policy(id=ident, name=ident, **given)


def rule(ident: str, of: str, value: str, **fields: Any) -> L7Rule:
    """A regular expression on the path."""
    given = {"rule_type": RuleType.PATH, "compare_type": CompareType.REGEX, **fields}
    return L7Rule(id=ident, policy_id=of, value=value, **given)


class PoolTests(SynchronousTestCase):
    """Plans of pools."""

    def test_members(self) -> None:
        """Enabled members in order of creation, those of weight 0 too."""
        members = [member("m2"), member("m1", weight=0), member("off", enabled=False)]
        made = snapshot(Pool(id="pool"), *members, member("x", "other"), Pool(id="other"))
        self.assertEqual([m.id for m in made.pools["pool"].members], ["m2", "m1"])
        self.assertEqual([m.id for m in made.pools["other"].members], ["x"])

    def test_disabled(self) -> None:
        """A disabled pool has a plan, which says so."""
        self.assertFalse(snapshot(Pool(id="p", enabled=False)).pools["p"].pool.enabled)

    def test_monitor(self) -> None:
        """A monitor's type follows the pool's protocol unless given; a disabled one is none."""
        http, tcp = PoolProtocol.HTTP, PoolProtocol.TCP
        for protocol, monitor, wanted in (
            (http, HealthMonitor(), MonitorType.HTTP),
            (tcp, HealthMonitor(), MonitorType.TCP),
            (http, HealthMonitor(type=MonitorType.TCP), MonitorType.TCP),
            (http, HealthMonitor(enabled=False), None),
            (http, None, None),
        ):
            plan = snapshot(Pool(id="p", protocol=protocol, health_monitor=monitor)).pools["p"]
            self.assertEqual(plan.monitor and plan.monitor.type, wanted)


class ListenerTests(SynchronousTestCase):
    """Plans of listeners."""

    def test_addresses(self) -> None:
        """Those of the load balancer, or the listener's own."""
        balancer = LoadBalancer(
            id="lb", vip_address="192.0.2.1", additional_vips=("::1",), freebind=True
        )
        made = snapshot(balancer, listener(), listener("own", 81, address=("192.0.2.7",)))
        plans = made.listeners
        self.assertEqual(plans["web"].addresses, (("192.0.2.1", 80), ("::1", 80)))
        self.assertEqual(plans["own"].addresses, (("192.0.2.7", 81),))
        self.assertTrue(plans["web"].freebind)

    def test_disabled(self) -> None:
        """Neither a disabled listener nor one of a disabled load balancer listens."""
        off = LoadBalancer(id="off", enabled=False)
        made = snapshot(off, listener("a", enabled=False), listener("b", 81, loadbalancer_id="off"))
        self.assertEqual(made.listeners, {})

    def test_bounds(self) -> None:
        """Its own timeouts and limits over those of the process and the defaults."""
        made = snapshot(
            listener(timeouts=(("tunnel", None),), limits=(("uri", 100),)),
            limits=Limits(uri=200, head=300),
        )
        plan = made.listeners["web"]
        self.assertEqual(plan.timeouts, Timeouts(tunnel=None))
        self.assertEqual(plan.limits, Limits(uri=100, head=300))

    def test_routes(self) -> None:
        """Policies come with their rules and decide."""
        made = snapshot(listener(), policy("p"), rule("r", "p", "^/a"), policy("q", enabled=False))
        routes = made.listeners["web"].routes
        self.assertEqual(routes.decide(request(b"/a")).policy_id, "p")
        self.assertEqual(routes.decide(request(b"/b")).reason, "no_route")

    def test_positions(self) -> None:
        """Policies without a position are ordered by when they were made."""
        objects = [policy("a", position=50), policy("b"), policy("c", position=55)]
        rules = [rule(f"r{name}", name, "/") for name in "abc"]
        made = snapshot(listener(), *objects, *rules)
        steps = made.listeners["web"].routes.trace(request(b"/"))
        self.assertEqual([step[0] for step in steps], ["a"])
        made = snapshot(listener(), *objects[1:], *rules[1:])
        steps = made.listeners["web"].routes.trace(request(b"/"))
        self.assertEqual([step[0] for step in steps], ["b"])


class ReuseTests(SynchronousTestCase):
    """What did not change is the same object as before."""

    def objects(self) -> list[Resource]:
        """New objects that say the same each time, as after reading a file again."""
        return [
            Pool(id="pool", health_monitor=HealthMonitor()),
            member("m"),
            Pool(id="second"),
            certificate("a"),
            secure("a", others=None),
            listener("plain", 81),
            policy("p", "plain"),
            rule("r", "p", "[0-9]"),
            listener("off", 82, enabled=False),
        ]

    def kept(self, change: list[Resource]) -> list[str]:
        """Which plans are the previous ones when objects are replaced or added."""
        before = snapshot(*self.objects())
        after = snapshot(*self.objects(), *change, previous=before)
        plans = {**before.pools, **before.listeners}
        found: dict[str, Any] = {**after.pools, **after.listeners}
        return sorted(ident for ident in plans if found.get(ident) is plans[ident])

    ALL = ["plain", "pool", "second", "web"]

    def test_nothing(self) -> None:
        """Everything is kept when nothing changed."""
        self.assertEqual(self.kept([]), self.ALL)

    def test_very_same(self) -> None:
        """The same with the very same policies and rules, and when they are the same but others."""
        objects = self.objects()
        before = snapshot(*objects)
        for change, kept in (
            ([], True),
            ([Pool(id="second", name="x")], True),
            ([policy("p", "plain", position=3)], False),
            ([rule("r", "p", "[1-9]")], False),
            ([listener("plain", 83)], False),
        ):
            after = snapshot(*objects, *change, previous=before)
            same = after.listeners["plain"] is before.listeners["plain"]
            self.assertEqual(same, kept, change)

    def test_changes(self) -> None:
        """A change reaches the plans that it concerns, and no other."""
        for change, concerned in (
            (member("m", weight=2), "pool"),
            (member("n"), "pool"),
            (Pool(id="second", name="x"), "second"),
            (certificate("a", enabled=True, description="x"), "web"),
            (certificate("b"), "web"),
            (policy("p", "plain", position=3), "plain"),
            (rule("r", "p", "[1-9]"), "plain"),
            (rule("s", "p", "[1-9]"), "plain"),
            (policy("q", "plain"), "plain"),
            (listener("plain", 83), "plain"),
        ):
            wanted = [ident for ident in self.ALL if ident != concerned]
            self.assertEqual(self.kept([change]), wanted, change)

    def test_load_balancer(self) -> None:
        """Its addresses concern every listener on it."""
        self.assertEqual(self.kept([LoadBalancer(id="lb")]), ["pool", "second"])

    def test_limits(self) -> None:
        """Other limits of the process change the plan; its routes stay."""
        before = snapshot(*self.objects())
        after = snapshot(*self.objects(), previous=before, limits=Limits(uri=99))
        plan: ListenerPlan = after.listeners["plain"]
        self.assertEqual(plan.limits.uri, 99)
        self.assertIs(plan.routes, before.listeners["plain"].routes)

    def test_enabled(self) -> None:
        """What was switched off is compiled when it is switched on."""
        before = snapshot(*self.objects())
        after = snapshot(*self.objects(), listener("off", 82), previous=before)
        self.assertEqual(after.listeners["off"].listener.port, 82)

    def test_served(self) -> None:
        """What was compiled only to be looked at does not serve; the reverse is all right."""
        looked_at = snapshot(*self.objects(), served=False)
        self.assertFalse(looked_at.listeners["plain"].routes.served)
        serving = snapshot(*self.objects(), previous=looked_at)
        self.assertTrue(serving.listeners["plain"].routes.served)
        again = snapshot(*self.objects(), previous=serving, served=False)
        self.assertIs(again.listeners["plain"], serving.listeners["plain"])

    def test_removed(self) -> None:
        """What is gone has no plan."""
        after = snapshot(previous=snapshot(*self.objects()))
        self.assertEqual((after.listeners, after.pools), ({}, {}))


class StepTests(SynchronousTestCase):
    """Compiling in steps."""

    def steps(self, *objects: Resource, previous: Snapshot | None = None) -> list[Snapshot | None]:
        """What compiling yields."""
        made = configuration(*objects, revision=7)
        found = compile(
            made, previous, limits=LIMITS, clock=lambda: 0.0, report=lambda rule, why: None
        )
        return list(found)

    def test_last(self) -> None:
        """The snapshot comes last and knows its revision and its configuration."""
        *before, last = self.steps(listener(), Pool(id="p"))
        assert last is not None
        self.assertEqual(set(before), {None})
        self.assertEqual((last.revision, last.configuration.revision), (7, 7))

    def test_small(self) -> None:
        """There is a step for each policy, also where it only compares."""
        objects, equal = ([policy(f"p{i}", position=i) for i in range(50)] for _ in "12")
        steps = self.steps(listener(), *objects)
        self.assertGreater(len(steps), 50)
        self.assertGreater(len(self.steps(listener(), *equal, previous=steps[-1])), 50)

    def test_problems(self) -> None:
        """Everything wrong is told at once, of disabled objects too, each at its field."""
        why = self.assertRaises(
            ConfigurationError,
            snapshot,
            listener(),
            policy("p"),
            rule("r1", "p", "("),
            policy("q", redirect_url="x:", action=PolicyAction.REDIRECT_TO_URL, enabled=False),
            listener("off", 81, enabled=False),
            policy("z", "off"),
            rule("r2", "z", "[", enabled=False),
        )
        wanted = [
            ("l7_rules", "r1", "value"),
            ("l7_policies", "q", "redirect_url"),
            ("l7_rules", "r2", "value"),
        ]
        self.assertEqual([problem.path for problem in why.problems], wanted)

    def test_no_secrets(self) -> None:
        """Showing a snapshot shows no key."""
        key = certificate("a", private_key="SECRET", passphrase="HIDDEN")
        shown = repr(snapshot(secure("a"), key))
        self.assertNotIn("SECRET", shown)
        self.assertNotIn("HIDDEN", shown)

    def test_frozen(self) -> None:
        """A snapshot cannot be changed."""
        made = snapshot()
        self.assertRaises(attrs.exceptions.FrozenInstanceError, setattr, made, "revision", 2)
