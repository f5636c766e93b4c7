"""Policies and their rules, compiled: everything that can be wrong with them is found here."""

from __future__ import annotations

import functools
from collections.abc import Generator, Mapping, Sequence

import attrs

from fiberlb.errors import ConfigurationError, Path, Problem
from fiberlb.model.l7 import KEYED, CompareType, L7Policy, L7Rule, PolicyAction, RuleType
from fiberlb.model.listener import PolicyOrder
from fiberlb.routing.actions import BAD_REQUEST, Decision, policy_decision
from fiberlb.routing.compare import COMPARE, Comparison, Subject, ValueProblem
from fiberlb.routing.linear import Engine, installed
from fiberlb.routing.literals import Literals
from fiberlb.routing.patterns import Budget
from fiberlb.routing.request import Request
from fiberlb.routing.rules import EXTRACT, Named, RequestTest

#: The classes of rules, in the order in which they are evaluated: a clear no from a cheap rule
#: saves a search, and leaves less undecided.
COMPLEXITIES = ("literal", "linear", "bounded")
#: What "octavia" order evaluates first; what is not named comes between.
_OCTAVIA_FIRST = {PolicyAction.REJECT: 0, PolicyAction.REDIRECT_TO_POOL: 2}
_POSITION_STEP = 10
#: Policies that are put in order, in one step of compiling.
_SLICE = 1000

#: What is looked at: a rule type, and a name where it has names.
Aspect = tuple[RuleType, bytes]
_UNNAMED: Mapping[RuleType, Aspect] = {kind: (kind, b"") for kind in RuleType}
#: A policy with its rules.
Given = tuple[L7Policy, Sequence[L7Rule]]
#: A rule as it is evaluated: it holds where the test gives exactly the wanted outcome.
Wanted = tuple[RequestTest, bool]


class CompiledRule:
    """
    One rule.

    @ivar comparison: of its values.
    @ivar aspect: what it looks at.
    """

    __slots__ = ("_test", "aspect", "comparison", "id", "invert", "key")

    def __init__(self, rule: L7Rule, comparison: Comparison) -> None:
        source = EXTRACT[rule.rule_type].source
        self.id = rule.id
        self.invert = rule.invert
        self.key = rule.key or ""
        self.comparison = comparison
        self.aspect = _UNNAMED[rule.rule_type]
        if isinstance(source, Named):
            self.aspect = (rule.rule_type, source.name(self.key))
        self._test: RequestTest | None = None

    @property
    def test(self) -> RequestTest:
        """Whether its comparison holds, before C{invert}."""
        if self._test is None:
            self._test = EXTRACT[self.aspect[0]].bind(self.key, self.comparison.test)
        return self._test

    @property
    def complexity(self) -> str:
        """One of L{COMPLEXITIES}."""
        return self.comparison.complexity

    def outcome(self, request: Request) -> str:
        """C{matched}, C{not} or C{undecided}."""
        found = self.test(request)
        return "undecided" if found is None else "not" if found is self.invert else "matched"

    def wanted(self, rejects: bool) -> Wanted:
        """
        The rule as its policy evaluates it.

        @param rejects: the policy does, so that an undecided rule holds; it
            does not in any other policy, inverted or not.
        """
        test, invert = self.test, self.invert
        if rejects and (self.complexity != "literal" or self.key):
            return lambda request: test(request) is not invert, True
        return test, not invert


@attrs.frozen
class CompiledPolicy:
    """
    One policy that can match.

    @ivar rules: at least one; those that may stay undecided last.
    @ivar rejects: undecided rules count as matching.
    """

    id: str
    rules: tuple[CompiledRule, ...]
    decision: Decision
    rejects: bool

    def wanted(self, rules: Sequence[CompiledRule]) -> tuple[Wanted, ...]:
        """Some of its rules, as they are evaluated."""
        return tuple([rule.wanted(self.rejects) for rule in rules])


def compile_policies(
    order: PolicyOrder, policies: Sequence[Given], budget: Budget
) -> Generator[None, None, list[CompiledPolicy]]:
    """
    The policies that can match, in order of evaluation; yields between steps.

    @param policies: in order of creation; disabled ones, and those without
        enabled rules, are checked and left out.

    @raise ConfigurationError: with every L{Problem} at C{(collection, id, field)}.
    """
    problems: list[Problem] = []
    compiled = []
    in_order = yield from ordered(order, policies)
    for policy, rules in in_order:
        try:
            made = _compile_policy(policy, rules, budget)
        except ConfigurationError as why:
            problems += why.problems
        else:
            compiled += [made] if policy.enabled and made.rules else []
        yield
    if problems:
        raise ConfigurationError(problems)
    return compiled


def ordered(order: PolicyOrder, policies: Sequence[Given]) -> Generator[None, None, list[Given]]:
    """
    Policies in their order of evaluation; yields between steps.

    @param policies: in order of creation, which decides between equal positions;
        one without a position comes after all before it.
    """
    last = 0
    places = []
    for number, (policy, _) in enumerate(policies):
        position = last + _POSITION_STEP if policy.position is None else policy.position
        last = max(last, position)
        group = 0
        if order is PolicyOrder.OCTAVIA and policy.action is not None:
            group = _OCTAVIA_FIRST.get(policy.action, 1)
        places.append((group, position, number))
        if number % _SLICE == 0:
            yield
    places.sort()
    yield
    return [policies[number] for _, _, number in places]


@functools.lru_cache(maxsize=4096)
def complexity(rule: L7Rule, engine: Engine = installed) -> str:
    """
    The class of one rule, whether it is evaluated or not.

    @return: one of L{COMPLEXITIES}.

    @raise ConfigurationError: the rule cannot be compiled.
    """
    if rule.compare_type is not CompareType.REGEX:
        return COMPLEXITIES[0]
    return _compile_rule(rule, Budget(lambda: 0.0, lambda rule_id, why: None, engine)).complexity


def _compile_policy(policy: L7Policy, rules: Sequence[L7Rule], budget: Budget) -> CompiledPolicy:
    problems: list[Problem] = []
    decision = BAD_REQUEST
    try:
        decision = policy_decision(policy)
    except ConfigurationError as why:
        problems += why.problems
    compiled = []
    for rule in rules:
        try:
            made = _compile_rule(rule, budget)
        except ConfigurationError as why:
            problems += why.problems
        else:
            compiled += [made] if rule.enabled else []
    if problems:
        raise ConfigurationError(problems)
    compiled.sort(key=lambda rule: COMPLEXITIES.index(rule.complexity))
    rejects = policy.action is PolicyAction.REJECT
    return CompiledPolicy(policy.id, tuple(compiled), decision, rejects)


def _compile_rule(rule: L7Rule, budget: Budget) -> CompiledRule:
    at: Path = ("l7_rules", rule.id)
    extract = EXTRACT[rule.rule_type]
    keyed = rule.rule_type in KEYED
    if keyed and not rule.key:
        raise ConfigurationError([Problem((*at, "key"), "is needed", code="missing")])
    if not keyed and not rule.candidates:
        raise ConfigurationError([Problem((*at, "value"), "is needed", code="missing")])
    comparison = _PRESENT
    if rule.candidates:
        subject = Subject(extract.spell, extract.fold, rule.id, budget)
        try:
            compare = extract.compare or rule.compare_type
            comparison = COMPARE[compare](rule.candidates, subject)
        except ValueProblem as why:
            field: Path = ("value",) if rule.value is not None else ("values", why.index)
            raise ConfigurationError([Problem((*at, *field), why.message)]) from why
    return CompiledRule(rule, comparison)


#: That there is a candidate is enough.
_PRESENT = Comparison((Literals(prefixes=(b"",)),))
