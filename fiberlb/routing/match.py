"""
The policies of a listener, compiled into one function of a request.

Everything that can fail fails here, when the configuration changes; a request
pays for the tests alone. The same compiled policies serve L{Routes.decide}
and L{Routes.trace}, so that an explanation cannot differ from what happens.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

import attrs

from fiberlb.errors import ConfigurationError, Path, Problem
from fiberlb.model.l7 import KEYED, L7Policy, L7Rule, PolicyAction
from fiberlb.model.listener import EncodedSlash, Listener, PolicyOrder
from fiberlb.routing.actions import (
    AMBIGUOUS_PATH,
    BAD_REQUEST,
    Decision,
    default_decision,
    policy_decision,
)
from fiberlb.routing.compare import COMPARE, Comparison, Subject, ValueProblem
from fiberlb.routing.patterns import Budget, Clock, Report
from fiberlb.routing.request import Request
from fiberlb.routing.rules import EXTRACT, RequestTest

Decide = Callable[[Request], Decision]
#: What "octavia" order evaluates first; what is not named comes between.
_OCTAVIA_FIRST = {PolicyAction.REJECT: 0, PolicyAction.REDIRECT_TO_POOL: 2}
_STEP = 10


@attrs.frozen
class CompiledRule:
    """
    One rule.

    @ivar test: whether its comparison holds, before C{invert}.
    @ivar complexity: C{literal} (string operations) or C{bounded} (a regular
        expression under a time limit).
    """

    id: str
    test: RequestTest
    invert: bool
    complexity: str

    def outcome(self, request: Request) -> str:
        """C{matched}, C{not} or C{undecided}."""
        found = self.test(request)
        return "undecided" if found is None else "not" if found is self.invert else "matched"


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


class Routes:
    """
    A listener's policies.

    @ivar decide: what becomes of a request.
    @ivar only: the one decision that every request gets, whatever it is; C{None}
        when it depends on the request, which then has to be built.
    @ivar complexity: rule id -> C{literal} or C{bounded}, of the rules that are evaluated.
    """

    __slots__ = ("_default", "_policies", "complexity", "decide", "only")

    def __init__(
        self,
        policies: Sequence[CompiledPolicy],
        default: Decision,
        encoded_slash: EncodedSlash,
        budget: Budget,
    ) -> None:
        self._policies = tuple(policies)
        self._default = default
        rules = [rule for policy in policies for rule in policy.rules]
        self.complexity: Mapping[str, str] = {rule.id: rule.complexity for rule in rules}
        decide = _in_order(self._policies, default)
        if default.needs_host or any(policy.decision.needs_host for policy in policies):
            decide = _with_host(decide)
        decide = _with_readings(decide, encoded_slash)
        if "bounded" in self.complexity.values():
            decide = _with_budget(decide, budget)
        self.decide: Decide = decide
        constant = not policies and not default.needs_host
        self.only = default if constant and encoded_slash is not EncodedSlash.REJECT else None

    def trace(self, request: Request) -> list[tuple[str, str, str]]:
        """
        How a request is decided, in the path's first reading.

        @return: policy id, rule id, and C{matched}, C{not} or C{undecided}, in the
            order of evaluation, up to the policy that decides.
        """
        steps: list[tuple[str, str, str]] = []
        for policy in self._policies:
            outcomes = [(rule.id, rule.outcome(request)) for rule in policy.rules]
            steps += [(policy.id, rule, outcome) for rule, outcome in outcomes]
            found = {outcome for _, outcome in outcomes}
            if "not" not in found and (policy.rejects or "undecided" not in found):
                break
        return steps


def compile_routes(
    listener: Listener,
    policies: Sequence[tuple[L7Policy, Sequence[L7Rule]]],
    *,
    clock: Clock,
    report: Report,
) -> Routes:
    """
    Compile a listener's policies.

    @param policies: with their rules, in order of creation; disabled ones are
        checked and left out.
    @param clock: monotonic seconds, read afresh at each call.
    @param report: called with a rule's id and a text for every match that stays
        undecided.

    @raise ConfigurationError: with every L{Problem} at C{(collection, id, field)}.
    """
    steps = compile_in_steps(listener, policies, clock=clock, report=report)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            routes: Routes = done.value
            return routes


def compile_in_steps(
    listener: Listener,
    policies: Sequence[tuple[L7Policy, Sequence[L7Rule]]],
    *,
    clock: Clock,
    report: Report,
) -> Generator[None, None, Routes]:
    """L{compile_routes}, yielding after every policy, since there may be thousands."""
    budget = Budget(clock, report)
    problems: list[Problem] = []
    compiled = []
    for policy, rules in ordered(listener.l7policy_order, policies):
        try:
            made = _compile_policy(policy, rules, budget)
        except ConfigurationError as why:
            problems += why.problems
        else:
            compiled += [made] if policy.enabled and made.rules else []
        yield
    if problems:
        raise ConfigurationError(problems)
    # https_redirect is for everything; its policies wait for the day it is turned off.
    evaluated = () if listener.https_redirect else compiled
    return Routes(evaluated, default_decision(listener), listener.encoded_slash, budget)


def ordered(
    order: PolicyOrder, policies: Iterable[tuple[L7Policy, Sequence[L7Rule]]]
) -> list[tuple[L7Policy, Sequence[L7Rule]]]:
    """
    Policies in their order of evaluation.

    @param policies: in order of creation, which decides between equal positions;
        one without a position comes after all before it.
    """
    last = 0
    placed = []
    for policy, rules in policies:
        position = last + _STEP if policy.position is None else policy.position
        last = max(last, position)
        group = 0
        if order is PolicyOrder.OCTAVIA and policy.action is not None:
            group = _OCTAVIA_FIRST.get(policy.action, 1)
        placed.append((group, position, (policy, rules)))
    placed.sort(key=lambda place: place[:2])
    return [pair for _, _, pair in placed]


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
    # A clear no from a cheap rule saves the search, and leaves less undecided.
    compiled.sort(key=lambda rule: rule.complexity == "bounded")
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
    comparison = Comparison(lambda candidate: True)
    if rule.candidates:
        subject = Subject(extract.spell, extract.fold, rule.id, budget)
        try:
            comparison = COMPARE[rule.compare_type](rule.candidates, subject)
        except ValueProblem as why:
            field: Path = ("value",) if rule.value is not None else ("values", why.index)
            raise ConfigurationError([Problem((*at, *field), why.message)]) from why
    test = extract.bind(rule.key or "", comparison.test)
    complexity = "bounded" if comparison.bounded else "literal"
    return CompiledRule(rule.id, test, rule.invert, complexity)


def _in_order(policies: Sequence[CompiledPolicy], default: Decision) -> Decide:
    """
    The first policy that matches.

    A rule does not hold when its test gives exactly its C{invert}; anything
    else is a match, or C{None}: undecided, which holds for rejecting alone.
    """
    rows = tuple(
        (
            policy.rules[0].test,
            policy.rules[0].invert,
            tuple((rule.test, rule.invert) for rule in policy.rules[1:]),
            policy.rejects,
            policy.decision,
        )
        for policy in policies
    )

    def decide(request: Request) -> Decision:
        for test, miss, rest, rejects, decision in rows:
            found = test(request)
            if found is miss:
                continue
            decided = found is not None
            for test, miss in rest:
                found = test(request)
                if found is miss:
                    break
                decided = decided and found is not None
            else:
                if decided or rejects:
                    return decision
        return default

    return decide


def _with_host(decide: Decide) -> Decide:
    """A redirect to the request's own host is an error of a request that names none."""

    def with_host(request: Request) -> Decision:
        decision = decide(request)
        return BAD_REQUEST if decision.needs_host and not request.host else decision

    return with_host


def _with_readings(decide: Decide, encoded_slash: EncodedSlash) -> Decide:
    """Paths that origins may read in two ways, or that must not pass."""

    def unusual(request: Request) -> Decision:
        second = request.other
        if not second:
            return BAD_REQUEST
        if encoded_slash is EncodedSlash.REJECT:
            return AMBIGUOUS_PATH
        decision = decide(request)
        if encoded_slash is EncodedSlash.KEEP:
            return decision
        first, request.path = request.path, second
        try:
            other = decide(request)
        finally:
            request.path = first
        return decision if decision.same_action(other) else AMBIGUOUS_PATH

    def with_readings(request: Request) -> Decision:
        return decide(request) if request.other is None else unusual(request)

    return with_readings


def _with_budget(decide: Decide, budget: Budget) -> Decide:
    """Both readings of a path share what one request may take."""

    def with_budget(request: Request) -> Decision:
        budget.renew()
        return decide(request)

    return with_budget
