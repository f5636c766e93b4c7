"""Policies, compiled: everything that can be wrong with them is found here."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any

import attrs

from fiberlb.errors import ConfigurationError, Problem
from fiberlb.model.l7 import L7Policy, L7Rule, PolicyAction
from fiberlb.model.listener import PolicyOrder
from fiberlb.routing.actions import Decision, policy_decision
from fiberlb.routing.conditions import COMPLEXITIES, AnyRule, Wanted, rule_or_problems
from fiberlb.routing.patterns import Budget

_TO_POOL, _REJECT = PolicyAction.REDIRECT_TO_POOL, PolicyAction.REJECT
#: What "octavia" order evaluates first; what is not named comes between.
_OCTAVIA_FIRST = {PolicyAction.REJECT: 0, PolicyAction.REDIRECT_TO_POOL: 2}
_POSITION_STEP = 10
#: Policies that are put in order, in one step of compiling.
_SLICE = 1000

#: A policy with its rules.
Given = tuple[L7Policy, Sequence[L7Rule]]


@attrs.define(eq=False)
class CompiledPolicy:
    """
    One policy that can match.

    @ivar policy: as it is configured, with C{given}, its rules.
    @ivar rules: the enabled ones, at least one; those that may stay undecided last.
    @ivar plain: they compare literals with what has no name, and nothing else.
    @ivar kept: what an index has made of it, for the next one.
    """

    policy: L7Policy
    given: Sequence[L7Rule]
    rules: tuple[AnyRule, ...]
    plain: bool = False
    _decision: Decision | None = None
    kept: Any = attrs.field(default=None, init=False)

    @property
    def id(self) -> str:
        """Of the policy."""
        return self.policy.id

    @property
    def decision(self) -> Decision:
        """What becomes of requests that match; of most policies made when the first one does."""
        if self._decision is None:
            self._decision = policy_decision(self.policy)
        return self._decision

    @property
    def needs_host(self) -> bool:
        """Whether its decision does."""
        # One that is not made yet chooses a pool.
        return self._decision is not None and self._decision.needs_host

    @property
    def rejects(self) -> bool:
        """Whether undecided rules count as matching."""
        return self.policy.action is _REJECT

    def says(self, policy: L7Policy, rules: Sequence[L7Rule]) -> bool:
        """Whether it is compiled from the same."""
        # To compare an object with itself field by field takes long, where there are thousands.
        same = self.policy is policy or self.policy == policy
        return same and self.given == rules

    def wanted(self, rules: Sequence[AnyRule]) -> tuple[Wanted, ...]:
        """Some of its rules, as they are evaluated."""
        rejects = self.rejects
        return tuple([rule.wanted(rejects) for rule in rules])


#: Policies that were compiled before, by id.
Known = Mapping[str, CompiledPolicy]


def compile_policies(
    order: PolicyOrder, policies: Sequence[Given], budget: Budget, known: Known | None = None
) -> Generator[None, None, list[CompiledPolicy]]:
    """
    The policies that can match, in order of evaluation; yields between steps.

    @param policies: in order of creation; disabled ones, and those without
        enabled rules, are checked and left out.
    @param known: compiled with the same budget; those that say the same are used again.

    @raise ConfigurationError: with every L{Problem} at C{(collection, id, field)}.
    """
    problems: list[Problem] = []
    compiled = []
    find = (known or {}).get
    in_order = yield from ordered(order, policies)
    for policy, rules in in_order:
        made = find(policy.id)
        if made is None or not made.says(policy, rules):
            made = _compile_policy(policy, rules, budget, problems)
        if made.rules and policy.enabled:
            compiled.append(made)
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
    positions = []
    for number, (policy, _) in enumerate(policies):
        position = policy.position
        if position is None:
            position = last + _POSITION_STEP
        if position > last:
            last = position
        positions.append(position)
        if number % _SLICE == 0:
            yield
    numbers = sorted(range(len(policies)), key=positions.__getitem__)
    yield
    if order is PolicyOrder.OCTAVIA:
        groups = [_group(policy) for policy, _ in policies]
        numbers.sort(key=groups.__getitem__)
        yield
    return [policies[number] for number in numbers]


def _group(policy: L7Policy) -> int:
    """Where "octavia" order has it, before its position counts."""
    return 0 if policy.action is None else _OCTAVIA_FIRST.get(policy.action, 1)


def _compile_policy(
    policy: L7Policy, rules: Sequence[L7Rule], budget: Budget, problems: list[Problem]
) -> CompiledPolicy:
    """
    One policy.

    @param problems: takes what is wrong with it.
    """
    decision = None
    if policy.action is not _TO_POOL or not policy.redirect_pool_id:
        # A decision for a pool cannot fail, and is made for the policies alone that are needed.
        try:
            decision = policy_decision(policy)
        except ConfigurationError as why:
            problems += why.problems
    compiled: tuple[AnyRule, ...] = ()
    plain = True
    for rule in rules:
        made = rule_or_problems(rule, budget, problems)
        if made is not None and rule.enabled:
            compiled += (made,)
            plain = plain and made.plain
    if not plain and len(compiled) > 1:
        compiled = tuple(sorted(compiled, key=lambda rule: COMPLEXITIES.index(rule.complexity)))
    return CompiledPolicy(policy, rules, compiled, plain, decision)
