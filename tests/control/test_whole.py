"""The whole store layer as one document."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.operations import Condition, Op, Operation, Origin, Outcome
from fiberlb.control.refusals import Ambiguous, InUse, OwnedByFile, Stale
from fiberlb.errors import ConfigurationError
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Owner, Resource, file_id
from tests.control.stage import Stage, delete, patch
from tests.support.certificates import leaf

FILE = """
pools: [{name: filed}]
listeners: [{name: front, port: 81, protocol: http}]
"""
APPLY = Origin("ann", "test", "", Owner.APPLY)
LISTENER = {"name": "l", "port": 80, "protocol": "http"}


class WholeCase(SynchronousTestCase):
    """One node with a file."""

    OP = Op.CONFIG
    ORIGIN = Origin("ann", "test")

    def setUp(self) -> None:
        """The node."""
        self.stage = Stage(self, FILE)

    def whole(self, document: Any, **more: Any) -> Operation:
        """The operation."""
        return Operation(op=self.OP, body=document, **more)

    def put(self, **document: Any) -> Outcome:
        """Have it be this, which must succeed."""
        operations = [self.whole(document)]
        return self.stage.result(self.stage.control.write(operations, self.ORIGIN))

    def refusal(self, cls: type[Exception], **document: Any) -> Any:
        """Why it is refused."""
        operations = [self.whole(document)]
        done = self.stage.control.write(operations, self.ORIGIN)
        return self.failureResultOf(done, cls).value

    def names(self, cls: type[Resource]) -> list[str]:
        """The stored objects of a class."""
        records = self.stage.control.state.layer.records[cls.COLLECTION]
        return [record.made.name for record in records.values()]

    def ops(self, outcome: Outcome) -> list[tuple[str, str]]:
        """What happened to what."""
        return [(change.op, change.name) for change in outcome.changes]


class ConfigTests(WholeCase):
    """It is all there is."""

    def test_large(self) -> None:
        """Of many policies those that are sent as they were stay, rules and all."""
        policies: list[dict[str, Any]] = [
            {
                "name": f"p{n}",
                "action": "redirect_to_pool",
                "redirect_pool_id": f"pool-{n % 3}",
                "rules": [{"rule_type": "HOST_NAME", "value": f"{n}.example"}] * (n % 3),
            }
            for n in range(100)
        ]

        def sent() -> Outcome:
            listener = {**LISTENER, "l7_policies": policies}
            return self.put(pools=[{"name": f"pool-{n}"} for n in range(3)], listeners=[listener])

        def ids() -> dict[str, tuple[str, list[str]]]:
            configuration = self.stage.control.configuration
            return {
                made.name: (made.id, [rule.id for rule in configuration.children(L7Rule, made.id)])
                for made in configuration.all(L7Policy).values()
            }

        self.assertEqual(len(sent().changes), 3 + 1 + 100 + 99)
        before = ids()
        self.assertEqual(sent().changes, ())
        policies[7]["action"], policies[7]["redirect_pool_id"] = "reject", None
        policies[8]["rules"] = [{"rule_type": "HOST_NAME", "value": "8.example"}, {"path": "/"}]
        del policies[50]
        policies.append({"action": "reject", "rules": [{"path": "/last"}]})
        outcome = self.ops(sent())
        self.assertIn(("update", "p7"), outcome)
        self.assertIn(("delete", "p50"), outcome)
        self.assertIn(("create", "policy-1000"), outcome)
        after = ids()
        self.assertEqual(after.keys() ^ before.keys(), {"p50", "policy-1000"})
        same = [name for name in before if name in after and after[name] == before[name]]
        self.assertEqual(len(same), 98)
        self.assertEqual(after["p8"][0], before["p8"][0])
        self.assertEqual(after["p8"][1][0], before["p8"][1][0])

    def test_replaced(self) -> None:
        """What is found again keeps its id; what is missing goes; what is new comes."""
        self.put(pools=[{"name": "a", "members": ["127.0.0.1:1"]}, {"name": "b"}])
        ident = self.stage.find("pools", "a").id
        member = self.stage.find("members", "127.0.0.1:1").id
        outcome = self.put(
            pools=[{"name": "a", "members": ["127.0.0.1:1 weight=3", "127.0.0.1:2"]}, {"name": "c"}]
        )
        self.assertEqual(
            self.ops(outcome),
            [
                ("create", "c"),
                ("update", "127.0.0.1:1"),
                ("create", "127.0.0.1:2"),
                ("delete", "b"),
            ],
        )
        self.assertEqual(self.stage.find("pools", "a").id, ident)
        self.assertEqual(self.stage.find("members", "127.0.0.1:1").id, member)

    def test_defaults(self) -> None:
        """Fields that are left out take their defaults."""
        self.put(pools=[{"name": "a", "description": "x"}])
        self.assertEqual(self.ops(self.put(pools=[{"name": "a"}])), [("update", "a")])
        self.assertEqual(self.stage.find("pools", "a").description, "")

    def test_by_id(self) -> None:
        """An id wins, so that a name can change; names may be borne by several."""
        self.put(pools=[{"name": "a"}])
        ident = self.stage.find("pools", "a").id
        self.put(pools=[{"id": ident, "name": "b"}, {"name": "b"}])
        self.assertEqual(self.names(Pool), ["b", "b"])
        self.assertEqual(self.stage.control.configuration.all(Pool)[ident].name, "b")
        self.refusal(Ambiguous, pools=[{"name": "b"}])

    def test_lists_left(self) -> None:
        """A list of children that is not given stays; an empty one empties."""
        self.put(pools=[{"name": "a", "members": ["127.0.0.1:1"]}])
        self.put(pools=[{"name": "a"}])
        self.assertEqual(self.names(Member), ["127.0.0.1:1"])
        self.put(pools=[{"name": "a", "members": []}])
        self.assertEqual(self.names(Member), [])

    def test_flat_children(self) -> None:
        """Children of the file's objects stand at the top; given, that list is complete."""
        policy = {"listener_id": "front", "name": "p", "action": "reject"}
        self.put(l7_policies=[policy, {**policy, "name": "q"}])
        positions = [p.position for p in self.stage.control.configuration.all(L7Policy).values()]
        self.assertEqual(positions, [10, 20])
        self.assertEqual(self.put(l7_policies=[policy, {**policy, "name": "q"}]).changes, ())
        self.assertEqual(self.put(pools=[]).changes, ())
        self.assertEqual(self.ops(self.put(l7_policies=[policy])), [("delete", "q")])
        self.put(l7_policies=[])
        self.assertEqual(self.names(L7Policy), [])

    def test_references(self) -> None:
        """Names lead to what comes with it, and to the file's objects."""
        self.put(
            pools=[{"name": "a"}],
            listeners=[{**LISTENER, "default_pool_id": "a", "l7_policies": [
                {"redirect_pool_id": "filed", "rules": [{"path": "/x"}]}
            ]}],
        )  # fmt: skip
        listener = self.stage.find("listeners", "l")
        self.assertEqual(listener.default_pool_id, self.stage.find("pools", "a").id)

    def test_in_use(self) -> None:
        """What the file needs cannot be left out."""
        self.put(pools=[{"name": "a"}])
        self.stage.reload("listeners: [{name: f, port: 81, protocol: http, default_pool_id: a}]")
        why = self.refusal(InUse, pools=[])
        self.assertEqual([one.name for one in why.used_by], ["f"])

    def test_key_kept(self) -> None:
        """The mark of a stored key keeps it; that of another one is refused."""
        one = leaf("a.test")
        self.put(certificates=[{"name": "c", "certificate": one.pem, "private_key": one.key_pem()}])
        made = self.stage.find("certificates", "c")
        mark = self.stage.control.certificates.mark(made)
        document = {"name": "c", "certificate": one.pem, "private_key": mark}
        self.assertEqual(self.put(certificates=[document]).changes, ())
        document["private_key"] = "stored:sha256:0000"
        why = self.refusal(ConfigurationError, certificates=[document])
        self.assertEqual(why.problems[0].pointer, "/certificates/0/private_key")

    def test_refused(self) -> None:
        """What is wrong, each at its place."""
        why = self.refusal(
            ConfigurationError,
            version="2",
            workers=3,
            pols=[],
            members={},
            pools=[{"name": "a", "algoritm": "x"}, 7],
            **{"x-mine": 1},
        )
        self.assertEqual(
            [(p.pointer, p.suggestion) for p in why.problems],
            [
                ("/version", None),
                ("/workers", None),
                ("/pols", "pools"),
                ("/pools/0/algoritm", "algorithm"),
                ("/pools/1", None),
                ("/members", None),
            ],
        )
        done = self.stage.control.write([self.whole([])], self.ORIGIN)
        self.failureResultOf(done, ConfigurationError)

    def test_condition(self) -> None:
        """Only if it is as it was seen."""
        operation = self.whole({}, condition=Condition(match=("7",)))
        self.failureResultOf(self.stage.control.write([operation], self.ORIGIN), Stale)

    def test_file(self) -> None:
        """Objects of the file are the file's."""
        self.refusal(OwnedByFile, pools=[{"name": "filed"}])

    def test_default_load_balancer(self) -> None:
        """The one that is there by itself may be named, and stays it."""
        self.assertEqual(self.put(load_balancers=[{"name": "default"}]).changes, ())


class ApplyTests(WholeCase):
    """What C{fiberlb apply} made is its own, and nothing else."""

    OP = Op.APPLY
    ORIGIN = APPLY

    def owner(self, collection: str, name: str) -> Owner:
        """Whose an object is."""
        return self.stage.control.configuration.owner(self.stage.find(collection, name).id)

    def test_prunes_its_own(self) -> None:
        """What others made stays, among its children too."""
        self.stage.create("pools", {"name": "other"})
        self.put(pools=[{"name": "a", "members": ["127.0.0.1:1"]}, {"name": "b"}])
        self.stage.create("members", {"address": "::1", "port": 2, "pool_id": "a"})
        outcome = self.put(pools=[{"name": "a", "members": []}])
        self.assertEqual(self.ops(outcome), [("delete", "b"), ("delete", "127.0.0.1:1")])
        self.assertEqual(self.names(Pool), ["other", "a"])
        self.assertEqual(self.names(Member), ["[::1]:2"])
        self.assertEqual(self.owner("pools", "a"), Owner.APPLY)
        self.assertEqual(self.owner("pools", "other"), Owner.API)

    def test_list_left(self) -> None:
        """A list that is no longer given is left to the API, with what is in it."""
        self.put(pools=[{"name": "a", "members": ["127.0.0.1:1"]}])
        self.assertEqual(self.put(pools=[{"name": "a"}]).changes, ())

    def test_adopted(self) -> None:
        """What it names becomes its own, seen as a change; then it is pruned."""
        self.stage.create("pools", {"name": "a"})
        self.assertEqual(self.ops(self.put(pools=[{"name": "a"}])), [("update", "a")])
        self.assertEqual(self.owner("pools", "a"), Owner.APPLY)
        self.assertEqual(self.put(pools=[{"name": "a"}]).changes, ())
        self.assertEqual(self.ops(self.put()), [("delete", "a")])

    def test_drift(self) -> None:
        """What somebody changed meanwhile is set right, and stays its own."""
        self.put(pools=[{"name": "a"}])
        self.stage.write(patch("pools", "a", {"description": "by hand"}))
        self.assertEqual(self.owner("pools", "a"), Owner.APPLY)
        self.assertEqual(self.ops(self.put(pools=[{"name": "a"}])), [("update", "a")])

    def test_ids(self) -> None:
        """Ids follow from names, so that what comes back is what it was."""
        self.put(pools=[{"name": "a", "members": ["127.0.0.1:1"]}])
        pool = file_id("pools", "", "a")
        self.assertEqual(self.stage.find("pools", "a").id, pool)
        member = file_id("members", pool, "127.0.0.1:1")
        self.assertEqual(self.stage.find("members", "127.0.0.1:1").id, member)
        self.stage.write(patch("pools", "a", {"name": "b"}))
        self.put(pools=[{"name": "a"}])
        self.assertNotEqual(self.stage.find("pools", "a").id, pool)

    def test_in_use(self) -> None:
        """What others need by now is not pruned; the refusal says who."""
        self.put(pools=[{"name": "a"}])
        self.stage.create("listeners", {**LISTENER, "default_pool_id": "a"})
        self.assertEqual([m.name for m in self.refusal(InUse).used_by], ["l"])
        self.stage.write(delete("listeners", "l"))
        self.put()
        self.assertEqual(self.names(Listener), [])

    def test_load_balancer(self) -> None:
        """The default one becomes its own when it is named."""
        outcome = self.put(load_balancers=[{"name": "default"}], listeners=[LISTENER])
        self.assertEqual(self.ops(outcome), [("create", "default"), ("create", "l")])
        self.assertEqual(self.ops(self.put(listeners=[LISTENER])), [("delete", "default")])
