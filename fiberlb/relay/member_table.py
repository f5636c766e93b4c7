"""Members and pools by their ids: what is known of them outlives the snapshots that name them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fiberlb.balancing.interface import Sources
from fiberlb.model.operational import MemberMode, Operations
from fiberlb.model.pool import Algorithm, Member, SessionEnd
from fiberlb.relay.affinity import Memory
from fiberlb.relay.member_state import DRAIN, FROM_THE_START, MAINTENANCE, READY, MemberState
from fiberlb.relay.pool_state import PoolState
from fiberlb.relay.rooms import Rooms
from fiberlb.snapshot import Snapshot
from fiberlb.tls.member_contexts import MemberContexts

_MODES = {MemberMode.READY: READY, MemberMode.DRAIN: DRAIN, MemberMode.MAINTENANCE: MAINTENANCE}
#: Mode, end on the loop's clock and weight of a member that nobody has said anything about.
_PLAIN: tuple[int, float, int | None] = (READY, float("inf"), None)
_FIGURES = ("sessions", "in_flight", "requests", "failures")


class MemberTable:
    """
    The states of all members and pools that are configured.

    @param sources: what balancers take from outside.
    @param rooms: the limits of members.
    @param contexts: TLS to the members, in use already when a snapshot is taken.
    @param memory: what clients are remembered with.

    @ivar pools: by id.
    @ivar members: the state of each, by id, and its pool.
    """

    def __init__(
        self,
        sources: Sources,
        rooms: Rooms,
        contexts: MemberContexts | None = None,
        memory: Memory | None = None,
    ) -> None:
        self.pools: dict[str, PoolState] = {}
        self.members: dict[str, tuple[MemberState, PoolState]] = {}
        self._sources = sources
        self._contexts = contexts or MemberContexts()
        self._memory = memory or Memory()
        self._rooms = rooms
        self._orders: dict[str, tuple[int, float, int | None]] = {}
        #: Members that are configured as one, by the id of that.
        self._parts: dict[str, list[str]] = {}
        #: Members that are gone, whose last clients have until then.
        self._leaving: list[MemberState] = []
        self._ended: set[MemberState] = set()
        #: Nothing has been served yet.
        self._fresh = True
        self._rising: list[PoolState] = []

    def use(self, snapshot: Snapshot) -> None:
        """Take another snapshot; what has the same id goes on as it was."""
        members: dict[str, tuple[MemberState, PoolState]] = {}
        pools: dict[str, PoolState] = {}
        parts: dict[str, list[str]] = {}
        since = FROM_THE_START if self._fresh else self._sources.clock()
        self._fresh = False
        for ident, plan in snapshot.pools.items():
            pool = self.pools.get(ident)
            if pool is None or pool.plan.pool.algorithm is not plan.pool.algorithm:
                pool = PoolState(plan, self._sources, self._memory)
            states = []
            tls = self._contexts.of(ident) if plan.pool.encrypts else None
            for member in plan.members:
                known = self.members.get(member.id)
                state = known[0] if known is not None else _newcomer(member, since)
                state.describe(member, tls)
                order = self._orders.get(member.configured_id, _PLAIN)
                if state.order(*order) and pool.plan is plan:
                    pool.rearrange()
                states.append(state)
                members[member.id] = (state, pool)
                if member.configured_id != member.id:
                    parts.setdefault(member.configured_id, []).append(member.id)
            if pool.plan is not plan or pool.states() != states:
                pool.describe(plan, states)
            self._rooms.settle(pool)
            pools[ident] = pool
        for ident, (state, pool) in self.members.items():
            if ident not in members:
                state.retire()
                self._rooms.vacate(state)
                self._let_leave(state, pool)
        for ident in self.pools.keys() - pools.keys():
            self._rooms.forget(ident)
        self.members = members
        self.pools = pools
        self._parts = parts
        self._ended = {state for state in self._ended if not state.gone}
        self._rising = [pool for pool in pools.values() if pool.rising]

    def find(self, member_id: str) -> tuple[MemberState, PoolState] | None:
        """The state of a member, with that of its pool; C{None} if it is not known."""
        return self.members.get(member_id)

    def set_usable(self, member_id: str, usable: bool) -> None:
        """What the health checks say; a member that is not known is not minded."""
        found = self.members.get(member_id)
        if found is None:
            return
        state, pool = found
        if state.up == usable:
            return
        state.up = usable
        state.forgive()
        if usable:
            state.since = self._sources.clock()
        else:
            state.drop_idle()
        pool.refresh()
        if pool.plan.pool.close_sessions_on:
            _end_sessions(pool, state)
        if pool.queue is not None:
            pool.queue.unsettle()
        if pool.rising and pool not in self._rising:
            self._rising.append(pool)

    # Operational states.

    def operate(self, operations: Operations, ahead: float) -> None:
        """
        Have members be there for this, and nothing else, and cookies be signed with these keys.

        @param ahead: of the loop's clock, the wall clock, in seconds.
        """
        orders = {
            ident: (_MODES[one.mode], one.until - ahead, one.weight)
            for ident, one in operations.members.items()
        }
        changed: dict[str, PoolState] = {}
        for ident in {*orders, *self._orders}:
            for state, pool in self._found(ident):
                self._ended.discard(state)
                mode = state.mode
                if state.order(*orders.get(ident, _PLAIN)):
                    changed[pool.id] = pool
                if state.mode == READY and mode != READY:
                    # It may just have been started.
                    state.since = self._sources.clock()
        self._orders = orders
        for pool in changed.values():
            pool.rearrange()
            if pool.rising and pool not in self._rising:
                self._rising.append(pool)
        if operations.cookie_keys != self._memory.keys:
            self._memory.keys = operations.cookie_keys
            for pool in self.pools.values():
                pool.sign_anew()

    def restrained(self) -> Iterable[MemberState]:
        """Members that take nothing new."""
        for ident, (mode, _, _) in self._orders.items():
            if mode != READY:
                yield from (state for state, _ in self._found(ident))

    def _found(self, configured: str) -> list[tuple[MemberState, PoolState]]:
        """What there is of a member that is configured: itself, or each of its addresses."""
        parts = self._parts.get(configured, (configured,))
        return [self.members[ident] for ident in parts if ident in self.members]

    def _let_leave(self, state: MemberState, pool: PoolState) -> None:
        if state.in_flight:
            deadline = self._sources.clock() + pool.plan.pool.drain.deadline
            state.until = min(state.until, deadline)
            self._leaving.append(state)

    def overdue(self) -> list[MemberState]:
        """Members on which what is left is to be ended now; each is told once."""
        if not self._orders and not self._leaving:
            return []
        now = self._sources.clock()
        found = [
            state
            for state in (*self.restrained(), *self._leaving)
            if state.until <= now and state not in self._ended
        ]
        self._leaving = [one for one in self._leaving if one.in_flight and one.until > now]
        self._ended.update(state for state in found if not state.gone)
        return found

    def rise(self) -> None:
        """Members that start slowly weigh more by now; to be called a few times a second."""
        if self._rising:
            for pool in self._rising:
                pool.refresh()
            self._rising = [pool for pool in self._rising if pool.rising]

    def figures(self, member_id: str) -> Mapping[str, int]:
        """C{sessions} and C{in_flight} of a member, and what has gone through it; 0 if unknown."""
        found = self.members.get(member_id)
        return {name: getattr(found[0], name) if found else 0 for name in _FIGURES}

    def queued(self, pool_id: str) -> int:
        """How many wait for room at the members of a pool; 0 if unknown."""
        pool = self.pools.get(pool_id)
        return 0 if pool is None or pool.queue is None else int(pool.queue.waiting)

    def drop_idle(self) -> None:
        """Close all connections that wait for requests."""
        for state, _ in self.members.values():
            state.drop_idle()


def _end_sessions(pool: PoolState, changed: MemberState) -> None:
    """A member's use has changed: end what the pool says that then has to end."""
    causes = pool.plan.pool.close_sessions_on
    if not changed.up:
        if SessionEnd.MEMBER_DOWN in causes:
            changed.end_relays()
    elif SessionEnd.PRIMARY_UP in causes:
        first = pool.standing()
        if pool.plan.pool.algorithm is Algorithm.FIRST_AVAILABLE:
            first = first[:1]
        if changed in first:
            for state in pool.states():
                if state not in first:
                    state.end_relays()


def _newcomer(member: Member, since: float) -> MemberState:
    state = MemberState(member, True)
    state.since = since
    return state
