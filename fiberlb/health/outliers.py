"""
Which members serve: what the checks say of them, and what requests meet there.

A member that fails too often is ejected for a while. This is where that is decided, once for
all processes that serve: they count, and tell of members that they have had enough of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from twisted.logger import Logger

from fiberlb.health.remembered import Ejection, Remembered
from fiberlb.health.standing import PoolStanding
from fiberlb.health.watch import label
from fiberlb.model.pool import Member
from fiberlb.model.quantities import duration_text
from fiberlb.pool_plans import PoolPlan

#: An ejection lasts at most so many times as long as the first one.
MOST: Final = 10


class Record:
    """
    What is remembered of a member that was ejected.

    @ivar row: ejections in a row.
    @ivar length: seconds that the last one was for.
    @ivar returned: when it ended, by the clock.
    @ivar timer: ends it; C{None}: the member is not ejected.
    @ivar cause: what requests have failed with.
    @ivar reason: the same in a sentence.
    @ivar since: wall-clock seconds.
    @ivar total: ejections ever.
    """

    def __init__(self, place: tuple[str, int]) -> None:
        self.place = place
        self.row = self.total = 0
        self.length = self.since = self.returned = 0.0
        self.timer: Any = None
        self.cause = self.reason = ""


class Outliers:
    """
    Members in and out of use.

    @param clock: has C{IReactorTime}.
    @param wall: wall-clock seconds.
    @param report: called with a member's id and whether it is to be used.
    """

    def __init__(
        self,
        clock: Any,
        wall: Callable[[], float],
        report: Callable[[str, bool], None],
        log: Logger,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._report = report
        self._log = log
        self._pools: dict[str, PoolStanding] = {}
        self._of: dict[str, PoolStanding] = {}
        self._members: dict[str, Member] = {}
        self._down: set[str] = set()
        self._restrained: frozenset[str] = frozenset()
        self._records: dict[str, Record] = {}
        self._ejected: set[str] = set()
        self._remembered = Remembered(clock)
        self._earlier: dict[str, Ejection] = {}

    def remember(self, path: str) -> None:
        """Keep who is ejected in a file, and go on with those that are in it already."""
        self._remembered = Remembered(self._clock, path)
        self._earlier = self._remembered.read()

    # What is known.

    def ejection(self, member_id: str) -> Record | None:
        """Why a member is ejected; C{None}: it is not."""
        return self._records[member_id] if member_id in self._ejected else None

    def uses(self, member_id: str) -> bool:
        """Whether a member is to be used."""
        standing = self._of.get(member_id)
        return self._fit(member_id) or (standing is not None and standing.panics)

    @property
    def ejections(self) -> Mapping[str, int]:
        """How often members were ejected; those that never were are left out."""
        return {ident: record.total for ident, record in self._records.items()}

    @property
    def panicking(self) -> Sequence[str]:
        """Ids of the pools all members of which are used, whatever their health."""
        return [ident for ident, standing in self._pools.items() if standing.panics]

    def _fit(self, member_id: str) -> bool:
        return member_id not in self._down and member_id not in self._ejected

    # What changes.

    def apply(self, changed: Iterable[PoolPlan], before: Iterable[PoolPlan]) -> None:
        """
        Take pools that have changed or are new, in place of those before.

        A member goes on as it was, unless it is gone or has another address.
        """
        changed = [plan for plan in changed if plan.pool.enabled]
        wanted = {member.id for plan in changed for member in plan.members}
        panicked = set()
        for plan in before:
            old = self._pools.pop(plan.pool.id, None)
            if old is not None and old.panics:
                panicked.add(plan.pool.id)
            for member in plan.members:
                if member.id not in wanted:
                    self._forget(member.id)
        for plan in changed:
            self._take(plan, plan.pool.id in panicked)

    def _take(self, plan: PoolPlan, panics: bool) -> None:
        standing = self._pools[plan.pool.id] = PoolStanding(plan, panics)
        for member in plan.members:
            ident = member.id
            record = self._records.get(ident)
            if record is not None and record.place != member.place:
                # Who is there now has not failed; the checks tell of it anew.
                self._drop(ident)
            self._of[ident], self._members[ident] = standing, member
            self._mark(standing, ident)
            if ident in self._earlier:
                self._resume(standing, member, self._earlier.pop(ident))
        if plan.pool.passive_health is None and self._ejected:
            for member in plan.members:
                if member.id in self._ejected:
                    self._return(member.id, "passive_health is off now")
        self._weigh(standing)

    def _resume(self, standing: PoolStanding, member: Member, earlier: Ejection) -> None:
        """A process before this one had ejected it: so it is for the rest of that time."""
        ident, left = member.id, min(earlier.since + earlier.length - self._wall(), earlier.length)
        if left <= 0 or member.place != (earlier.address, earlier.port):
            return
        if not standing.spares(ident, self._ejected):
            return
        record = self._records[ident] = Record(member.place)
        record.row, record.total, record.length = earlier.row, earlier.total, earlier.length
        record.cause, record.reason, record.since = earlier.cause, earlier.reason, earlier.since
        record.timer = self._clock.callLater(left, self._return, ident, "its time is over")
        self._ejected.add(ident)
        self._mark(standing, ident)
        self._log.info(
            "Member {member} of pool {pool} is still ejected: {reason}",
            member=label(member),
            member_id=ident,
            pool=_name(standing),
            reason=earlier.reason,
        )

    def _current(self) -> dict[str, Ejection]:
        """Who is ejected, for the process after this one."""
        found = {}
        for ident in self._ejected:
            of = self._records[ident]
            address, port = of.place
            found[ident] = Ejection(
                address, port, of.row, of.total, of.length, of.since, of.cause, of.reason
            )
        return found

    def _forget(self, ident: str) -> None:
        """It is gone."""
        self._drop(ident)
        self._down.discard(ident)
        self._of.pop(ident, None)
        self._members.pop(ident, None)

    def _drop(self, ident: str) -> None:
        record = self._records.pop(ident, None)
        if record is not None and record.timer is not None:
            record.timer.cancel()
        if ident in self._ejected:
            self._ejected.discard(ident)
            self._remembered.note(self._current)

    def checked(self, member_id: str, usable: bool) -> None:
        """What the checks say of a member."""
        recovered = usable and member_id in self._down
        (self._down.discard if usable else self._down.add)(member_id)
        if recovered and member_id in self._ejected:
            self._return(member_id, "the checks have seen it fail, and pass again")
        else:
            self._settle(member_id)

    def passed(self, member_id: str) -> None:
        """It has passed a check: it is back, if the check could see what was wrong with it."""
        out = self.ejection(member_id)
        if out is not None and self._of[member_id].would_see(out.cause):
            self._return(member_id, "a check has passed")

    def restrain(self, members: frozenset[str]) -> None:
        """These members take nothing new, by order; no others."""
        changed, self._restrained = members ^ self._restrained, members
        for ident, member in list(self._members.items()) if changed else ():
            if member.configured_id in changed:
                self._mark(self._of[ident], ident)
                self._weigh(self._of[ident])

    def suspect(self, member_id: str, cause: str, told: str) -> None:
        """
        Requests have failed at a member too often: it is ejected, if others may serve.

        @param cause: the last failure's: a reason code, or the status.
        @param told: the same in a sentence.
        """
        standing = self._of.get(member_id)
        if standing is not None and standing.spares(member_id, self._ejected):
            self._eject(standing, member_id, cause, told)

    def _eject(self, standing: PoolStanding, ident: str, cause: str, told: str) -> None:
        policy, member = standing.plan.pool.passive_health, self._members[ident]
        assert policy is not None
        record = self._records.get(ident)
        if record is None:
            record = self._records[ident] = Record(member.place)
        if self._clock.seconds() - record.returned >= record.length:
            record.row = 0
        record.row += 1
        record.total += 1
        record.length = policy.eject_for * min(2.0 ** min(record.row - 1, MOST), MOST)
        record.cause, record.since = cause, self._wall()
        record.reason = f"{told}; for {duration_text(record.length)}"
        record.timer = self._clock.callLater(record.length, self._return, ident, "its time is over")
        self._ejected.add(ident)
        self._remembered.note(self._current)
        self._log.warn(
            "Member {member} of pool {pool} is ejected for {length}: {reason}",
            member=label(member),
            member_id=ident,
            pool=_name(standing),
            length=duration_text(record.length),
            reason=told,
        )
        self._settle(ident)

    def _return(self, ident: str, why: str) -> None:
        """An ejection is over."""
        record, standing = self._records[ident], self._of[ident]
        if record.timer is not None and record.timer.active():
            record.timer.cancel()
        record.timer = None
        record.returned = self._clock.seconds()
        self._ejected.discard(ident)
        self._remembered.note(self._current)
        self._log.info(
            "Member {member} of pool {pool} is not ejected any more: {reason}",
            member=label(self._members[ident]),
            member_id=ident,
            pool=_name(standing),
            reason=why,
        )
        self._settle(ident)

    def stop(self) -> None:
        """Nobody is ejected any more here; who was stays in the file, for the next process."""
        self._remembered.flush()
        for record in self._records.values():
            if record.timer is not None:
                record.timer.cancel()
                record.timer = None
        for known in (self._ejected, self._down):
            known.clear()
        for kept in (self._records, self._pools, self._of, self._members):
            kept.clear()

    # What follows.

    def _mark(self, standing: PoolStanding, ident: str) -> None:
        standing.mark(ident, self._fit(ident) and not self._rests(ident))

    def _rests(self, ident: str) -> bool:
        """Whether it takes nothing new, by order; of a member by name, each of its addresses."""
        return self._members[ident].configured_id in self._restrained

    def _settle(self, ident: str) -> None:
        """Tell whether it is used, and look what that means for its pool."""
        standing = self._of.get(ident)
        if standing is not None:
            self._mark(standing, ident)
        self._report(ident, self.uses(ident))
        if standing is not None:
            self._weigh(standing)

    def _weigh(self, standing: PoolStanding) -> None:
        """Nobody stays ejected where nobody is left, and too few are as bad as none."""
        if not standing.usable and self._ejected:
            for member in standing.plan.members:
                ident = member.id
                if ident in self._ejected and ident not in self._down and not self._rests(ident):
                    self._return(ident, "no other member is left")
        panics = standing.short
        if panics is standing.panics:
            return
        standing.panics = panics
        log = self._log.warn if panics else self._log.info
        log(
            "Pool {pool}: {usable} of {total} members may serve: "
            + ("all are used, whatever their health" if panics else "the others are left alone"),
            pool=_name(standing),
            usable=standing.usable,
            total=standing.total,
        )
        for member in standing.plan.members:
            if not self._fit(member.id):
                self._report(member.id, panics)


def _name(standing: PoolStanding) -> str:
    return standing.plan.pool.name or standing.plan.pool.id
