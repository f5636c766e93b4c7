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
        self._next = 0
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

    def _take(self) -> int:
        if self._next >= self._count:
            _log.warn("TLS sessions of another listener are resumed by one worker only")
            return NONE
        self._next += 1
        return self._next - 1
