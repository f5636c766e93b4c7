"""Which members of a pool may get a request now, why the others may not, and whose turn it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import attrs

from fiberlb.balancing.interface import Sources
from fiberlb.balancing.table import ALGORITHMS
from fiberlb.model.hash_on import HashOn
from fiberlb.model.l7 import RuleType
from fiberlb.model.operational import MemberMode, Operational
from fiberlb.model.pool import Member
from fiberlb.pool_plans import PoolPlan
from fiberlb.routing.candidates import Named
from fiberlb.routing.request import Request
from fiberlb.routing.rules import EXTRACT

#: What health says of members that do not serve.
_UNFIT = ("down", "ejected")


@attrs.frozen
class Standing:
    """
    One member.

    @ivar weight: as it is now.
    @ivar why: that it may not be chosen; empty: it may.
    @ivar health: C{up}, C{down} and so on.
    """

    member: Member
    weight: int
    why: str
    health: str


@attrs.frozen
class Choice:
    """
    What a pool does with a request.

    @ivar members: all that are enabled.
    @ivar chosen: the one that gets it; C{None}: it is not the same each time, or nobody does.
    @ivar how: how it is chosen, in words.
    @ivar reason: the reason code where nobody may be chosen; else empty.
    """

    members: tuple[Standing, ...]
    chosen: Member | None
    how: str
    reason: str = ""

    @property
    def eligible(self) -> list[Standing]:
        """Those that may be chosen."""
        return [one for one in self.members if not one.why]


@attrs.frozen
class _Idle:
    """A member that has nothing to do, as balancers look at members."""

    member: Member
    in_flight: int = 0
    full: bool = False
    latency: None = None


def choose(
    plan: PoolPlan,
    request: Request,
    client: str,
    seen: Callable[[str], tuple[str, str]],
    operated: Callable[[str], Operational],
    panics: bool = False,
) -> Choice:
    """
    Who may get a request of a client.

    @param seen: id of a member -> its health, and why.
    @param operated: id of a member -> what operators have set.
    @param panics: all serve, whatever their health.
    """
    members = _ranked([_standing(member, seen, operated, panics) for member in plan.members])
    able = [one for one in members if not one.why]
    if not plan.pool.enabled:
        return Choice(members, None, "the pool is disabled", "pool_disabled")
    if not able:
        reason = "all_members_down" if members else "no_members"
        return Choice(members, None, "no member may be chosen", reason)
    algorithm = plan.pool.algorithm
    entry = ALGORITHMS[algorithm]
    key = _key(entry.key, plan.pool.hash_on, request, client)
    if len(able) == 1:
        return Choice(members, able[0].member, "it is the only one that may be chosen")
    if key is None and entry.key is None and algorithm.value != "first_available":
        return Choice(members, None, f"{algorithm.value}: by turns, load and weight")
    if key is None and entry.key is not None:
        return Choice(members, None, f"{algorithm.value}: the request has no key; any of them")
    standing = [(one.member.id, one.weight, _Idle(one.member)) for one in able]
    balancer: Any = entry.make(Sources(0, lambda: 0.0, lambda: 0.0))
    if key is None:
        balancer.update(standing)
        return Choice(members, balancer.pick().member, "the first that may be chosen")
    balancer.arrange(_arranged(members))
    balancer.update(standing)
    told = key.decode("utf-8", "backslashreplace")
    chosen = balancer.pick_for(key).member
    return Choice(members, chosen, f"{algorithm.value}: by the key {told!r}")


def _standing(
    member: Member,
    seen: Callable[[str], tuple[str, str]],
    operated: Callable[[str], Operational],
    panics: bool,
) -> Standing:
    health, reason = seen(member.id)
    state = operated(getattr(member, "of", member.id))
    weight = member.weight if state.weight is None else state.weight
    why = ""
    if state.mode is not MemberMode.READY:
        why = f"set to {state.mode.value}" + (f": {state.reason}" if state.reason else "")
    elif not weight:
        why = "weight 0"
    elif health in _UNFIT and not panics:
        why = f"{health}: {reason}" if reason else health
    return Standing(member, weight, why, health)


def _ranked(members: Sequence[Standing]) -> tuple[Standing, ...]:
    """Backups, and members of a later priority, wait for those before them."""
    able = [(one.member.backup, one.member.priority) for one in members if not one.why]
    first = min(able, default=None)
    done = []
    for one in members:
        waits = not one.why and (one.member.backup, one.member.priority) != first
        word = "a backup: others serve" if one.member.backup else "its priority: others serve"
        done.append(attrs.evolve(one, why=word) if waits else one)
    return tuple(done)


def _arranged(members: Sequence[Standing]) -> list[tuple[str, int, _Idle]]:
    """Those that keys are shared out over: of the first priority there is, up or not."""
    found = [one for one in members if one.weight]
    first = min((one.member.backup, one.member.priority) for one in found)
    return [
        (one.member.id, one.weight, _Idle(one.member))
        for one in found
        if (one.member.backup, one.member.priority) == first
    ]


def _key(kind: str | None, what: HashOn | None, request: Request, client: str) -> bytes | None:
    """What a request's member is chosen by; C{None}: by nothing."""
    if kind == "address":
        return client.encode()
    if kind != "hash_on" or what is None:
        return None  # the port of a client that is not there is not known
    if what.kind == "path":
        return request.uri.partition(b"?")[0]
    if what.kind == "query":
        return _parameter(request, what.name.encode())
    source = EXTRACT[RuleType.HEADER if what.kind == "header" else RuleType.COOKIE].source
    assert isinstance(source, Named)
    texts, _ = source.texts(request, source.name(what.name))
    return texts[0] if texts else None


def _parameter(request: Request, name: bytes) -> bytes | None:
    for pair in (request.query or b"").split(b"&"):
        if pair.startswith(name + b"="):
            return pair[len(name) + 1 :]
    return None
