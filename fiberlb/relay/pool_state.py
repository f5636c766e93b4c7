"""One pool while traffic flows: its state outlives the snapshots that describe it."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from fiberlb.balancing.interface import Sources
from fiberlb.balancing.peak_ewma import Average
from fiberlb.balancing.table import ALGORITHMS
from fiberlb.model.persistence import DrainPersistence
from fiberlb.model.pool import Member, RetryCause
from fiberlb.relay import keys
from fiberlb.relay.affinity import Memory, affinity_of
from fiberlb.relay.eligible import configured, standing, weighted
from fiberlb.relay.introducing import INTRODUCTIONS
from fiberlb.relay.member_state import DRAIN, READY, MemberState
from fiberlb.relay.retry_budget import RetryBudget
from fiberlb.snapshot import PoolPlan


class PoolState:
    """
    One pool: who may be chosen, and who is next.

    @ivar plan: what is configured, replaced when it changes.
    @ivar budget: how much of what was sent may be sent again.
    @ivar key: an exchange -> what its member is chosen by; C{None}: by nothing.
    @ivar affinity: what keeps clients at their members (L{fiberlb.relay.affinity}), if any.
    @ivar reads: the same, where it looks at heads of requests.
    @ivar queue: L{fiberlb.relay.queue.Queue}: who picks, where members have limits; else C{None}.
    @ivar introduce: an exchange -> what its connection to a member begins with; C{None}: nothing.
    @ivar able: somebody may be chosen, if there is room.
    @ivar memory: what clients are known by; C{sources}: of chance and time, for its balancer.
    @ivar rising: members start slowly at the moment, so L{refresh} has to be called now and then.
    @ivar attempts: members tried after the first one when a connection is refused.
    @ivar resets: members tried after the first one when a fresh connection dies unanswered.
    @ivar retry_stale: whether a reused connection that dies unanswered is replaced by a fresh one.
    """

    __slots__ = (
        "_balancer",
        "_keyed",
        "_states",
        "able",
        "affinity",
        "attempts",
        "budget",
        "id",
        "introduce",
        "key",
        "memory",
        "name",
        "plan",
        "queue",
        "reads",
        "resets",
        "retry_stale",
        "rising",
        "sources",
    )

    def __init__(self, plan: PoolPlan, sources: Sources, memory: Memory | None = None) -> None:
        self.id = plan.pool.id
        self.key: Any = None
        self.introduce: Any = None
        self.rising = self.able = False
        self.sources = sources
        self.memory = memory or Memory()
        self._keyed = False
        self.affinity: Any = None
        self.reads: Any = None
        self.queue: Any = None
        self.budget = RetryBudget(plan.pool.retries.budget_percent)
        self._balancer: Any = ALGORITHMS[plan.pool.algorithm].make(sources)
        self._states: list[tuple[Member, MemberState]] = []
        self.describe(plan, [])

    def describe(self, plan: PoolPlan, states: list[MemberState]) -> None:
        """Take a changed pool and the states of its members, in the plan's order."""
        self.plan = plan
        self.name = plan.pool.name
        retries = plan.pool.retries
        self.attempts = retries.attempts if RetryCause.CONNECT in retries.on else 0
        self.resets = retries.attempts if RetryCause.RESET in retries.on else 0
        self.retry_stale = RetryCause.STALE in retries.on
        self.budget.percent = retries.budget_percent
        self._states = list(zip(plan.members, states, strict=False))
        version = plan.pool.proxy_protocol
        introduce = None if version is None else INTRODUCTIONS[version]
        if introduce is not self.introduce:
            self.introduce = introduce
            for state in states:
                state.drop_idle()
        for state in states:
            # What begins with one client's header is not kept for another one.
            state.keep(introduce is None)
            state.judge(plan.pool.passive_health)
        entry = ALGORITHMS[plan.pool.algorithm]
        for state in states:
            state.latency = (state.latency or Average()) if entry.measures else None
        self._keyed = entry.key is not None
        self.key = keys.for_pool(entry.key, plan.pool.hash_on)
        kept = affinity_of(self, plan.pool.session_persistence, self.memory)
        self.affinity = kept
        self.reads = kept if kept is not None and kept.reads else None
        if kept is not None:
            kept.describe(states)
        if kept is not None or plan.limited:
            self.key = self.key or keys.nothing
        self.rearrange()

    def sign_anew(self) -> None:
        """Cookies are signed with other keys."""
        if self.affinity is not None:
            self.affinity.describe(self.states())

    def rearrange(self) -> None:
        """Weights have changed, or who takes anything new."""
        if self._keyed:
            self._balancer.arrange(configured(self._states))
        self.refresh()

    def now(self) -> float:
        """Seconds of the loop's clock."""
        return self.sources.clock()

    def stays(self, member: MemberState) -> bool:
        """Whether a client that belongs to a member of this pool stays with it now."""
        if not member.up or member.gone or not self.plan.pool.enabled:
            return False
        if member.mode == READY:
            return True
        wanted = self.plan.pool.drain.persistence
        if member.mode != DRAIN or wanted is DrainPersistence.REDISPATCH:
            return False
        return wanted is DrainPersistence.KEEP or member.until > self.now()

    def serves(self) -> bool:
        """Whether anybody may be chosen, if there is room."""
        return bool(self.standing()) and self.plan.pool.enabled

    def standing(self) -> list[MemberState]:
        """Those that may be chosen, by their health and priority."""
        return [state for _, state in standing(self._states)]

    def states(self) -> list[MemberState]:
        """The states of the members, in the plan's order."""
        return [state for _, state in self._states]

    def refresh(self) -> None:
        """Who may be chosen, or how often, has changed."""
        pool = self.plan.pool
        chosen = standing(self._states) if pool.enabled else []
        self.able = bool(chosen)
        found, self.rising = weighted(chosen, pool.slow_start, self.sources.clock())
        self._balancer.update(found)

    def pick(self, tried: Container[str] = ()) -> MemberState | None:
        """The member for the next request, none of C{tried}; C{None} when there is none."""
        found: MemberState | None = self._balancer.pick(tried)
        return found

    def pick_for(self, exchange: Any, tried: Container[str] = ()) -> MemberState | None:
        """L{pick} for a pool with C{key}: the member that this exchange belongs to."""
        affinity = self.affinity
        queue = self.queue
        if queue is not None:
            limited: MemberState | None = queue.pick(exchange, tried)
            return limited
        if affinity is None:
            return self.pick_by_key(exchange, tried)
        kept: MemberState | None = affinity.choose(exchange, tried)
        if kept is None:
            kept = self.pick_by_key(exchange, tried)
            if kept is not None:
                kept = affinity.chosen(exchange, kept, tried)
        return kept

    def pick_by_key(self, exchange: Any, tried: Container[str]) -> MemberState | None:
        """The algorithm's choice, whoever the exchange belongs to."""
        key = None if self.key is None else self.key(exchange)
        balancer = self._balancer
        found: MemberState | None = (
            balancer.pick(tried) if key is None else balancer.pick_for(key, tried)
        )
        return found

    def may_retry(self) -> bool:
        """Whether a request that was sent may be sent again now; counted if it may."""
        requests = sum([state.requests for _, state in self._states])
        return self.budget.take(self.sources.clock(), requests)

    def missing(self) -> str:
        """The reason code of there being nobody to choose."""
        if not self.plan.pool.enabled:
            return "pool_disabled"
        return "all_members_down" if self._states else "no_members"
