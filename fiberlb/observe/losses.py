"""Lines of the access log that could not be written: told when it begins and when it is over."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from fiberlb.observe.outlet import STDOUT

#: Seconds without a loss after which the log counts as well again.
CALM = 10.0


class Losses:
    """
    Tells of trouble in two lines, however long it lasts and however many lines are lost.

    @param path: of the access log.
    @param clock: has C{IReactorTime}.
    @param log: where it is told.
    """

    def __init__(self, path: str, clock: Any, log: Logger) -> None:
        self._name = "the standard output" if path == STDOUT else path
        self._clock = clock
        self._log = log
        self._seen = 0
        self._before = 0
        self._trouble_at: float | None = None

    def look(self, lost: int, problem: str | None) -> None:
        """
        To be called again and again.

        @param lost: lines that were, so far.
        @param problem: what is wrong now; C{None}: nothing.
        """
        now = self._clock.seconds()
        if problem is not None or lost > self._seen:
            if self._trouble_at is None:
                why = problem or "lines were lost"
                self._log.error("Access log {path}: {why}", path=self._name, why=why)
                self._before = self._seen
            self._trouble_at = now
            self._seen = lost
        elif self._trouble_at is not None and now - self._trouble_at >= CALM:
            self._trouble_at = None
            text = "Access log {path}: written again, {count} lines were lost"
            self._log.warn(text, path=self._name, count=lost - self._before)
