"""Policies, compiled: everything that can be wrong with them is found here."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import attrs

from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction
from fiberlb.model.listener import PolicyOrder
from fiberlb.routing.actions import BAD_REQUEST, Decision, policy_decision
from fiberlb.routing.conditions import COMPLEXITIES, AnyRule, Wanted, compile_rule
from fiberlb.routing.patterns import Budget

#: What "octavia" order evaluates first; what is not named comes between.
_OCTAVIA_FIRST = {PolicyAction.REJECT: 0, PolicyAction.REDIRECT_TO_POOL: 2}
_POSITION_STEP = 10
#: Policies that are put in order, in one step of compiling.
_SLICE = 1000

#: A policy with its rules.
Given = tuple[L7Policy, Sequence[L7Rule]]


@attrs.frozen
class CompiledPolicy:
    """
    One policy that can match.

    @ivar rules: at least one; those that may stay undecided last.
    @ivar rejects: undecided rules count as matching.
    """

    id: str
    rules: tuple[AnyRule, ...]
    decision: Decision
    rejects: bool

    def wanted(self, rules: Sequence[AnyRule]) -> tuple[Wanted, ...]:
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
            made = compile_rule(rule, budget)
        except ConfigurationError as why:
            problems += why.problems
        else:
            compiled += [made] if rule.enabled else []
    if problems:
        raise ConfigurationError(problems)
    compiled.sort(key=lambda rule: COMPLEXITIES.index(rule.complexity))
    rejects = policy.action is PolicyAction.REJECT
    return CompiledPolicy(policy.id, tuple(compiled), decision, rejects)
