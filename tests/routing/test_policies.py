"""Policies compiled: their order, their rules' order, classes and outcomes."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.l7 import CompareType, L7Rule, PolicyAction, RuleType
from fiberlb.model.listener import PolicyOrder
from fiberlb.routing.candidates import MOST_ELEMENTS
from fiberlb.routing.conditions import CompiledRule, complexity
from fiberlb.routing.linear import Engine, installed
from fiberlb.routing.patterns import Budget
from fiberlb.routing.policies import (
    CompiledPolicy,
    Given,
    compile_policies,
    ordered,
)
from tests.routing.made import path_rule, policy, request, rule

T = TypeVar("T")


def done(steps: Generator[None, None, T]) -> T:
    """What steps come to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            made: T = end.value
            return made


def compiled(*some: Given, engine: Engine = installed) -> list[CompiledPolicy]:
    """Policies in order of position."""
    budget = Budget(lambda: 0.0, lambda rule_id, why: None, engine)
    return done(compile_policies(PolicyOrder.POSITION, some, budget))


def one_rule(some: L7Rule, **fields: Any) -> CompiledRule:
    """A rule, compiled in a policy with these fields."""
    (made,) = compiled(policy("p", some, **fields))[0].rules
    assert isinstance(made, CompiledRule)
    return made


class OrderTests(SynchronousTestCase):
    """Policies by position and by what they do."""

    def names(self, order: PolicyOrder, *some: Given) -> list[str]:
        """Policies' names in their order."""
        return [made.name for made, _ in done(ordered(order, some))]

    def test_position(self) -> None:
        """Without a position, ten after all before; equals in order of creation."""
        some = [
            policy("a", position=20),
            policy("b"),
            policy("c", position=30),
            policy("d", position=5),
            policy("e"),
        ]
        self.assertEqual(self.names(PolicyOrder.POSITION, *some), ["d", "a", "b", "c", "e"])

    def test_octavia(self) -> None:
        """What rejects, then what redirects, then the others."""
        some = [
            policy("pool", position=1),
            policy("prefix", action=PolicyAction.REDIRECT_PREFIX, position=3),
            policy("reject", action=PolicyAction.REJECT, position=4),
            policy("url", action=PolicyAction.REDIRECT_TO_URL, position=2),
        ]
        names = self.names(PolicyOrder.OCTAVIA, *some)
        self.assertEqual(names, ["reject", "url", "prefix", "pool"])


class CompileTests(SynchronousTestCase):
    """What is evaluated."""

    def test_left_out(self) -> None:
        """Neither what is disabled nor what has no rules."""
        on, off = path_rule("/"), path_rule("/", enabled=False)
        some = [policy("a"), policy("b", off), policy("c", on, enabled=False), policy("d", on, off)]
        made = compiled(*some)
        self.assertEqual([(one.id, len(one.rules)) for one in made], [("d", 1)])

    def test_checked(self) -> None:
        """What is disabled must be right all the same."""
        off = path_rule("(", CompareType.REGEX, enabled=False)
        why = self.assertRaises(ConfigurationError, compiled, policy("a", off))
        self.assertEqual(why.problems[0].path, ("l7_rules", "r", "value"))

    def test_rules(self) -> None:
        """What is cheaper, and more certain to be decided, comes first."""
        rules = [
            path_rule("(?=a)", CompareType.REGEX, id="bounded"),
            path_rule("[a]", CompareType.REGEX, id="linear"),
            path_rule("a", CompareType.REGEX, id="literal"),
            path_rule("/", id="also"),
        ]
        made = compiled(policy("p", *rules))[0]
        self.assertEqual([one.id for one in made.rules], ["literal", "also", "linear", "bounded"])
        self.assertEqual(
            [one.complexity for one in made.rules][1:], ["literal", "linear", "bounded"]
        )

    def test_steps(self) -> None:
        """There is a step for every policy at least."""
        some = [policy(str(number), path_rule("/")) for number in range(20)]
        budget = Budget(lambda: 0.0, lambda rule_id, why: None)
        steps = compile_policies(PolicyOrder.POSITION, some, budget)
        self.assertGreater(len(list(steps)), 20)


class RuleTests(SynchronousTestCase):
    """One rule, as its policy evaluates it."""

    def test_outcome(self) -> None:
        """Words for a trace."""
        for invert, wanted in ((False, ["matched", "not"]), (True, ["not", "matched"])):
            made = one_rule(path_rule("/a", invert=invert))
            found = [made.outcome(request(target)) for target in (b"/a", b"/b")]
            self.assertEqual(found, wanted)

    def test_wanted(self) -> None:
        """An undecided rule holds for what rejects, and for nothing else, inverted or not."""
        many = request(b"/", b"h", b"X-A: " + b"a," * MOST_ELEMENTS + b"b")
        for invert in (False, True):
            some = rule(RuleType.HEADER, CompareType.EQUAL_TO, "b", key="X-A", invert=invert)
            made = one_rule(some)
            self.assertEqual(made.outcome(many), "undecided")
            for rejects in (False, True):
                test, wanted = made.wanted(rejects)
                self.assertIs(test(many) is wanted, rejects)
                self.assertIs(test(request()) is wanted, invert)

    def test_aspect(self) -> None:
        """Rules look at the same thing whatever the case of its name, if that does not matter."""
        for kind, same in ((RuleType.HEADER, True), (RuleType.COOKIE, False)):
            first, second = (one_rule(rule(kind, key=key)) for key in ("X-A", "x-a"))
            self.assertIs(first.aspect == second.aspect, same)
        self.assertEqual(one_rule(path_rule("/")).aspect, (RuleType.PATH, b""))

    def test_bound_once(self) -> None:
        """A rule's test is made when it is first needed, and kept."""
        made = one_rule(path_rule("/"))
        self.assertIs(made.test, made.test)


class ComplexityTests(SynchronousTestCase):
    """The class of a rule alone."""

    def test_classes(self) -> None:
        """Whether the rule is enabled or not."""
        for some, wanted in (
            (path_rule("/a"), "literal"),
            (rule(RuleType.HEADER, key="X-A"), "literal"),
            (path_rule("^/a", CompareType.REGEX, enabled=False), "literal"),
            (path_rule("^/a[0-9]", CompareType.REGEX, enabled=False), "linear"),
            (path_rule("(?=a)", CompareType.REGEX), "bounded"),
        ):
            self.assertEqual(complexity(some), wanted)

    def test_without(self) -> None:
        """Without RE2 no rule is linear."""
        self.assertEqual(complexity(path_rule("[0-9]", CompareType.REGEX), lambda: None), "bounded")
