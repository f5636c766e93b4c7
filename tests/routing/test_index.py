"""The index: always what evaluating every policy in order comes to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.model.l7 import CompareType, RuleType
from fiberlb.model.listener import PolicyOrder
from fiberlb.routing.actions import Decision, refusal
from fiberlb.routing.conditions import AnyRule, CompiledRule
from fiberlb.routing.index import Index
from fiberlb.routing.linear import Engine, installed
from fiberlb.routing.match import in_order
from fiberlb.routing.patterns import Budget
from fiberlb.routing.policies import compile_policies
from fiberlb.routing.request import Request
from fiberlb.routing.rules import RequestTest
from tests.routing.made import path_rule, policy, request, routes, rule
from tests.routing.random_policies import Policy, a_request, fields, policies
from tests.routing.test_policies import done

Decide = Callable[[Request], Decision]

#: More policies than there are, so that none are looked up.
NEVER = 1_000_000
DEFAULT = refusal("no_route")


def both(some: Sequence[Policy], engine: Engine) -> tuple[Decide, Decide, Budget]:
    """The same compiled policies, evaluated in order and looked up."""
    budget = Budget(lambda: 0.0, lambda rule, why: None, engine)
    compiled = done(compile_policies(PolicyOrder.POSITION, some, budget))
    plain = in_order(compiled, DEFAULT)
    return plain, done(Index(compiled, DEFAULT, budget).build()) or plain, budget


def copy(made: Request) -> Request:
    """The same request, that nobody has looked at."""
    return Request(
        made.method,
        made.target,
        made.authority,
        made.block,
        made.sni,
        made.secure,
        made.port,
        made.source,
        made.protocols,
        made.client,
    )


def summary(decision: Decision) -> tuple[object, ...]:
    """What tells a decision from every other one of the same policies."""
    return (decision.policy_id, decision.pool_id, decision.status, decision.reason)


#: Seeded by hypothesis, which would take a hundred times as long to draw so much by itself.
RANDOM = st.randoms(use_true_random=True)


class SameDecisionTests(SynchronousTestCase):
    """Policies and requests at random."""

    @given(RANDOM, st.sampled_from((installed, lambda: None)))
    @settings(max_examples=600, deadline=None)
    def test_evaluators(self, random: Random, engine: Engine) -> None:
        """The very decision, with RE2 and without."""
        some = policies(random)
        plain, indexed, budget = both(some, engine)
        for _ in range(12):
            asked = a_request(random)
            budget.renew()
            expected = plain(copy(asked))
            budget.renew()
            self.assertIs(indexed(copy(asked)), expected, (some, asked.target, asked.block))

    @given(RANDOM)
    @settings(max_examples=150, deadline=None)
    def test_routes(self, random: Random) -> None:
        """With everything around the evaluators, and whichever engine there is."""
        some, more = policies(random), fields(random)
        plain = routes(*some, **more, engine=lambda: None, least_indexed=NEVER)
        others = [
            routes(*some, **more, engine=engine, least_indexed=least)
            for engine, least in ((installed, 0), (lambda: None, 0), (installed, NEVER))
        ]
        for _ in range(12):
            asked = a_request(random)
            expected = summary(plain.decide(copy(asked)))
            for other in others:
                found = summary(other.decide(copy(asked)))
                self.assertEqual(found, expected, (some, asked.target, asked.block))


class Counted(CompiledRule):
    """
    A rule that counts how often it is tested.

    @cvar tested: by all of them.
    """

    tested = 0

    def __init__(self, inner: CompiledRule) -> None:
        for name in ("id", "invert", "_test", *CompiledRule.__slots__):
            setattr(self, name, getattr(inner, name))

    @property
    def test(self) -> RequestTest:
        """Counts, and then tests."""
        inner = super().test

        def test(asked: Request) -> bool | None:
            Counted.tested += 1
            return inner(asked)

        return test


def counting(rule: AnyRule) -> AnyRule:
    """The rule; one that looks at the request counts."""
    return Counted(rule) if isinstance(rule, CompiledRule) else rule


class CandidateTests(SynchronousTestCase):
    """A request pays for the policies that it may match."""

    def count(self, some: Sequence[Policy], asked: Request, wanted: str) -> int:
        """How many rules are tested for a request that a policy takes."""
        budget = Budget(lambda: 0.0, lambda rule, why: None)
        compiled = done(compile_policies(PolicyOrder.POSITION, some, budget))
        counted = [attrs.evolve(made, rules=tuple(map(counting, made.rules))) for made in compiled]
        decide = done(Index(counted, DEFAULT, budget).build())
        assert decide is not None
        Counted.tested = 0
        self.assertEqual(decide(asked).policy_name, wanted)
        return Counted.tested

    def test_last(self) -> None:
        """Of thousands of paths, none is tested: to be found is to match."""
        some = [policy(str(n), path_rule(f"/part-{n}/")) for n in range(3000)]
        self.assertEqual(self.count(some, request(b"/part-2999/x"), "2999"), 0)

    def test_two_rules(self) -> None:
        """The rule that fewer share leads to the policy, whichever it is."""
        same = rule(RuleType.HOST_NAME, CompareType.EQUAL_TO, "example.org")
        for rules in ((same, "/{}/"), ("/{}/", same)):
            some = [
                policy(
                    str(n), *[path_rule(r.format(n)) if isinstance(r, str) else r for r in rules]
                )
                for n in range(500)
            ]
            self.assertEqual(self.count(some, request(b"/499/"), "499"), 1)

    def test_every_pair(self) -> None:
        """Where each rule is shared by many, one leads on to the other."""
        some = [
            policy(
                f"{host}/{path}",
                rule(RuleType.HOST_NAME, CompareType.EQUAL_TO, f"h{host}"),
                path_rule(f"/{path}/"),
            )
            for host in range(30)
            for path in range(30)
        ]
        self.assertLessEqual(self.count(some, request(b"/29/", b"h29"), "29/29"), 1)

    def test_patterns(self) -> None:
        """Patterns are looked up by what they need, and searched only then."""
        some = [
            policy(str(n), path_rule(f"^/part-{n}/[0-9]+$", CompareType.REGEX)) for n in range(500)
        ]
        self.assertEqual(self.count(some, request(b"/part-499/7"), "499"), 1)

    def test_anywhere(self) -> None:
        """What may be anywhere in a text is found by one search for all."""
        some = [policy(str(n), path_rule(f"/part-{n}/", CompareType.CONTAINS)) for n in range(500)]
        self.assertEqual(self.count(some, request(b"/x/part-499/7"), "499"), 1)

    def test_between(self) -> None:
        """What cannot be looked up is tested as far as its turn comes."""
        inverted = path_rule("/x", invert=True)
        some = [
            policy("0", path_rule("/a")),
            policy("1", path_rule("/a/b", invert=True), path_rule("/a", invert=True)),
            policy("2", path_rule("/a/b")),
            policy("3", inverted),
            policy("4", inverted),
        ]
        for target, wanted, tested in ((b"/a", "0", 0), (b"/a/b", "0", 0), (b"/c", "1", 2)):
            self.assertEqual(self.count(some, request(target), wanted), tested)
        self.assertEqual(self.count(some[1:], request(b"/a/b"), "2"), 1)
        self.assertEqual(self.count(some[1:], request(b"/a"), "3"), 3)
        never = path_rule("/", invert=True)
        some = [
            policy("0", never),
            policy("1", path_rule("/a"), never),
            policy("2", never),
            policy("3", path_rule("/"), never),
            policy("4", never),
            policy("5", path_rule("/x")),
        ]
        self.assertEqual(self.count(some, request(b"/ab"), ""), 5)

    def test_twice(self) -> None:
        """A policy that several of its values lead to is evaluated once."""
        patterns = rule(RuleType.PATH, CompareType.REGEX, "^/a[0-9]", "^/a/b[0-9]", "^/[a]")
        some = [policy("0", patterns), policy("1", path_rule("/x"))]
        self.assertEqual(self.count(some, request(b"/a/bc"), "0"), 1)
        patterns = rule(RuleType.PATH, CompareType.REGEX, "^/a[0-9]", "^/a/b[0-9]")
        some = [policy("0", patterns), policy("1", path_rule("/x"))]
        self.assertEqual(self.count(some, request(b"/a/bc"), ""), 1)

    def test_values(self) -> None:
        """Policies with the same long lists of values share what is made for each value."""
        hosts = rule(RuleType.HOST_NAME, CompareType.EQUAL_TO, *[f"h{n}" for n in range(300)])
        paths = rule(RuleType.PATH, CompareType.STARTS_WITH, *[f"/{n}/" for n in range(300)])
        some = [policy(str(n), hosts, paths) for n in range(40)]
        self.assertEqual(self.count(some, request(b"/7/", b"h7"), "0"), 0)

    def test_alone(self) -> None:
        """Many policies of one rule behind one literal are gone through in their order."""
        hosts = [rule(RuleType.HOST_NAME, CompareType.EQUAL_TO, "h") for _ in range(40)]
        paths = [path_rule(f"/{n}") for n in range(40)]
        some = [policy(f"{n}", hosts[n], *paths[n : n + n % 2]) for n in range(20)]
        plain, indexed, _ = both([*some[1::2], *some[::2]], installed)
        for target in (b"/1", b"/19", b"/4", b"/"):
            for host in (b"h", b"other"):
                asked = request(target, host)
                self.assertIs(indexed(copy(asked)), plain(copy(asked)))

    def test_nothing(self) -> None:
        """There is no index where nothing can be looked up."""
        budget = Budget(lambda: 0.0, lambda rule, why: None)
        inverted = [policy(str(n), path_rule("/x", invert=True)) for n in range(20)]
        for some in ([], inverted):
            compiled = done(compile_policies(PolicyOrder.POSITION, some, budget))
            self.assertIsNone(done(Index(compiled, DEFAULT, budget).build()))
        self.assertEqual(routes(*inverted).decide(request()).policy_name, "0")


class BoundTests(SynchronousTestCase):
    """What an index may take."""

    def test_steps(self) -> None:
        """It is built in many small steps."""
        budget = Budget(lambda: 0.0, lambda rule, why: None)
        some = [policy(str(n), path_rule(f"/part-{n}/")) for n in range(1000)]
        compiled = done(compile_policies(PolicyOrder.POSITION, some, budget))
        self.assertGreater(len(list(Index(compiled, DEFAULT, budget).build())), 10)

    def test_room(self) -> None:
        """Lists of values do not multiply without end; what is not entered is evaluated."""
        values = [f"{n}" for n in range(400)]
        some = [
            policy(
                str(n),
                rule(RuleType.HOST_NAME, CompareType.EQUAL_TO, *values[n:], *values[:n]),
                rule(RuleType.SSL_CONN_SNI, CompareType.EQUAL_TO, *values[n // 2 :]),
                rule(RuleType.FILE_TYPE, CompareType.EQUAL_TO, *values[n // 3 :]),
            )
            for n in range(60)
        ]
        plain, indexed, budget = both(some, installed)
        compiled = done(compile_policies(PolicyOrder.POSITION, some, budget))
        steps = len(list(Index(compiled, DEFAULT, budget).build()))
        self.assertLess(steps, 1000)
        for target in range(0, 400, 37):
            asked = request(b"/a.%d" % target, b"399", sni=b"%d" % (target // 2))
            self.assertIs(indexed(copy(asked)), plain(copy(asked)))
