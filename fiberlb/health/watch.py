"""One member being checked, over and over."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from fiberlb.balancing.rise_fall import Health, RiseFall
from fiberlb.health.checks.failure import CheckFailed, CheckImpossible
from fiberlb.health.checks.target import Check
from fiberlb.health.slots import Slots
from fiberlb.model.addresses import at
from fiberlb.model.health_monitor import HealthMonitor, MonitorType
from fiberlb.model.pool import Member, Pool
from fiberlb.model.quantities import duration_text
from fiberlb.snapshot import MemberTlsPlan


@attrs.frozen
class MemberHealth:
    """
    What is known of a member's health.

    @ivar health: C{up}, C{down}, C{probing} or C{unmonitored}.
    @ivar reason: why, such as how the last check failed; may be empty.
    @ivar since: when it became so, wall-clock seconds; C{None} for a member that is not checked.
    @ivar last_check: when the last check ended, wall-clock seconds.
    @ivar transitions: how often it went up or down.
    """

    health: str
    reason: str = ""
    since: float | None = None
    last_check: float | None = None
    transitions: int = 0


@attrs.frozen(kw_only=True)
class Watched:
    """
    Who is checked, and how.

    @ivar monitor: its C{type} resolved.
    @ivar tls: what checks by TLS go by.
    """

    pool: Pool
    member: Member
    monitor: HealthMonitor
    tls: MemberTlsPlan | None = None

    @property
    def place(self) -> tuple[str, int]:
        """Where requests go: another one is another server, which knows nothing of the old."""
        return self.member.place

    @property
    def question(self) -> tuple[Any, ...]:
        """All that a check depends on."""
        member = self.member
        return self.monitor, member.monitor_address, member.monitor_port, self.tls


@attrs.frozen(kw_only=True)
class Equipment:
    """
    What all watches of a service share.

    @ivar clock: has C{IReactorTime}.
    @ivar wall: wall-clock seconds.
    @ivar randomness: numbers from 0 to 1.
    @ivar ended: called after each check that counted, with whether the member's use changed.
    @ivar impossible: called with the reason when a check could not be made.
    """

    clock: Any
    wall: Callable[[], float]
    randomness: Callable[[], float]
    checks: Mapping[MonitorType, Check]
    slots: Slots
    ended: Callable[[MemberWatch, bool], None]
    impossible: Callable[[MemberWatch, str], None]
    log: Logger


class MemberWatch:
    """
    The checks of one member, and what they say.

    One check at a time: a beat that finds the last one unfinished is left out.

    @ivar watched: who is checked, and how.
    @ivar machine: its health.
    """

    def __init__(self, watched: Watched, machine: RiseFall, equipment: Equipment) -> None:
        self.watched = watched
        self.machine = machine
        self._equipment = equipment
        self._reason = "not checked yet" if machine.health is Health.PROBING else "assumed"
        self._since = equipment.wall()
        self._last_check: float | None = None
        self._transitions = 0
        self._failing = False
        self._puzzled = False
        self._timer: IDelayedCall | None = None
        self._loop: LoopingCall | None = None
        self._current: Deferred[None] | None = None
        # What was begun before the last stop does not count any more.
        self._epoch = 0

    def status(self) -> MemberHealth:
        """What is known now."""
        return MemberHealth(
            self.machine.health.value,
            self._reason,
            self._since,
            self._last_check,
            self._transitions,
        )

    def renew(self, machine: RiseFall) -> None:
        """Know nothing again; to be started."""
        self.machine = machine
        self._reason = "not checked yet"
        self._since = self._equipment.wall()
        self._failing = False

    def start(self, delay: float) -> None:
        """
        Check after C{delay} seconds, then every interval.

        The second check comes half to one and a half intervals after the first:
        members that start together are not checked in step for ever.
        """
        if delay:
            self._timer = self._equipment.clock.callLater(delay, self._begin)
        else:
            self._begin()

    def update(self, watched: Watched) -> bool:
        """
        Go on with another monitor, or another name of the member; the health stays.

        @return: the checks are other ones now: they have been stopped and are to be started.
        """
        again = watched.question != self.watched.question
        self.watched = watched
        if again:
            self.machine.change(watched.monitor.rise, watched.monitor.fall)
            self.stop()
        return again

    def stop(self) -> Deferred[None]:
        """Stop checking; fires when the check that runs, which is given up, has ended."""
        self._epoch += 1
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._loop is not None and self._loop.running:
            self._loop.stop()
        self._loop = None
        if self._current is None:
            return succeed(None)
        ended: Deferred[None] = Deferred()
        current, self._current = self._current, None
        current.addBoth(lambda _: ended.callback(None))
        current.cancel()
        return ended

    def _interval(self) -> float:
        monitor = self.watched.monitor
        if self.machine.health is Health.DOWN and monitor.interval_down is not None:
            return monitor.interval_down
        return monitor.interval

    def _begin(self) -> None:
        apart = self._interval() * (0.5 + self._equipment.randomness())
        self._timer = self._equipment.clock.callLater(apart, self._repeat)
        self._beat()

    def _repeat(self) -> None:
        self._timer = None
        self._loop = LoopingCall(self._beat)
        self._loop.clock = self._equipment.clock
        done = self._loop.start(self._interval())
        done.addErrback(lambda f: self._equipment.log.failure("Checks ended", f))

    def _beat(self) -> Deferred[None] | None:
        if self._current is not None:
            return None
        epoch = self._epoch
        current = self._current = Deferred.fromCoroutine(self._check(epoch))
        current.addErrback(lambda f: self._log_puzzle(f, epoch))

        def ended(result: None) -> None:
            if self._current is current:
                self._current = None

        return current.addCallback(ended)

    async def _check(self, epoch: int) -> None:
        failing = self._failing
        await self._equipment.slots.acquire(failing)
        try:
            reason = await self._ask(epoch)
        except CheckImpossible as why:
            if epoch == self._epoch:
                self._equipment.impossible(self, why.reason)
            return
        finally:
            self._equipment.slots.release(failing)
        if epoch == self._epoch:
            self._take(reason)

    async def _ask(self, epoch: int) -> str | None:
        """Why the check failed, C{None} when it was passed."""
        monitor = self.watched.monitor
        assert monitor.type is not None
        try:
            check = self._equipment.checks[monitor.type](self.watched.member, monitor)
            # Around everything: the client's own timeout ends with the head of the answer.
            await Deferred.fromCoroutine(check).addTimeout(
                monitor.timeout, self._equipment.clock, _timed_out
            )
        except CheckFailed as why:
            return why.reason
        except CheckImpossible:
            raise
        except Exception as why:
            self._log_puzzle(Failure(), epoch)
            return f"check failed ({type(why).__name__})"
        return None

    def _log_puzzle(self, failure: Failure, epoch: int) -> None:
        """An error nobody foresaw: once with its traceback, not at every interval."""
        if epoch == self._epoch and not self._puzzled:
            self._puzzled = True
            log, member = self._equipment.log, self.watched.member
            log.failure("Check of member {member}", failure, member=label(member))

    def _take(self, reason: str | None) -> None:
        self._last_check = self._equipment.wall()
        self._failing = reason is not None
        old, used = self.machine.health, self.machine.usable
        changed = self.machine.result(reason is None)
        if self.machine.health is Health.UP:
            self._reason = ""
        elif reason is not None:
            self._reason = reason
        if changed:
            self._since = self._last_check
            self._transitions += 1
            self._log_change(old)
            self._keep_pace()
        self._equipment.ended(self, self.machine.usable is not used)

    def _keep_pace(self) -> None:
        """Another interval than before: it begins with the check that has just ended."""
        loop = self._loop
        if loop is not None and loop.running and loop.interval != self._interval():
            loop.stop()
            self._loop = None
            self._timer = self._equipment.clock.callLater(self._interval(), self._repeat)

    def _log_change(self, old: Health) -> None:
        new = self.machine.health
        level = LogLevel.warn if new is Health.DOWN else LogLevel.info
        if old is Health.PROBING and new is Health.UP:
            # Thousands of these at each start: the sum is told elsewhere.
            level = LogLevel.debug
        self._equipment.log.emit(
            level,
            "Member {member} of pool {pool} is {new}, was {old}: {reason}",
            member=label(self.watched.member),
            member_id=self.watched.member.id,
            pool=self.watched.pool.name or self.watched.pool.id,
            old=old.value,
            new=new.value,
            reason=self._reason or "check passed",
        )


def label(member: Member) -> str:
    """How a member is called in the log."""
    place = at(*member.place)
    return place if member.name in ("", place) else f"{member.name} ({place})"


def _timed_out(result: object, timeout: float) -> Failure:
    # Whatever the cancelled check made of it, the time was over.
    return Failure(CheckFailed(f"timeout after {duration_text(timeout)}"))
