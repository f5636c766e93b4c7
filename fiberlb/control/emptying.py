"""When nothing runs any more on a member that takes nothing new."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.model.configuration import Configuration
from fiberlb.model.operational import MemberMode, Operational
from fiberlb.model.persistence import DrainPersistence
from fiberlb.model.pool import Member, Pool

_log = Logger()
#: Seconds between two looks; figures of workers are a quarter of a second old.
LOOK = 0.5
#: Looks in a row without anything: what a worker has begun last is counted by then.
LOOKS = 3
#: Seconds without a request after which nobody stays with a member any more, where clients may
#: stay for ever.
SILENCE = 60.0


class Emptying:
    """
    Looks at the members that drain, as long as there are any, and tells of each once.

    @param restrained: those members, by id.
    @param figures: what runs on a member, as of C{Plane.member_figures}.
    @param configuration: in force.
    @param wall: seconds since the epoch.
    """

    def __init__(
        self,
        clock: Any,
        wall: Callable[[], float],
        restrained: Callable[[], Mapping[str, Operational]],
        figures: Callable[[str], Mapping[str, int]],
        configuration: Callable[[], Configuration],
    ) -> None:
        self._wall = wall
        self._restrained = restrained
        self._figures = figures
        self._configuration = configuration
        #: Looks without anything so far, by member and the time its state was set.
        self._quiet: dict[tuple[str, float], int] = {}
        #: Requests so far, and since when it is so many.
        self._requests: dict[tuple[str, float], tuple[int, float]] = {}
        self._loop = LoopingCall(self._look)
        self._loop.clock = clock

    def drained(self, ident: str) -> bool:
        """Whether nothing runs on a member, and nothing will until it is made ready."""
        state = self._restrained().get(ident)
        return state is not None and self._quiet.get((ident, state.since), 0) >= LOOKS

    def changed(self) -> None:
        """Other members may drain now."""
        if self._restrained() and not self._loop.running:
            done = self._loop.start(LOOK, now=False)
            done.addErrback(lambda why: _log.failure("drained members are not noticed", why))

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def _look(self) -> None:
        waiting = self._restrained()
        quiet: dict[tuple[str, float], int] = {}
        requests: dict[tuple[str, float], tuple[int, float]] = {}
        members = self._configuration().all(Member)
        for ident, state in waiting.items():
            member = members.get(ident)
            if member is None:
                continue
            key, figures = (ident, state.since), self._figures(ident)
            count, since = self._requests.get(key, (-1, 0.0))
            now = self._wall()
            if count != figures.get("requests", 0):
                count, since = figures.get("requests", 0), now
            requests[key] = (count, since)
            looks = self._quiet.get(key, 0)
            if figures.get("in_flight", 0) or not self._over(member, state, now, now - since):
                quiet[key] = 0
                continue
            quiet[key] = looks + 1
            if quiet[key] == LOOKS:
                self._tell(member, state)
        self._quiet, self._requests = quiet, requests
        if not waiting:
            self.stop()

    def _over(self, member: Member, state: Operational, now: float, silent: float) -> bool:
        """Whether nobody may come any more who stays with the member."""
        pool = self._configuration().all(Pool)[member.pool_id]
        if pool.session_persistence is None or state.mode is MemberMode.MAINTENANCE:
            return True
        wanted = pool.drain.persistence
        if wanted is DrainPersistence.KEEP:
            return silent >= SILENCE
        return wanted is DrainPersistence.REDISPATCH or state.until <= now

    def _tell(self, member: Member, state: Operational) -> None:
        pool = self._configuration().all(Pool)[member.pool_id]
        _log.info(
            "Member {member} of pool {pool} has drained ({state}): nothing runs on it any more",
            member=member.name or member.id,
            member_id=member.id,
            pool=pool.name or pool.id,
            state=state.mode.value,
        )
