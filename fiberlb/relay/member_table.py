"""Members and pools by their ids: what is known of them outlives the snapshots that name them."""

from __future__ import annotations

from collections.abc import Mapping

from fiberlb.balancing.interface import Sources
from fiberlb.model.pool import Member
from fiberlb.relay.member_state import FROM_THE_START, MemberState
from fiberlb.relay.runtime import PoolState
from fiberlb.snapshot import Snapshot
from fiberlb.tls.member_contexts import MemberContexts

_FIGURES = ("sessions", "in_flight", "requests", "failures")


class MemberTable:
    """
    The states of all members and pools that are configured.

    @param sources: what balancers take from outside.
    @param contexts: TLS to the members, in use already when a snapshot is taken.

    @ivar pools: by id.
    @ivar members: the state of each, by id, and its pool.
    """

    def __init__(self, sources: Sources, contexts: MemberContexts | None = None) -> None:
        self.pools: dict[str, PoolState] = {}
        self.members: dict[str, tuple[MemberState, PoolState]] = {}
        self._sources = sources
        self._contexts = contexts or MemberContexts()
        #: Nothing has been served yet.
        self._fresh = True
        self._rising: list[PoolState] = []

    def use(self, snapshot: Snapshot) -> None:
        """Take another snapshot; what has the same id goes on as it was."""
        members: dict[str, tuple[MemberState, PoolState]] = {}
        pools: dict[str, PoolState] = {}
        since = FROM_THE_START if self._fresh else self._sources.clock()
        self._fresh = False
        for ident, plan in snapshot.pools.items():
            pool = self.pools.get(ident)
            if pool is None or pool.plan.pool.algorithm is not plan.pool.algorithm:
                pool = PoolState(plan, self._sources)
            states = []
            tls = self._contexts.of(ident) if plan.pool.encrypts else None
            for member in plan.members:
                known = self.members.get(member.id)
                state = known[0] if known is not None else _newcomer(member, since)
                state.describe(member, tls)
                states.append(state)
                members[member.id] = (state, pool)
            if pool.plan is not plan or pool.states() != states:
                pool.describe(plan, states)
            pools[ident] = pool
        for ident, (state, _) in self.members.items():
            if ident not in members:
                state.retire()
        self.members = members
        self.pools = pools
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
        if usable:
            state.since = self._sources.clock()
        else:
            state.drop_idle()
        pool.refresh()
        if state.relays is not None or pool.plan.pool.close_sessions_on:
            pool.end_sessions(state)
        if pool.rising and pool not in self._rising:
            self._rising.append(pool)

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

    def drop_idle(self) -> None:
        """Close all connections that wait for requests."""
        for state, _ in self.members.values():
            state.drop_idle()


def _newcomer(member: Member, since: float) -> MemberState:
    state = MemberState(member, True)
    state.since = since
    return state
