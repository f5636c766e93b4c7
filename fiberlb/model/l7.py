"""L7 policies: which request goes where."""

from __future__ import annotations

from enum import Enum
from typing import Any, ClassVar

import attrs

from fiberlb.errors import Path
from fiberlb.model.bounds import POLICY_TIMEOUTS, Timeouts
from fiberlb.model.convert import Partial
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
from fiberlb.model.resource import Resource

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
    REJECT = "reject"


_IMPLIED = {
    "redirect_pool_id": PolicyAction.REDIRECT_TO_POOL,
    "redirect_url": PolicyAction.REDIRECT_TO_URL,
    "redirect_prefix": PolicyAction.REDIRECT_PREFIX,
}
#: Statuses of a redirect; the first is the default.
REDIRECT_STATUSES = (302, 301, 303, 307, 308)


@attrs.frozen(kw_only=True)
class L7Policy(Resource):
    """
    Rules, all of which must match, and what then happens.

    @ivar position: policies are evaluated lowest first; C{None} until the
        listener's policies are known, then 10 after the last.
    @ivar redirect_http_status_code: C{None}: 302 of a redirect, 403 of a reject.
    """

    COLLECTION: ClassVar[str] = "l7_policies"
    PARENT: ClassVar[tuple[str, str] | None] = ("listener_id", "listeners")
    CHILDREN: ClassVar[dict[str, str]] = {"rules": "l7_rules"}
    LATER: ClassVar[frozenset[str]] = frozenset(
        "redirect_pools failover_pool_id response split_persistence request_headers"
        " response_headers rewrite mirror rate_limit basic_auth jwt forward_auth cors compression"
        " error_pages".split()
    )

    listener_id: str = field(Reference("listeners"), "")
    position: int | None = field(Optional(Whole(0, 2147483647)), None)
    action: PolicyAction | None = field(
        Optional(OneOf(PolicyAction, later=("fixed_response",))), None
    )
    redirect_pool_id: str | None = field(Optional(Reference("pools")), None)
    redirect_url: str | None = field(Optional(Text(2048, 1)), None)
    redirect_prefix: str | None = field(Optional(Text(2048, 1)), None)
    redirect_http_status_code: int | None = field(Optional(Whole(300, 599)), None)
    timeouts: tuple[tuple[str, Any], ...] = field(Partial(Timeouts, POLICY_TIMEOUTS), ())

    @classmethod
    def expand(cls, value: Any, path: Path, loading: Loading) -> Any:
        """C{action} may be left out when exactly one target is given."""
        if not isinstance(value, dict) or value.get("action") is not None:
            return value
        given = [key for key in _IMPLIED if value.get(key) is not None]
        if len(given) == 1:
            return {**value, "action": _IMPLIED[given[0]].value}
        later = [key for key in ("redirect_pools", "response") if key in value]
        if not given and not later:
            loading.refuse((*path, "action"), "is needed", code="missing")
        elif not later:
            loading.refuse((*path, "action"), f"is needed: {' and '.join(given)} are both given")
        return value

    def check(self, path: Path, loading: Loading) -> None:
        """Each action needs its own target and no other, and a status of its kind."""
        for key, action in _IMPLIED.items():
            given = getattr(self, key) is not None
            if action is self.action and not given:
                loading.refuse((*path, key), f"is needed by {action.value}", code="missing")
            if action is not self.action and given and self.action is not None:
                loading.refuse((*path, key), f"does not go with {self.action.value}")
        status = self.redirect_http_status_code
        at = (*path, "redirect_http_status_code")
        if status is None:
            return
        if self.action is PolicyAction.REJECT and status < 400:
            loading.refuse(at, "must be from 400 to 599 with reject")
        elif self.action is PolicyAction.REDIRECT_TO_POOL:
            loading.refuse(at, "does not go with redirect_to_pool")
        elif self.action is not PolicyAction.REJECT and status not in REDIRECT_STATUSES:
            loading.refuse(at, "must be one of 301, 302, 303, 307, 308")
