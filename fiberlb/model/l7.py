"""L7 policies: which request goes where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.bounds import POLICY_TIMEOUTS, Timeouts
from fiberlb.model.convert import Nested, Partial
from fiberlb.model.fields import Loading, OneOf, Optional, Reference, Text, Whole, field
from fiberlb.model.l7_rule import (
    EXACT_ONLY,
    KEYED,
    NESTING,
    OF_CONNECTIONS,
    CompareType,
    Condition,
    L7Rule,
    RuleType,
)
from fiberlb.model.response import FixedResponse
from fiberlb.model.split import (
    PERSISTENCE,
    WEIGHTED_POOLS,
    SplitPersistence,
    WeightedPool,
    check_split,
)
from fiberlb.model.treated import Treated, own_first

__all__ = [
    "EXACT_ONLY",
    "KEYED",
    "NESTING",
    "OF_CONNECTIONS",
    "REDIRECT_STATUSES",
    "CompareType",
    "Condition",
    "L7Policy",
    "L7Rule",
    "PolicyAction",
    "RuleType",
]


class PolicyAction(Enum):
    """What happens to a request that matches."""

    REDIRECT_TO_POOL = "redirect_to_pool"
    REDIRECT_TO_URL = "redirect_to_url"
    REDIRECT_PREFIX = "redirect_prefix"
    FIXED_RESPONSE = "fixed_response"
    REJECT = "reject"


#: What is given -> the action that it is for.
_IMPLIED = {
    "redirect_pool_id": PolicyAction.REDIRECT_TO_POOL,
    "redirect_pools": PolicyAction.REDIRECT_TO_POOL,
    "redirect_url": PolicyAction.REDIRECT_TO_URL,
    "redirect_prefix": PolicyAction.REDIRECT_PREFIX,
    "response": PolicyAction.FIXED_RESPONSE,
}
#: What is for requests that go to pools.
_TO_POOLS = ("failover_pool_id", "split_persistence", "request_headers", "rewrite", "mirror")
#: Statuses of a redirect; the first is the default.
REDIRECT_STATUSES = (302, 301, 303, 307, 308)


@attrs.frozen(kw_only=True, field_transformer=own_first)
class L7Policy(Treated):
    """
    Rules, all of which must match, and what then happens.

    @ivar position: policies are evaluated lowest first; C{None} until the
        listener's policies are known, then 10 after the last.
    @ivar redirect_pools: several, each with its share, in place of C{redirect_pool_id}.
    @ivar failover_pool_id: in its place while it has no member that is able to serve.
    @ivar split_persistence: keeps a client at its pool of C{redirect_pools}.
    @ivar redirect_http_status_code: C{None}: 302 of a redirect, 403 of a reject.
    """

    COLLECTION: ClassVar[str] = "l7_policies"
    PARENT: ClassVar[tuple[str, str] | None] = ("listener_id", "listeners")
    CHILDREN: ClassVar[dict[str, str]] = {"rules": "l7_rules"}
    TELLING: ClassVar[str] = "action"

    listener_id: str = field(Reference("listeners"), "")
    position: int | None = field(Optional(Whole(0, 2147483647)), None)
    action: PolicyAction | None = field(Optional(OneOf(PolicyAction)), None)
    redirect_pool_id: str | None = field(Optional(Reference("pools")), None)
    redirect_pools: tuple[WeightedPool, ...] | None = field(Optional(WEIGHTED_POOLS), None)
    failover_pool_id: str | None = field(Optional(Reference("pools")), None)
    split_persistence: SplitPersistence | None = field(PERSISTENCE, None)
    redirect_url: str | None = field(Optional(Text(2048, 1)), None)
    redirect_prefix: str | None = field(Optional(Text(2048, 1)), None)
    redirect_http_status_code: int | None = field(Optional(Whole(300, 599)), None)
    response: FixedResponse | None = field(Optional(Nested(FixedResponse)), None)
    timeouts: tuple[tuple[str, Any], ...] = field(Partial(Timeouts, POLICY_TIMEOUTS), ())

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """C{action} may be left out when exactly one target is given."""
        if not isinstance(value, dict) or value.get("action") is not None:
            return value
        given = [key for key in _IMPLIED if value.get(key) is not None]
        if len(given) == 1:
            return {**value, "action": _IMPLIED[given[0]].value}
        if not given:
            loading.refuse((*path, "action"), "is needed", code="missing")
        else:
            both = f"{', '.join(given[:-1])} and {given[-1]} are"
            both += " both given" if len(given) == 2 else " given together"
            loading.refuse((*path, "action"), f"is needed: {both}")
        return value

    def check(self, path: Path, loading: Loading) -> None:
        """Each action needs its own target and no other, and a status of its kind."""
        self._check_targets(path, loading)
        if self.redirect_pools or self.split_persistence:
            check_split(
                self.redirect_pools or (), self.split_persistence, "redirect_pools", path, loading
            )
        status = self.redirect_http_status_code
        if status is None:
            return
        at = (*path, "redirect_http_status_code")
        if self.action is PolicyAction.REJECT and status < 400:
            loading.refuse(at, "must be from 400 to 599 with reject")
        elif self.action is PolicyAction.REDIRECT_TO_POOL:
            loading.refuse(at, "does not go with redirect_to_pool")
        elif self.action is PolicyAction.FIXED_RESPONSE:
            loading.refuse(at, "does not go with fixed_response; response has a status")
        elif self.action is not PolicyAction.REJECT and status not in REDIRECT_STATUSES:
            loading.refuse(at, "must be one of 301, 302, 303, 307, 308")

    @classmethod
    def orderly(cls, columns: Mapping[str, Sequence[Any]]) -> bool:
        """Whether each has the one target that its action needs, and no status."""
        given = _BETWEEN.intersection(columns)
        if len(given) > 1 or not given <= _ALONE or any(None in columns[key] for key in given):
            return False
        actions = {*columns.get("action", (None,))}
        return None not in actions and all(
            given == _ALONE.intersection(_TARGETS[action.value][0]) for action in actions
        )

    def _check_targets(self, path: Path, loading: Loading) -> None:
        action = self.action
        if action is None:
            return
        own, others, get = _TARGETS[action._value_]
        given = [key for key in own if getattr(self, key) is not None]
        if own and not given:
            loading.refuse((*path, own[0]), f"is needed by {action.value}", code="missing")
        if len(given) > 1:
            message = f"{given[0]} and {given[1]} exclude each other"
            loading.refuse((*path, given[1]), message)
        if self.redirect_pools is not None and not self.redirect_pools:
            loading.refuse((*path, "redirect_pools"), "must name a pool")
        if get(self) == (None,) * len(others):
            return
        for key in others:
            if getattr(self, key) is not None:
                loading.refuse((*path, key), f"does not go with {action.value}")


def _targets(action: PolicyAction) -> tuple[list[str], list[str], attrgetter[Any]]:
    own = [key for key, wanted in _IMPLIED.items() if wanted is action]
    others = [key for key in _IMPLIED if key not in own]
    if action is not PolicyAction.REDIRECT_TO_POOL:
        others += _TO_POOLS
    return own, others, attrgetter(*others)


#: The fields that a check looks at besides the action; those that need nothing but to be given.
_BETWEEN = frozenset((*_IMPLIED, *_TO_POOLS, "redirect_http_status_code"))
_ALONE = frozenset(_IMPLIED) - {"redirect_pools"}
#: By its word, of each action its own targets, all others, and what gets these.
_TARGETS = {action.value: _targets(action) for action in PolicyAction}
