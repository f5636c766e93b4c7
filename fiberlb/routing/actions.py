"""What becomes of a request: decisions, made when policies are compiled and shared by requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fiberlb.errors import REASONS, ConfigurationError, Path, Problem
from fiberlb.model.l7 import REDIRECT_STATUSES, L7Policy, PolicyAction
from fiberlb.model.listener import Listener
from fiberlb.model.response import WITHOUT_BODY
from fiberlb.model.split import SplitPersistence, WeightedPool
from fiberlb.model.treated import TREATMENTS
from fiberlb.routing.location import Location, compile_location
from fiberlb.routing.request import Request

#: What the default says of the keys that policies can have.
_PLAIN = (None,) * len(TREATMENTS)


class Decision:
    """
    One outcome: a pool, an answer that FiberLB makes itself, or a redirect.

    @ivar pool_id: where the request goes; C{None} for an answer, and for a split.
    @ivar pools: of a split: ids of pools with their weights, in their order; else empty.
    @ivar persistence: what keeps a client at its pool of a split, if anything does.
    @ivar failover_pool_id: in the place of a pool that has no member able to serve.
    @ivar policy: the policy that decided, C{policy_id}: its id; C{None} for the default.
    @ivar policy_name: for the access log; C{""} for the default.
    @ivar status: of the answer; 0 with a pool.
    @ivar reason: the reason code of an answer of our own (a key of
        L{fiberlb.errors.REASONS}); C{None} for a pool and for a redirect.
    @ivar content: the body of an answer that is neither a refusal nor a redirect.
    @ivar fields: what its head says of it: whole lines, without its length.
    @ivar timeouts: the policy's overrides, as pairs.
    @ivar needs_host: a redirect that cannot be told to a request without a host.
    """

    __slots__ = (
        "_location",
        "content",
        "failover_pool_id",
        "fields",
        "needs_host",
        "persistence",
        "policy",
        "policy_id",
        "policy_name",
        "pool_id",
        "pools",
        "reason",
        "status",
        "timeouts",
    )

    def __init__(
        self,
        *,
        pool_id: str | None = None,
        pools: Sequence[WeightedPool] | None = None,
        persistence: SplitPersistence | None = None,
        failover_pool_id: str | None = None,
        status: int = 0,
        reason: str | None = None,
        location: Location | None = None,
        policy: L7Policy | None = None,
        content: bytes | None = None,
        fields: bytes = b"",
    ) -> None:
        self.content = content
        self.fields = fields
        self.pool_id = pool_id
        self.pools = tuple([(one.pool_id, one.weight) for one in pools or ()])
        self.persistence = persistence
        self.failover_pool_id = failover_pool_id
        self.status = status
        self.reason = reason
        self._location = location
        self.needs_host = location is not None and location.needs_host
        self.policy = policy
        self.policy_id = policy.id if policy else None
        self.policy_name = policy.name if policy else ""
        self.timeouts: tuple[tuple[str, Any], ...] = policy.timeouts if policy else ()

    def location(self, request: Request) -> bytes:
        """The Location field's value of a redirect; C{b""} for anything else."""
        return b"" if self._location is None else self._location.render(request)

    def same_action(self, other: Decision) -> bool:
        """Whether a client could not tell the two apart, whichever policy took it."""
        return self is other or self._action() == other._action()

    def _action(self) -> tuple[object, ...]:
        text = self._location.text if self._location else None
        pools = (self.pool_id, self.pools, self.persistence, self.failover_pool_id)
        answer = (self.status, self.reason, text, self.content, self.fields)
        treatments = self.policy.treatments if self.policy else _PLAIN
        return (*pools, *answer, self.timeouts, treatments)

    def __repr__(self) -> str:
        what = self.pool_id or self.reason or ("split" if self.pools else "answer")
        return f"<Decision {what} {self.status} of {self.policy_name or 'the default'!r}>"


def refusal(reason: str) -> Decision:
    """An answer of our own, with the status that belongs to its reason code."""
    status = REASONS[reason]
    assert status is not None
    return Decision(status=status, reason=reason)


BAD_REQUEST = refusal("bad_request")
AMBIGUOUS_PATH = refusal("ambiguous_path")
NO_ROUTE = refusal("no_route")
#: What a listener's C{readiness_path} is answered, while the process goes on.
READY = Decision(
    status=200,
    content=b"ready\n",
    fields=b"Content-Type: text/plain\r\nCache-Control: no-store\r\n",
)


def default_decision(listener: Listener) -> Decision:
    """Where requests go that no policy takes."""
    if listener.https_redirect:
        location = compile_location("https://{host}{uri}", ())
        return Decision(status=listener.https_redirect, location=location)
    if listener.default_pools:
        return Decision(pools=listener.default_pools, persistence=listener.split_persistence)
    if listener.default_pool_id is None:
        return NO_ROUTE
    return Decision(pool_id=listener.default_pool_id)


def policy_decision(policy: L7Policy) -> Decision:
    """
    The outcome of a policy that matches.

    @raise ConfigurationError: with L{Problem}s at C{("l7_policies", id, field)}.
    """
    at: Path = ("l7_policies", policy.id)
    if policy.action is None:
        raise ConfigurationError([Problem((*at, "action"), "is needed", code="missing")])
    return _MAKE[policy.action](policy, at)


def _to_pool(policy: L7Policy, at: Path) -> Decision:
    instead = policy.failover_pool_id
    if policy.redirect_pools:
        return Decision(
            pools=policy.redirect_pools,
            persistence=policy.split_persistence,
            failover_pool_id=instead,
            policy=policy,
        )
    pool = _given(policy.redirect_pool_id, (*at, "redirect_pool_id"))
    return Decision(pool_id=pool, failover_pool_id=instead, policy=policy)


def _to_url(policy: L7Policy, at: Path) -> Decision:
    path = (*at, "redirect_url")
    location = compile_location(_given(policy.redirect_url, path), path)
    return Decision(status=_redirect_status(policy), location=location, policy=policy)


def _to_prefix(policy: L7Policy, at: Path) -> Decision:
    path = (*at, "redirect_prefix")
    prefix = _given(policy.redirect_prefix, path)
    if "?" in prefix or "#" in prefix:
        raise ConfigurationError([Problem(path, "must end before any query or fragment")])
    # Exactly one slash where the two meet: the path as sent begins with one.
    location = compile_location(prefix.rstrip("/") + "{uri}", path)
    return Decision(status=_redirect_status(policy), location=location, policy=policy)


def _reject(policy: L7Policy, at: Path) -> Decision:
    status = policy.redirect_http_status_code or REASONS["rejected"] or 403
    return Decision(status=status, reason="rejected", policy=policy)


def _respond(policy: L7Policy, at: Path) -> Decision:
    response = policy.response
    if response is None:
        raise ConfigurationError([Problem((*at, "response"), "is needed", code="missing")])
    lines = [f"{name}: {value}".encode() for name, value in response.headers]
    if response.status not in WITHOUT_BODY:
        lines.insert(0, f"Content-Type: {response.content_type}".encode())
    fields = b"".join([line + b"\r\n" for line in lines])
    return Decision(status=response.status, content=response.content, fields=fields, policy=policy)


def _redirect_status(policy: L7Policy) -> int:
    return policy.redirect_http_status_code or REDIRECT_STATUSES[0]


def _given(value: str | None, path: Path) -> str:
    if not value:
        raise ConfigurationError([Problem(path, "is needed", code="missing")])
    return value


_MAKE: dict[PolicyAction, Callable[[L7Policy, Path], Decision]] = {
    PolicyAction.REDIRECT_TO_POOL: _to_pool,
    PolicyAction.REDIRECT_TO_URL: _to_url,
    PolicyAction.REDIRECT_PREFIX: _to_prefix,
    PolicyAction.FIXED_RESPONSE: _respond,
    PolicyAction.REJECT: _reject,
}
