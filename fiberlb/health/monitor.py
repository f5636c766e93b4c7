"""All members being checked: who, according to the snapshot in force."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from fiberlb.balancing.rise_fall import Health, RiseFall
from fiberlb.health.checks.target import Check
from fiberlb.health.outliers import Outliers
from fiberlb.health.probing import Probe, monitor_for, probe
from fiberlb.health.slots import Slots
from fiberlb.health.watch import Equipment, MemberHealth, MemberWatch, Watched, label
from fiberlb.model.health_monitor import HealthMonitor, InitialState, MonitorType
from fiberlb.model.pool import Member, Pool, ResolvedMember

if TYPE_CHECKING:
    from fiberlb.snapshot import PoolPlan, Snapshot

#: Checks that run at once, of all members together.
AT_ONCE = 100
#: First checks a second of members that are added together while others serve.
FIRST_CHECKS_PER_SECOND = 100
#: Seconds between two lines that say that checks cannot be made.
_SILENCE = 60.0

_UNMONITORED = MemberHealth(Health.UNMONITORED.value)
#: The health of a member that requests have failed at too often.
EJECTED = "ejected"


class HealthService:
    """
    Checks the members of the snapshot in force and reports who may serve: by the checks, and by
    what requests meet (L{suspect}).

    A member counts as usable until reported otherwise. It is reported when it
    becomes known, and whenever its use changes, in the turn of the reactor in
    which that happens; members that are gone are not reported any more.
    """

    def __init__(
        self,
        reactor: Any,
        checks: Mapping[MonitorType, Check],
        randomness: Callable[[], float],
        report: Callable[[str, bool], None],
        log: Logger,
        *,
        wall: Callable[[], float] | None = None,
        at_once: int = AT_ONCE,
    ) -> None:
        """
        @param reactor: has C{IReactorTime}; the connections are made by the checks.
        @param checks: as L{fiberlb.health.checks.table.open_checks} makes them.
        @param randomness: numbers from 0 to 1, to spread checks over time.
        @param report: called with a member's id and whether it may serve.
        @param wall: wall-clock seconds; C{None} takes the reactor's.
        @param at_once: checks that run at the same time; the others queue.
        """
        self._outliers = Outliers(reactor, wall or reactor.seconds, report, log)
        self._report = self._outliers.checked
        self.suspect = self._outliers.suspect
        self.remember = self._outliers.remember
        self._log = log
        self._watches: dict[str, MemberWatch] = {}
        self._unmonitored: dict[str, tuple[str, int]] = {}
        self._plans: Mapping[str, PoolPlan] = {}
        self._started = False
        self._held: frozenset[str] = frozenset()
        self._first: set[str] = set()
        self._rounds: list[Deferred[None]] = []
        self._told_at: float | None = None
        self._equipment = Equipment(
            clock=reactor,
            wall=wall or reactor.seconds,
            randomness=randomness,
            checks=checks,
            slots=Slots(at_once),
            ended=self._ended,
            impossible=self._impossible,
            log=log,
        )

    def apply(self, snapshot: Snapshot) -> None:
        """
        Check the members of this snapshot from now on.

        Members that are gone are stopped, those at another address begin anew,
        those with another monitor are asked again and keep their health.
        Disabled pools are not checked.
        """
        old, self._plans = self._plans, dict(snapshot.pools)
        # A plan that is the same object holds nothing new: a change costs what it changes.
        changed = [plan for i, plan in self._plans.items() if old.get(i) is not plan]
        before = [plan for i, plan in old.items() if self._plans.get(i) is not plan]
        self._outliers.apply(changed, before)
        wanted = {member.id for plan in changed for member in _members(plan)}
        for plan in before:
            for member in _members(plan):
                if member.id not in wanted:
                    self._forget(member.id)
        self._start([watch for plan in changed for watch in self._follow(plan)])
        self._started = True
        self._end_round()

    def status(self, member_id: str) -> MemberHealth:
        """One member's health; C{unmonitored} for one that is not checked or not known."""
        watch = self._watches.get(member_id)
        found = _UNMONITORED if watch is None else watch.status()
        if watch is not None and self._holds(watch):
            reason = "not checked in maintenance"
            return attrs.evolve(found, health=Health.UNMONITORED.value, reason=reason)
        out = self._outliers.ejection(member_id)
        if out is None or found.health == Health.DOWN.value:
            return found
        return attrs.evolve(found, health=EJECTED, reason=out.reason, since=out.since)

    async def probe(self, member_id: str) -> Probe | None:
        """
        Check a member now, whatever its state, phase by phase: it counts for nothing.

        @return: C{None} for one that is not known.
        """
        for plan in self._plans.values():
            for member in plan.members:
                if member.id == member_id:
                    monitor = monitor_for(plan.pool, plan.monitor)
                    encrypted = plan.monitor is not None and plan.pool.checks_tls
                    shared = self._equipment
                    return await probe(shared.checks, shared.clock, member, monitor, encrypted)
        return None

    def ejections(self) -> Mapping[str, int]:
        """How often each member was ejected; those that never were are left out."""
        return self._outliers.ejections

    def panicking(self) -> Sequence[str]:
        """Ids of the pools all members of which are used, whatever their health."""
        return self._outliers.panicking

    def hold(self, members: frozenset[str], restrained: frozenset[str] = frozenset()) -> None:
        """
        Check these members not, none of their addresses, and all others.

        One that is checked again is asked at once, and serves after its first success.

        @param restrained: members that take nothing new, by order.
        """
        self._outliers.restrain(restrained | members)
        before, self._held = self._held, members
        changed = members ^ before
        for ident, watch in self._watches.items() if changed else ():
            if watch.watched.member.configured_id not in changed:
                continue
            if self._holds(watch):
                watch.stop()
                self._first.discard(ident)
                continue
            monitor = watch.watched.monitor
            watch.renew(RiseFall.joining(monitor.rise, monitor.fall))
            self._report(ident, watch.machine.usable)
            watch.start(0.0)
        self._end_round()

    def _holds(self, watch: MemberWatch) -> bool:
        return watch.watched.member.configured_id in self._held

    def usable(self, member_id: str) -> bool:
        """Whether a member may serve, as last reported; true for one that is not known."""
        return self._outliers.uses(member_id)

    def first_round(self) -> Deferred[None]:
        """
        Fires when each member of the first snapshot was checked once, or is gone.

        With many members that do not answer this takes many timeouts: give it
        one of its own where a person waits. Also fires when the service stops.
        """
        fired: Deferred[None] = Deferred(self._rounds.remove)
        self._rounds.append(fired)
        self._end_round()
        return fired

    def stop(self) -> Deferred[None]:
        """Stop all checks; fires when those that run have been given up."""
        ends = [watch.stop() for watch in self._watches.values()]
        self._watches.clear()
        self._unmonitored.clear()
        self._outliers.stop()
        self._plans = {}
        self._started = True
        self._first.clear()
        self._end_round()
        return DeferredList(ends).addCallback(lambda _: None)

    def _follow(self, plan: PoolPlan) -> Iterable[MemberWatch]:
        """Take in one pool; the watches whose checks are to be started."""
        members = _members(plan)
        for member in members:
            if self._place(member) != member.place:
                self._forget(member.id)
        # An address that a name has now serves at once where nobody else does: the name says
        # that the service is there, and the ones before it are gone already.
        alone = not any(self._serves(member.id) for member in members)
        for member in members:
            if plan.monitor is None:
                self._leave(plan.pool, member)
                continue
            watched = Watched(pool=plan.pool, member=member, monitor=plan.monitor, tls=plan.tls)
            watch = self._watches.get(member.id)
            if watch is None:
                yield self._join(watched, alone and isinstance(member, ResolvedMember))
            elif watch.update(watched):
                yield watch

    def _start(self, watches: list[MemberWatch]) -> None:
        rate = FIRST_CHECKS_PER_SECOND
        for watch in watches:
            if self._holds(watch):
                continue
            delay = 0.0
            if not self._started:
                self._first.add(watch.watched.member.id)
            elif len(watches) > 1:
                window = min(watch.watched.monitor.interval, len(watches) / rate)
                delay = self._equipment.randomness() * window
            watch.start(delay)

    def _place(self, member: Member) -> tuple[str, int]:
        """Where a member was when it became known."""
        watch = self._watches.get(member.id)
        if watch is not None:
            return watch.watched.place
        return self._unmonitored.get(member.id, member.place)

    def _serves(self, ident: str) -> bool:
        """Whether a member is known already, and may serve."""
        return ident in self._unmonitored or (ident in self._watches and self.usable(ident))

    def _join(self, watched: Watched, at_once: bool) -> MemberWatch:
        ident, monitor = watched.member.id, watched.monitor
        if self._unmonitored.pop(ident, None) is not None:
            machine = RiseFall.adopted(monitor.rise, monitor.fall)
        else:
            machine = self._machine(monitor, at_once)
            self._report(ident, machine.usable)
        watch = self._watches[ident] = MemberWatch(watched, machine, self._equipment)
        return watch

    def _machine(self, monitor: HealthMonitor, at_once: bool) -> RiseFall:
        rise, fall = monitor.rise, monitor.fall
        if monitor.initial_state is not InitialState.PROBE:
            return RiseFall.assumed(rise, fall, monitor.initial_state is InitialState.UP)
        joins = self._started and not at_once
        return RiseFall.joining(rise, fall) if joins else RiseFall.starting(rise, fall)

    def _leave(self, pool: Pool, member: Member) -> None:
        """A member without a monitor: it serves."""
        if member.id in self._unmonitored:
            return
        watch = self._watches.get(member.id)
        if watch is not None:
            self._forget(member.id)
            self._log.info(
                "Member {member} of pool {pool} is {new}, was {old}: no health monitor any more",
                member=label(member),
                member_id=member.id,
                pool=pool.name or pool.id,
                old=watch.machine.health.value,
                new=Health.UNMONITORED.value,
            )
        self._unmonitored[member.id] = member.place
        if watch is None or not watch.machine.usable:
            self._report(member.id, True)

    def _forget(self, ident: str) -> None:
        self._unmonitored.pop(ident, None)
        self._first.discard(ident)
        watch = self._watches.pop(ident, None)
        if watch is not None:
            watch.stop()

    def _ended(self, watch: MemberWatch, changed: bool) -> None:
        ident = watch.watched.member.id
        if changed:
            self._report(ident, watch.machine.usable)
        if not watch.failing:
            self._outliers.passed(ident)
        self._first.discard(ident)
        self._end_round()

    def _impossible(self, watch: MemberWatch, reason: str) -> None:
        now = self._equipment.clock.seconds()
        if self._told_at is None or now - self._told_at >= _SILENCE:
            self._told_at = now
            self._log.error("Checks cannot be made, health stays as it is: {why}", why=reason)
        self._first.discard(watch.watched.member.id)
        self._end_round()

    def _end_round(self) -> None:
        if self._started and not self._first:
            waiting, self._rounds = self._rounds, []
            for fired in waiting:
                fired.callback(None)


def _members(plan: PoolPlan) -> tuple[Member, ...]:
    return plan.members if plan.pool.enabled else ()
