"""What becomes of a request, who serves it and why, as a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from fiberlb.control.asking import Answered, answered
from fiberlb.control.choosing import Choice, choose
from fiberlb.control.choosing_pool import Candidate, Pools, pools_of
from fiberlb.errors import REASONS
from fiberlb.model.asked import Asked
from fiberlb.model.configuration import Configuration
from fiberlb.model.l7 import NESTING, Condition, L7Policy, L7Rule, RuleType
from fiberlb.model.operational import Operational
from fiberlb.pool_plans import PoolPlan
from fiberlb.routing.actions import READY
from fiberlb.routing.explaining import PolicyTold, RuleTold, taker
from fiberlb.snapshot import ListenerPlan, Snapshot

#: Policies told of, and candidates of one rule, before the rest is only counted.
MOST_POLICIES = 200
MOST_COMPARED = 10


@attrs.frozen
class Surroundings:
    """
    What explanations look at beside the snapshot.

    @ivar trusted: networks whose forwarded fields are believed.
    @ivar seen: id of a member -> its health, and why.
    @ivar operated: id of a member -> what operators have set.
    @ivar panicking: ids of the pools all members of which are used.
    """

    trusted: Sequence[str]
    seen: Callable[[str], tuple[str, str]]
    operated: Callable[[str], Operational]
    panicking: Sequence[str] = ()


def explanation(
    snapshot: Snapshot, plan: ListenerPlan, asked: Asked, around: Surroundings
) -> dict[str, Any]:
    """The document of C{POST /v1/listeners/ID/explain}."""
    found = answered(plan, asked, around.trusted)
    configuration = snapshot.configuration
    decision = found.decision
    policy = configuration.all(L7Policy).get(decision.policy_id or "")
    pools = _pools(snapshot, found, around)
    likely = pools.likely
    pool = likely[0].pool if len(likely) == 1 else None
    choice = likely[0].choice if len(likely) == 1 else None
    status = REASONS.get(choice.reason) if choice and choice.reason else found.status
    reason = (choice.reason if choice else "") or decision.reason or None
    return {
        "listener": {"id": plan.listener.id, "name": plan.listener.name},
        "request": _request(found, asked),
        "summary": _summary(found, policy, likely),
        "policy": None if policy is None else {"id": policy.id, "name": policy.name},
        "action": _action(found),
        "status": status if plan.listener.speaks_http else None,
        "reason": reason,
        "location": found.location or None,
        "pool": None if pool is None or choice is None else _pool(pool, choice),
        "split": _split(found, pools),
        **_policies(configuration, plan, found),
    }


def _pools(snapshot: Snapshot, found: Answered, around: Surroundings) -> Pools:
    request = found.request
    if request is None:
        return Pools((), None)

    def chosen(plan: PoolPlan) -> Choice:
        panics = plan.pool.id in around.panicking
        return choose(plan, request, found.client, around.seen, around.operated, panics)

    return pools_of(found.decision, snapshot.pools, chosen)


def _split(found: Answered, pools: Pools) -> dict[str, Any] | None:
    """The pools that there are to choose from, if there is a choice."""
    if not found.decision.pools and pools.failover is None:
        return None
    told = [
        {"id": one.pool.id, "name": one.pool.name, "weight": one.weight, "able": one.able}
        for one in pools.named
    ]
    other = pools.failover
    failover = None
    if other is not None:
        failover = {"id": other.pool.id, "name": other.pool.name, "able": other.able}
    persistence = found.decision.persistence is not None
    return {"pools": told, "failover": failover, "persistence": persistence}


def _action(found: Answered) -> str:
    decision = found.decision
    if decision.pool_id or decision.pools:
        return "pool"
    if decision.reason:
        return "reject" if decision.reason == "rejected" else "refuse"
    return "redirect" if found.location else "answer"


def _summary(found: Answered, policy: L7Policy | None, likely: Sequence[Candidate]) -> str:
    """The explanation in a sentence."""
    decision = found.decision
    if found.explained is None:
        return f"refused before any policy: {found.detail}"
    who = f"policy {policy.name or policy.id!r}" if policy else "no policy takes it: the default"
    if decision is READY:
        return "the readiness_path: this process answers whether it serves"
    if decision.reason == "ambiguous_path":
        return "its path can be read in two ways, and they lead to different actions"
    if decision.reason == "no_route":
        return "no policy takes it, and there is no default pool"
    if not decision.pool_id and not decision.pools:
        where = f" to {found.location}" if found.location else ""
        return f"{who} answers {decision.status}{where}"
    if len(likely) != 1:
        names = ", ".join([f"{one.pool.name!r} (weight {one.weight})" for one in likely])
        return f"{who} leads to one of the pools {names or 'there are'}"
    pool, choice = likely[0].pool.name, likely[0].choice
    if choice.reason:
        return f"{who} leads to pool {pool!r}, where {choice.how}"
    whom = choice.chosen.name if choice.chosen else f"one of {len(choice.eligible)} members"
    return f"{who} leads to pool {pool!r}: {whom} ({choice.how})"


def _request(found: Answered, asked: Asked) -> dict[str, Any]:
    """As policies see it."""
    seen = found.request
    if seen is None:
        return {"method": asked.method, "target": asked.target, "client": found.client}
    return {
        "method": _text(seen.method),
        "target": _text(seen.target),
        "host": _text(seen.host),
        "path": _text(seen.path),
        "other_reading": _text(seen.other) if seen.other else None,
        "client": found.client,
        "sni": None if seen.sni is None else _text(seen.sni),
        "secure": seen.secure,
    }


def _pool(pool: Any, choice: Choice) -> dict[str, Any]:
    chosen = choice.chosen
    return {
        "id": pool.id,
        "name": pool.name,
        "algorithm": pool.algorithm.value,
        "persistence": pool.session_persistence is not None,
        "chosen": None if chosen is None else {"id": chosen.id, "name": chosen.name},
        "how": choice.how,
        "members": [
            {
                "id": one.member.id,
                "name": one.member.name,
                "address": one.member.address,
                "port": one.member.port,
                "weight": one.weight,
                "health": one.health,
                "eligible": not one.why,
                "why_not": one.why or None,
            }
            for one in choice.members
        ],
    }


def _policies(configuration: Configuration, plan: ListenerPlan, found: Answered) -> dict[str, Any]:
    """Every policy: asked, not asked, or never asked."""
    explained = found.explained
    told = explained.policies if explained else ()
    shown = told if len(told) <= MOST_POLICIES else (*told[: MOST_POLICIES - 1], told[-1])
    evaluated = {policy.id for policy in plan.routes.policies}
    mine = configuration.children(L7Policy, plan.listener.id)
    never = [one for one in mine if one.id not in evaluated][:MOST_POLICIES]
    done: dict[str, Any] = {
        "policies": [_policy(configuration, one) for one in shown],
        "left_out": len(told) - len(shown),
        "not_asked": explained.later if explained else len(evaluated),
        "never_asked": [_never(configuration, plan, one) for one in never],
    }
    if explained and explained.second:
        other = taker(explained.second)
        done["other_reading"] = {
            "policy": None if other is None else _named(configuration, other),
            "policies": [_policy(configuration, one) for one in explained.second[:MOST_POLICIES]],
        }
    return done


def _never(configuration: Configuration, plan: ListenerPlan, policy: L7Policy) -> dict[str, Any]:
    if plan.listener.https_redirect:
        why = "https_redirect is for everything"
    elif not policy.enabled:
        why = "disabled"
    else:
        why = "it has no enabled rules"
    return {"id": policy.id, "name": policy.name, "why": why}


def _named(configuration: Configuration, ident: str) -> dict[str, str]:
    return {"id": ident, "name": configuration.all(L7Policy)[ident].name}


def _policy(configuration: Configuration, told: PolicyTold) -> dict[str, Any]:
    policy = configuration.all(L7Policy)[told.id]
    return {
        "id": policy.id,
        "name": policy.name,
        "action": policy.action.value if policy.action else None,
        "outcome": told.outcome,
        "rules": [_rule(configuration.all(L7Rule)[one.id], one) for one in told.rules],
    }


def _rule(rule: L7Rule, told: RuleTold) -> dict[str, Any]:
    return {"id": rule.id, "name": rule.name, **_condition(rule, told)}


def _condition(rule: Condition, told: RuleTold) -> dict[str, Any]:
    """What a rule asks, and what the request says to it; of a nested one each part."""
    done: dict[str, Any] = {"rule_type": rule.rule_type.value}
    if rule.rule_type not in NESTING:
        compared = [_text(text) for text in told.compared[:MOST_COMPARED]]
        if rule.rule_type is RuleType.SOURCE_IP:
            compared = [_address(text) for text in told.compared]
        done["compare_type"] = rule.compare_type.value
        done["key"] = rule.key
        done["values"] = list(rule.candidates[:MOST_COMPARED])
        done["compared"] = compared
    else:
        pairs = zip(rule.rules, told.within, strict=True)
        done["rules"] = [_condition(*pair) for pair in pairs]
    return {**done, "invert": rule.invert, "outcome": told.outcome}


def _address(bits: bytes) -> str:
    """An address of its bits (L{fiberlb.routing.request.address_bits})."""
    number = int(bits[1:], 2)
    if bits[:1] == b"4":
        return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
    return ":".join(f"{number >> shift & 0xFFFF:x}" for shift in range(112, -1, -16))


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "backslashreplace")
