"""Which listener's TLS begins with which of the template's contexts."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.logger import Logger

from fiberlb.snapshot import Snapshot
from fiberlb.workers.template import BASES

_log = Logger()
#: No context is left: each worker makes its own, and knows only its own tickets.
NONE = -1


class Bases:
    """
    Gives out base contexts; the same in every worker.

    A context that connections were made with cannot be changed, and its
    tickets bring back what was negotiated with it. So each listener gets one,
    another one whenever its cipher suites or what it asks of clients change, and
    none is given twice for as long as the template lives.
    """

    def __init__(self, count: int = BASES) -> None:
        self._count = count
        self._free = list(range(count))
        self._given: dict[str, tuple[tuple[object, ...], int]] = {}

    def assign(self, snapshot: Snapshot) -> Mapping[str, int]:
        """The number of each listener with TLS."""
        given: dict[str, tuple[tuple[object, ...], int]] = {}
        for ident, plan in snapshot.listeners.items():
            if plan.tls is None:
                continue
            sessions = plan.tls.sessions
            found = self._given.get(ident)
            if found is None or found[0] != sessions:
                found = (sessions, self._take())
            given[ident] = found
        self._given = given
        return {ident: number for ident, (_, number) in given.items()}

    @property
    def spent(self) -> bool:
        """Whether a listener goes without, for want of contexts."""
        return any(number == NONE for _, number in self._given.values())

    def renew(self) -> None:
        """
        Another template's contexts are there, and all workers that serve are its own.

        Who has a number keeps it, the others are free again; who has none gets one.
        """
        self._given = {i: given for i, given in self._given.items() if given[1] != NONE}
        taken = {number for _, number in self._given.values()}
        self._free = [number for number in range(self._count) if number not in taken]

    def _take(self) -> int:
        if not self._free:
            _log.warn("TLS sessions of another listener are resumed by one worker only")
            return NONE
        return self._free.pop(0)
