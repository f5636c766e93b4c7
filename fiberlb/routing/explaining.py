"""
Why a policy takes a request and the others do not, rule by rule.

The compiled rules that serve requests are asked here one after the other, as
slowly as it takes, so that what is told is what happens.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from fiberlb.routing.actions import Decision
from fiberlb.routing.candidates import Named
from fiberlb.routing.conditions import AnyRule, CompiledNest
from fiberlb.routing.match import Routes
from fiberlb.routing.policies import CompiledPolicy
from fiberlb.routing.request import Request
from fiberlb.routing.rules import EXTRACT

MATCHED, NOT, UNDECIDED = "matched", "not", "undecided"


@attrs.frozen
class RuleTold:
    """
    What one rule says of a request.

    @ivar id: of the rule.
    @ivar compared: the candidates that it looks at; none where the request has none.
    @ivar more: there are more than are looked at.
    @ivar outcome: C{matched}, C{not} or C{undecided}, C{invert} applied.
    @ivar within: the same of the rules that it is made of.
    """

    id: str
    compared: tuple[bytes, ...]
    more: bool
    outcome: str
    within: tuple[RuleTold, ...] = ()


@attrs.frozen
class PolicyTold:
    """
    What one policy says of a request.

    @ivar outcome: C{matched}, C{not} or C{undecided}; an undecided policy that rejects matches.
    """

    id: str
    outcome: str
    rules: tuple[RuleTold, ...]


@attrs.frozen
class Explained:
    """
    What becomes of a request, and why.

    @ivar decision: what a listener does, by its compiled index.
    @ivar policies: those that were evaluated, in this order, the one that takes it last.
    @ivar second: the same for the other reading of a path that has two; else empty.
    @ivar later: policies after the one that takes it, which are not asked.
    """

    decision: Decision
    policies: tuple[PolicyTold, ...]
    second: tuple[PolicyTold, ...]
    later: int


def explain(routes: Routes, request: Request) -> Explained:
    """Ask every policy of a listener up to the one that takes the request."""
    decision = routes.decide(request)
    told = _asked(routes, request)
    second: tuple[PolicyTold, ...] = ()
    if request.other:
        first, request.path = request.path, request.other
        try:
            second = _asked(routes, request)
        finally:
            request.path = first
    return Explained(decision, told, second, len(routes.policies) - len(told))


def taker(told: Sequence[PolicyTold]) -> str | None:
    """The id of the policy that takes the request; C{None}: none does."""
    return told[-1].id if told and told[-1].outcome == MATCHED else None


def _asked(routes: Routes, request: Request) -> tuple[PolicyTold, ...]:
    found = []
    for policy in routes.policies:
        # An explanation has the time of a request for each policy, not for all of them.
        routes.renew()
        found.append(_told(policy, request))
        if found[-1].outcome == MATCHED:
            break
    return tuple(found)


def _told(policy: CompiledPolicy, request: Request) -> PolicyTold:
    rules = tuple(_rule(rule, request) for rule in policy.rules)
    found = {rule.outcome for rule in rules}
    outcome = NOT if NOT in found else UNDECIDED if UNDECIDED in found else MATCHED
    if outcome == UNDECIDED and policy.rejects:
        outcome = MATCHED
    return PolicyTold(policy.id, outcome, rules)


def _rule(rule: AnyRule, request: Request) -> RuleTold:
    if isinstance(rule, CompiledNest):
        within = tuple(_rule(one, request) for one in rule.rules)
        return RuleTold(rule.id, (), False, rule.outcome(request), within)
    kind, name = rule.aspect
    source = EXTRACT[kind].source
    if isinstance(source, Named):
        texts, more = source.texts(request, name)
        return RuleTold(rule.id, tuple(texts), more, rule.outcome(request))
    text = source(request)
    return RuleTold(rule.id, () if text is None else (text,), False, rule.outcome(request))
