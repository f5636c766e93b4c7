"""All objects of a revision: finding and resolving."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.configuration import (
    DEFAULT_LOAD_BALANCER,
    Configuration,
    addresses,
    find,
    referrers,
    resolve,
)
from fiberlb.model.fields import MOST_SUGGESTIONS
from fiberlb.model.l7 import L7Policy, L7Rule
from fiberlb.model.listener import Listener
from fiberlb.model.pool import Member, Pool
from fiberlb.model.resource import Owner
from tests.model.documents import made
from tests.model.objects import configuration, ident, listener, policy, pool


class ConfigurationTests(SynchronousTestCase):
    """Looking things up."""

    def test_children(self) -> None:
        """Children in order of creation, policies in order of position."""
        web = listener(1)
        policies = [
            policy(2, web.id, position=20),
            policy(3, web.id, position=10),
            policy(4, web.id, position=20),
            policy(5, ident(9), position=1),
        ]
        found = configuration(web, *policies)
        self.assertEqual([p.name for p in found.children(L7Policy, web.id)], ["y2", "y3", "y4"])
        self.assertEqual([p.name for p in found.policies(web.id)], ["y3", "y2", "y4"])
        self.assertEqual(found.children(L7Rule, ident(2)), [])
        self.assertEqual(found.children(Member, "nope"), [])

    def test_shared(self) -> None:
        """What is the same, object for object, need not be gone through again."""
        pools = {n: Pool(id=n) for n in "ab"}
        members = {n: Member(id=n, address="::1", port=1, pool_id="a") for n in "xy"}
        before = Configuration(1, {"pools": pools, "members": members})
        index = before.by_parent(Member)
        again = Configuration(2, {"pools": {}, "members": dict(members)})
        again.share(before)
        self.assertIs(again.by_parent(Member), index)
        other = dict(reversed(members.items()))
        for changed in (other, {"x": members["x"]}, {**members, "y": members["x"]}):
            fresh = Configuration(2, {"members": changed})
            fresh.share(before)
            self.assertIsNot(fresh.by_parent(Member), index)
            self.assertEqual(fresh.children(Member, "a"), list(changed.values()))

    def test_empty(self) -> None:
        """Without objects there is nothing."""
        self.assertEqual(Configuration().all(Pool), {})
        self.assertEqual(Configuration().policies("x"), [])

    def test_owner(self) -> None:
        """Who made an object."""
        found = configuration(pool(1), owners={ident(1): Owner.FILE})
        self.assertIs(found.owner(ident(1)), Owner.FILE)

    def test_addresses(self) -> None:
        """A listener's own addresses, else its load balancer's."""
        web = listener(1, address="127.0.0.1")
        found, _ = resolve(configuration(web, listener(2)))
        self.assertEqual(addresses(found, web), ("127.0.0.1",))
        self.assertEqual(addresses(found, found.all(Listener)[ident(2)]), ("::",))


class FindTests(SynchronousTestCase):
    """By id or name."""

    def test_find(self) -> None:
        """One, none or several; an id in any case."""
        found = configuration(pool(1, name="a"), pool(2, name="b"), pool(3, name="b"))
        self.assertEqual(find(found, "pools", "a"), [ident(1)])
        self.assertEqual(find(found, "pools", ident(1).upper()), [ident(1)])
        self.assertEqual(find(found, "pools", "b"), [ident(2), ident(3)])
        self.assertEqual(find(found, "pools", "c"), [])
        self.assertEqual(find(found, "pools", ident(9)), [])
        self.assertEqual(find(found, "listeners", "a"), [])

    def test_prefer(self) -> None:
        """Of several the preferred owner's; one alone is found whoever made it."""
        owners = {ident(2): Owner.FILE}
        found = configuration(
            pool(1, name="a"), pool(2, name="a"), pool(3, name="c"), owners=owners
        )
        self.assertEqual(find(found, "pools", "a", Owner.FILE), [ident(2)])
        self.assertEqual(find(found, "pools", "a", Owner.APPLY), [ident(1), ident(2)])
        self.assertEqual(find(found, "pools", "c", Owner.FILE), [ident(3)])


class ResolveTests(SynchronousTestCase):
    """References to ids."""

    def test_resolved(self) -> None:
        """Names become ids, ids stay."""
        web = listener(1, default_pool_id="a")
        found, problems = resolve(
            configuration(pool(2, name="a"), web, policy(3, "l1", redirect_pool_id=ident(2)))
        )
        self.assertEqual(problems, [])
        self.assertEqual(found.all(Listener)[ident(1)].default_pool_id, ident(2))
        self.assertEqual(found.all(Listener)[ident(1)].loadbalancer_id, DEFAULT_LOAD_BALANCER.id)
        self.assertEqual(found.all(L7Policy)[ident(3)].listener_id, ident(1))

    def test_unresolved(self) -> None:
        """What names nothing, or several, is told with a guess."""
        found, problems = resolve(
            configuration(
                pool(1, name="blue"),
                pool(2, name="green"),
                pool(3, name="green"),
                listener(4, default_pool_id="bleu"),
                listener(5, default_pool_id="green"),
                listener(6, loadbalancer_id="x"),
                policy(7, "zz"),
            )
        )
        self.assertEqual(
            [
                (p.field.replace(ident(0)[:-1], ""), p.message, p.suggestion, p.code)
                for p in problems
            ],
            [
                ("listeners.4.default_pool_id", "there is no pool 'bleu'", "blue", "unresolved"),
                (
                    "listeners.5.default_pool_id",
                    "2 pools are named 'green'; use an id",
                    None,
                    "ambiguous",
                ),
                (
                    "listeners.6.loadbalancer_id",
                    "there is no load_balancer 'x'",
                    None,
                    "unresolved",
                ),
                ("l7_policies.7.listener_id", "there is no listener 'zz'", None, "unresolved"),
            ],
        )
        self.assertEqual(found.all(Listener)[ident(4)].default_pool_id, "bleu")

    def test_many(self) -> None:
        """Only the first of very many mistakes get a guess: it takes time."""
        wrong = [listener(n, default_pool_id="pol") for n in range(2, MOST_SUGGESTIONS + 5)]
        _, problems = resolve(configuration(pool(1, name="pool"), *wrong))
        self.assertEqual(len(problems), len(wrong))
        self.assertEqual([p.suggestion for p in problems].count("pool"), MOST_SUGGESTIONS)

    def test_file_first(self) -> None:
        """A file's references go to the file's objects, others' to any, if it is one."""
        owners = {ident(2): Owner.FILE, ident(3): Owner.FILE}
        found, problems = resolve(
            configuration(
                pool(1, name="a"),
                pool(2, name="a"),
                listener(3, default_pool_id="a"),
                listener(4, default_pool_id="a"),
                owners=owners,
            )
        )
        self.assertEqual(found.all(Listener)[ident(3)].default_pool_id, ident(2))
        self.assertEqual([p.path[1] for p in problems], [ident(4)])


class ReferrerTests(SynchronousTestCase):
    """Who refers to an object."""

    def test_referrers(self) -> None:
        """Objects that are no children, each once."""
        web = listener(1, default_pool_id=ident(2))
        member = made(Member, id=ident(5), pool_id=ident(2), address="10.0.0.1", port=1)
        found = configuration(
            pool(2), web, member, policy(3, web.id, redirect_pool_id=ident(2)), policy(4, web.id)
        )
        self.assertEqual(
            referrers(found, ident(2)), [("listeners", ident(1)), ("l7_policies", ident(3))]
        )
        self.assertEqual(referrers(found, web.id), [])
        self.assertEqual(referrers(found, "nope"), [])
