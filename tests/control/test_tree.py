"""One object of a document with those nested in it, from files and from API bodies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.tree import Tree, flattened, identified, numbered, structure_tree
from fiberlb.control.tree_memo import TreeMemo
from fiberlb.model.fields import Loading
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool

IDENT = "0A0A0A0A-0000-4000-8000-000000000001"


def trees(collection: str, value: Any, parent: str | None = "") -> tuple[list[Tree], list[str]]:
    """What is read at C{root}, and what is refused."""
    loading = Loading()
    found = structure_tree(collection, value, ("root",), loading, parent)
    return found, [str(problem) for problem in loading.problems]


def tree(collection: str, value: Any, parent: str | None = "") -> Tree:
    """The one object of a document that is in order."""
    found, problems = trees(collection, value, parent)
    assert problems == [], problems
    (one,) = found
    return one


def counter() -> Any:
    """Makes ids that tell what they were made for."""
    numbers: Iterator[int] = iter(range(1, 1000))
    return lambda collection, parent, name: f"{collection}-{next(numbers)}"


def policy(number: int) -> dict[str, Any]:
    """One of many."""
    rules = [{"rule_type": "HOST_NAME", "value": f"{number}.example"}]
    action = {"action": "redirect_to_pool", "redirect_pool_id": f"pool-{number % 7}"}
    return {"name": f"policy-{number}", **action, "rules": rules}


class StructureTests(SynchronousTestCase):
    """Reading."""

    def test_nested(self) -> None:
        """Children are read with their paths, in order of appearance."""
        rules = [{"path": "/a"}, {"header": "X"}]
        policy = {"name": "p", "action": "reject", "rules": rules}
        found = tree(
            "listeners", {"name": "l", "port": 80, "protocol": "http", "l7_policies": [policy]}
        )
        self.assertIsInstance(found.made, Listener)
        self.assertEqual(found.given, frozenset({"l7_policies"}))
        (inner,) = found.children
        self.assertIsInstance(inner.made, L7Policy)
        self.assertEqual(inner.path, ("root", "l7_policies", 0))
        self.assertEqual((inner.parent, inner.given), ("", frozenset({"l7_rules"})))
        self.assertEqual(
            [(type(t.made), t.path[-2:]) for t in inner.children],
            [(L7Rule, ("rules", 0)), (L7Rule, ("rules", 1))],
        )

    def test_lists_given(self) -> None:
        """A child list counts as given when it is there, empty or not."""
        self.assertEqual(tree("pools", {"name": "a"}).given, frozenset())
        self.assertEqual(tree("pools", {"name": "a", "members": []}).given, {"members"})

    def test_null_list(self) -> None:
        """Nothing in place of a list is refused: it could mean empty or left alone."""
        values: tuple[Any, ...] = (None, {}, "x")
        for value in values:
            found, problems = trees("pools", {"name": "a", "members": value})
            self.assertEqual(len(found), 1)
            self.assertEqual(
                problems, ["root.members: must be a list; leave the key out to leave it alone"]
            )

    def test_all_problems(self) -> None:
        """Problems of parents and children are told together, each at its path."""
        _, problems = trees(
            "pools",
            {"name": "a", "protocoll": "http", "members": ["10.0.0.1:80", "x", {"address": "1"}]},
        )
        self.assertEqual(
            [problem.split(": ")[0] for problem in problems],
            [
                "root.protocoll",
                "root.members[1]",
                "root.members[2].address",
                "root.members[2].port",
            ],
        )

    def test_parent_given(self) -> None:
        """A path that names the parent binds the object to it."""
        found = tree("members", {"address": "10.0.0.1", "port": 80}, "pool-7")
        assert isinstance(found.made, Member)
        self.assertEqual((found.made.pool_id, found.parent), ("pool-7", "pool-7"))

    def test_parent_said_twice(self) -> None:
        """A nested object that names another parent is refused, the same one is not."""
        member = {"address": "10.0.0.1", "port": 80, "pool_id": "a"}
        self.assertEqual(tree("members", member, "a").parent, "a")
        for parent in ("b", None):
            found, problems = trees("members", member, parent)
            self.assertEqual(found, [])
            self.assertEqual(
                problems,
                ["root.pool_id: is said by the place where this stands; leave it out"],
            )

    def test_parent_missing(self) -> None:
        """An object of its own has to name its parent."""
        _, problems = trees("l7_policies", {"action": "reject"})
        self.assertEqual(problems, ["root.listener_id: is needed"])

    def test_listener_ids(self) -> None:
        """Several listeners get one policy each, with rules of their own."""
        found, problems = trees(
            "l7_policies",
            {"listener_ids": ["a", "b"], "action": "reject", "rules": [{"path": "/"}]},
        )
        self.assertEqual(problems, [])
        self.assertEqual([t.parent for t in found], ["a", "b"])
        self.assertEqual([t.parent_path for t in found][1], ("root", "listener_ids", 1))
        self.assertEqual([len(t.children) for t in found], [1, 1])

    def test_listener_ids_refused(self) -> None:
        """Listeners are named once, in one way, and an id is for one object."""
        for value, message in (
            ({"listener_ids": ["a"], "listener_id": "a"}, "exclude each other"),
            ({"listener_ids": []}, "must be a list of names or ids"),
            ({"listener_ids": "a"}, "must be a list of names or ids"),
            ({"listener_ids": [{}]}, "must be a list of names or ids"),
            ({"listener_ids": ["a", "a"]}, "names a listener twice"),
            ({"listener_ids": ["a", "b"], "id": IDENT}, "does not go with several listeners"),
        ):
            found, problems = trees("l7_policies", {"action": "reject", **value})
            self.assertEqual(found, [])
            self.assertEqual(len(problems), 1, problems)
            self.assertIn(message, problems[0])

    def test_listener_ids_nested(self) -> None:
        """In a listener the key means nothing."""
        _, problems = trees("l7_policies", {"action": "reject", "listener_ids": ["a"]}, None)
        self.assertEqual(len(problems), 1)
        self.assertIn("unknown key 'listener_ids'", problems[0])


class ManyTests(SynchronousTestCase):
    """Many children of one object are read together, to what each is by itself."""

    def compare(self, policies: list[Any]) -> list[str]:
        """The problems, the same as of reading one by one; so are the trees."""
        document = {"name": "web", "port": 80, "protocol": "http", "l7_policies": policies}
        together, alone = Loading(), Loading()
        alone.memo = TreeMemo()  # what is remembered is read by itself
        found = structure_tree("listeners", document, ("root",), together)
        self.assertEqual(found, structure_tree("listeners", document, ("root",), alone))
        self.assertEqual(together.problems, alone.problems)
        if not together.problems:
            self.assertEqual(len(found[0].children), len(policies))
        return [str(problem) for problem in together.problems]

    def test_in_order(self) -> None:
        """With lists of rules of any length, or none."""
        policies = [policy(n) for n in range(100)]
        self.assertEqual(self.compare(policies), [])
        for n, rules in enumerate(([], [{"path": "/"}] * 3, [{"any": [{"path": "/"}]}])):
            policies[10 * n]["rules"] = rules
        del policies[50]["rules"]
        self.assertEqual(self.compare(policies), [])

    def test_odd_ones(self) -> None:
        """What is wrong with some of them is told in their order, each where it stands."""
        policies: list[Any] = [policy(n) for n in range(100)]
        policies[3]["action"] = "rejekt"
        policies[20]["rules"] += [{"path": "/", "nonsense": 1}, 5]
        policies[30]["rules"] = "all"
        policies[31]["rules"] = None
        policies[40]["listener_id"] = "other"
        policies[50]["rules"][0]["policy_id"] = "other"
        policies[60] = None
        found = self.compare(policies)
        where = [problem.split("l7_policies[")[1].split("]")[0] for problem in found]
        self.assertEqual(where, ["3", "20", "20", "30", "31", "40", "50", "60"])


class NumberTests(SynchronousTestCase):
    """Positions."""

    def positions(self, given: list[int | None], taken: list[int]) -> list[int | None]:
        """Positions of policies that have these, after some that the listener has."""
        policies = [
            tree("l7_policies", {"action": "reject", "position": position}, "l")
            for position in given
        ]
        done = [each.made for each in numbered(policies, taken)]
        return [made.position for made in done if isinstance(made, L7Policy)]

    def test_positions(self) -> None:
        """A policy without a position comes ten after the last one before it."""
        cases: tuple[tuple[list[int | None], list[int], list[int]], ...] = (
            ([None, None, None], [], [10, 20, 30]),
            ([None, 5, None], [], [10, 5, 20]),
            ([100, None, 7, None], [], [100, 110, 7, 120]),
            ([None], [30, 10], [40]),
            ([0, None], [], [0, 10]),
            ([], [5], []),
        )
        for given, taken, wanted in cases:
            self.assertEqual(self.positions(given, taken), wanted)


class IdentityTests(SynchronousTestCase):
    """Ids."""

    def test_bound(self) -> None:
        """Children are bound to their parents, all the way down."""
        policy = {"action": "reject", "rules": [{"path": "/"}]}
        found = tree("listeners", {"port": 80, "protocol": "http", "l7_policies": [policy, policy]})
        done = list(flattened(identified(found, counter())))
        self.assertEqual(
            [(t.made.id, t.parent) for t in done],
            [
                ("listeners-1", ""),
                ("l7_policies-2", "listeners-1"),
                ("l7_rules-3", "l7_policies-2"),
                ("l7_policies-4", "listeners-1"),
                ("l7_rules-5", "l7_policies-4"),
            ],
        )
        positions = [t.made.position for t in done if isinstance(t.made, L7Policy)]
        self.assertEqual(positions, [10, 20])

    def test_given(self) -> None:
        """An id that is given is kept, in lower case."""
        found = identified(tree("pools", {"name": "a", "id": IDENT}), counter())
        self.assertEqual(found.made.id, IDENT.lower())

    def test_parent(self) -> None:
        """A flat object keeps its parent, or gets the one that is known."""
        found = tree("l7_policies", {"action": "reject", "listener_id": "web"})
        self.assertEqual(identified(found, counter()).parent, "web")
        self.assertEqual(identified(found, counter(), "l-1").parent, "l-1")

    def test_monitor(self) -> None:
        """A health monitor's id follows from its pool's, whatever its name."""

        def monitor(**fields: Any) -> str:
            pool = {"name": "a", "id": IDENT, "health_monitor": {"type": "tcp", **fields}}
            made = identified(tree("pools", pool), counter()).made
            assert isinstance(made, Pool) and made.health_monitor is not None
            return made.health_monitor.id

        self.assertRegex(monitor(), "^[0-9a-f]{8}-")
        self.assertEqual(monitor(), monitor(name="x"))
        self.assertEqual(monitor(id=IDENT), IDENT)
