"""Which of several pools may get a request now: splits by weight, and pools that stand in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from fiberlb.control.choosing import Choice
from fiberlb.model.pool import Pool
from fiberlb.pool_plans import PoolPlan
from fiberlb.routing.actions import Decision


@attrs.frozen
class Candidate:
    """
    A pool that a decision names.

    @ivar weight: of a split; of a single pool 1.
    @ivar choice: what it would do with the request.
    """

    pool: Pool
    weight: int
    choice: Choice

    @property
    def able(self) -> bool:
        """Whether it has a member that may serve."""
        return not self.choice.reason


@attrs.frozen
class Pools:
    """
    The pools of a decision.

    @ivar named: in the order of the configuration.
    @ivar failover: what stands in for one of them that is not able to serve.
    """

    named: tuple[Candidate, ...]
    failover: Candidate | None

    @property
    def likely(self) -> Sequence[Candidate]:
        """
        Those that may get the request: of several it is a matter of weights, or of a cookie.

        As L{fiberlb.relay.splitting} has it.
        """
        drawn = [one for one in self.named if one.weight]
        able = [one for one in drawn if one.able]
        if len(able) < len(drawn) and self.failover is not None and self.failover.able:
            return [*able, self.failover]
        return able or drawn[:1]


def pools_of(
    decision: Decision, plans: Mapping[str, PoolPlan], choose: Callable[[PoolPlan], Choice]
) -> Pools:
    """The pools that a decision names; none of an answer."""
    weights = decision.pools or ([(decision.pool_id, 1)] if decision.pool_id else [])
    named = [_candidate(plans[ident], weight, choose) for ident, weight in weights]
    instead = plans.get(decision.failover_pool_id or "")
    return Pools(tuple(named), None if instead is None else _candidate(instead, 1, choose))


def _candidate(plan: PoolPlan, weight: int, choose: Callable[[PoolPlan], Choice]) -> Candidate:
    return Candidate(plan.pool, weight, choose(plan))
