"""Rules compiled: nested ones, what is undecided within, and what is wrong with them."""

from __future__ import annotations

from itertools import product

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.errors import ConfigurationError
from fiberlb.model.l7 import CompareType, Condition, L7Rule, PolicyAction, RuleType
from fiberlb.routing.candidates import MOST_PARAMETERS
from fiberlb.routing.conditions import CompiledNest, compile_rule, complexity, conjuncts
from fiberlb.routing.patterns import Budget
from fiberlb.routing.request import Request
from tests.routing.made import nest, nested, policy, request, routes

ANY, ALL, NOT = RuleType.ANY, RuleType.ALL, RuleType.NOT

#: Undecided for a request with too many parameters, else absent.
DOUBT = Condition(rule_type=RuleType.QUERY, key="doubt")
YES = Condition(rule_type=RuleType.PATH, value="/a")
NO = Condition(rule_type=RuleType.PATH, value="/b")
OUTCOMES = {True: YES, False: NO, None: DOUBT}
MANY = b"/a?" + b"&".join([b"x"] * (MOST_PARAMETERS + 1))


def budget() -> Budget:
    """Of a listener; time stands still."""
    return Budget(lambda: 0.0, lambda rule, why: None)


def outcome(rule: L7Rule, asked: Request) -> bool | None:
    """What a rule comes to, C{invert} included."""
    found = compile_rule(rule, budget()).outcome(asked)
    return {"matched": True, "not": False, "undecided": None}[found]


def expected(kind: RuleType, values: tuple[bool | None, ...]) -> bool | None:
    """Kleene's logic, by what the undecided ones might turn out to be."""
    possible = [(value,) if value is not None else (False, True) for value in values]
    combine = {ANY: any, ALL: all, NOT: lambda some: not some[0]}[kind]
    results = {combine(some) for some in product(*possible)}
    return results.pop() if len(results) == 1 else None


class LogicTests(SynchronousTestCase):
    """Nested rules."""

    def test_table(self) -> None:
        """Every pair of outcomes: what is undecided matters only where it would."""
        for kind in (ANY, ALL):
            for values in product((True, False, None), repeat=2):
                rule = nest(kind, *[OUTCOMES[value] for value in values])
                self.assertIs(outcome(rule, request(MANY)), expected(kind, values), values)
        for value, one in OUTCOMES.items():
            self.assertIs(outcome(nest(NOT, one), request(MANY)), expected(NOT, (value,)))

    @given(st.data())
    def test_deep(self, data: st.DataObject) -> None:
        """Any nesting comes to what its parts come to; C{invert} is the same as C{not}."""

        def draw(depth: int) -> tuple[Condition, bool | None]:
            if depth == 0 or data.draw(st.booleans()):
                value = data.draw(st.sampled_from((True, False, None)))
                return OUTCOMES[value], value
            kind = data.draw(st.sampled_from((ANY, ALL, NOT)))
            parts = [draw(depth - 1) for _ in range(1 if kind is NOT else data.draw(_COUNTS))]
            invert = data.draw(st.booleans())
            value = logic(kind, [value for _, value in parts])
            value = value if value is None or not invert else not value
            return nested(kind, *[part for part, _ in parts], invert=invert), value

        made, wanted = draw(4)
        self.assertIs(outcome(nest(ALL, made), request(MANY)), wanted)

    def test_policies(self) -> None:
        """An undecided nest does not match, unless its policy rejects."""
        rule = nest(ALL, YES, nested(NOT, DOUBT))
        for fields, wanted in (({}, None), ({"action": PolicyAction.REJECT}, "p")):
            made = routes(policy("p", rule, **fields))
            self.assertEqual(made.decide(request(MANY)).policy_id, wanted)
            self.assertEqual(made.decide(request(b"/b")).policy_id, None)
            self.assertEqual(made.decide(request(b"/a")).policy_id, "p")
            self.assertEqual(made.trace(request(MANY)), [("p", "r", "undecided")])


_COUNTS = st.integers(1, 3)


def logic(kind: RuleType, values: list[bool | None]) -> bool | None:
    """Kleene's logic, directly."""
    if kind is NOT:
        return None if values[0] is None else not values[0]
    decisive = kind is ANY
    if decisive in values:
        return decisive
    return None if None in values else not decisive


class ShapeTests(SynchronousTestCase):
    """What is told of compiled rules."""

    def test_complexity(self) -> None:
        """That of the worst rule within."""
        search = Condition(
            rule_type=RuleType.PATH, value=r"(a|b)\1", compare_type=CompareType.REGEX
        )
        self.assertEqual(complexity(nest(ANY, YES, NO)), "literal")
        self.assertEqual(complexity(nest(ANY, YES, nested(NOT, search))), "bounded")

    def test_conjuncts(self) -> None:
        """What must hold for the rule to hold."""
        for rule, wanted in (
            (nest(ALL, YES, nested(ALL, NO, DOUBT)), 3),
            (nest(ANY, YES, NO), 0),
            (nest(NOT, YES), 0),
            (nest(NOT, nested(NOT, YES)), 1),
            (nest(ANY, nested(ALL, YES, NO)), 2),
            (nest(NOT, nested(ANY, nested(NOT, YES), NO)), 1),
        ):
            self.assertEqual(len(list(conjuncts(compile_rule(rule, budget())))), wanted, rule)

    def test_fields(self) -> None:
        """Fields that nested rules look at are known: claims of strangers are hidden from them."""
        field = Condition(rule_type=RuleType.HEADER, key="X-Forwarded-For", value="x")
        made = routes(policy("p", nest(ANY, YES, nested(NOT, field))))
        self.assertEqual(made.fields, {"x-forwarded-for"})

    def test_leaves(self) -> None:
        """All levels."""
        made = compile_rule(nest(ANY, YES, nested(NOT, NO)), budget())
        assert isinstance(made, CompiledNest)
        self.assertEqual([leaf.id for leaf in made.leaves()], ["r", "r"])


class ProblemTests(SynchronousTestCase):
    """What is wrong, and where."""

    def test_within(self) -> None:
        """Every problem at its rule."""
        bad = Condition(rule_type=RuleType.PATH, value="(", compare_type=CompareType.REGEX)
        worse = Condition(rule_type=RuleType.SOURCE_IP, values=("::1", "x"))
        rule = nest(ANY, YES, bad, nested(NOT, worse))
        why = self.assertRaises(ConfigurationError, compile_rule, rule, budget())
        self.assertEqual(
            [problem.path for problem in why.problems],
            [
                ("l7_rules", "r", "rules", 1, "value"),
                ("l7_rules", "r", "rules", 2, "rules", 0, "values", 1),
            ],
        )
