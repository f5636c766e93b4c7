"""Trees of objects, put into a draft: what of a list is found again, and what is new."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.planting import every, matched, with_monitor
from fiberlb.control.tree import Tree, structure_tree
from fiberlb.control.union import monitor_id
from fiberlb.model.fields import Loading
from fiberlb.model.health_monitor import HealthMonitor
from fiberlb.model.l7 import L7Rule
from fiberlb.model.pool import Member, Pool
from tests.control.stage import Stage, replace_all
from tests.model.documents import made
from tests.model.objects import ident

LISTENER: dict[str, Any] = {"name": "web", "port": 80, "protocol": "http"}
REJECT: dict[str, Any] = {"action": "reject", "rules": [{"path": "/x"}]}


class ReplaceAllTests(SynchronousTestCase):
    """PUT of a list."""

    def setUp(self) -> None:
        """One node with a pool of two."""
        self.stage = Stage(self)
        members = [{"name": "one", "address": "10.0.0.1", "port": 80}, "10.0.0.2:80"]
        self.stage.create("pools", {"name": "a", "members": members})
        self.before = {m.port: m.id for m in self.members()}

    def members(self) -> list[Member]:
        """In order of creation."""
        return list(self.stage.control.configuration.all(Member).values())

    def test_matched(self) -> None:
        """By name although the address changed, by address although the name is new."""
        one, two = self.members()
        body = [
            {"name": "one", "address": "10.0.0.9", "port": 80},
            {"name": "two", "address": "10.0.0.2", "port": 80},
            "10.0.0.3:80",
        ]
        self.stage.write(replace_all("members", "a", body))
        first, second, third = self.members()
        self.assertEqual((first.id, first.address), (one.id, "10.0.0.9"))
        self.assertEqual((second.id, second.name), (two.id, "two"))
        self.assertEqual(third.address, "10.0.0.3")

    def test_name_kept(self) -> None:
        """A member found by its address and sent without a name keeps its own."""
        self.stage.write(replace_all("members", "a", ["10.0.0.1:80 weight=3"]))
        [left] = self.members()
        self.assertEqual((left.name, left.weight), ("one", 3))

    def test_twice(self) -> None:
        """One existing object is matched once; a second one like it is new."""
        self.stage.write(replace_all("members", "a", ["10.0.0.2:80", "10.0.0.2:80"]))
        self.assertEqual(len({m.id for m in self.members()}), 2)

    def test_same(self) -> None:
        """The same list again changes nothing, for rules too, which have no names."""
        self.stage.create("listeners", {**LISTENER, "l7_policies": [{**REJECT, "name": "p"}]})
        rules = [{"path": "/x"}, {"path": "/y"}]
        self.stage.write(replace_all("l7_rules", "p", rules))
        before = list(self.stage.control.configuration.all(L7Rule))
        outcome = self.stage.write(replace_all("l7_rules", "p", list(reversed(rules))))
        self.assertEqual(outcome.changes, ())
        self.assertEqual(list(self.stage.control.configuration.all(L7Rule)), before)

    def test_problems(self) -> None:
        """Each element has its own pointer; what is no list is refused."""
        problems = self.stage.problems(replace_all("members", "a", ["x", "10.0.0.1:1", 7]))
        self.assertEqual([pointer for pointer, _ in problems], ["/0", "/2"])
        self.assertEqual(
            self.stage.problems(replace_all("members", "a", {})), [("", "must be a list")]
        )


class PartTests(SynchronousTestCase):
    """What else it is made of."""

    def test_monitor(self) -> None:
        """A pool's health monitor has an id that follows from the pool's."""
        pool = with_monitor(Pool(id="a"), HealthMonitor())
        assert pool.health_monitor is not None
        self.assertEqual(pool.health_monitor.id, monitor_id("a"))
        self.assertIsNone(with_monitor(pool, None).health_monitor)

    def test_every(self) -> None:
        """A list that is replaced loses what it lacks."""
        self.assertTrue(every(Pool(id="a")))


class MatchedTests(SynchronousTestCase):
    """Which object each document is about."""

    def test_sent_back(self) -> None:
        """Lists that come as they are, names and rules in them twice, match in their order."""
        random = Random(1)
        extra = made(L7Rule, id=ident(99), name="extra", rule_type="path", value="/extra")
        for _ in range(200):
            several = [
                {"name": random.choice(["", "a", "b"]), "path": random.choice(["/a", "/b"])}
                for _ in range(random.randrange(5))
            ]
            trees = structure_trees(several)
            existing = [
                made(L7Rule, id=ident(number), policy_id="p", **{**one, "rule_type": "path"})
                for number, one in enumerate(
                    {"name": one["name"], "value": one["path"]} for one in several
                )
            ]
            if random.random() < 0.5:
                random.shuffle(existing)
            self.assertEqual(matched(trees, existing), matched(trees, [*existing, extra]))


def structure_trees(several: list[dict[str, str]]) -> list[Tree]:
    """The trees of rules."""
    loading = Loading()
    trees = [t for one in several for t in structure_tree("l7_rules", one, (), loading, None)]
    assert not loading.problems
    return trees
