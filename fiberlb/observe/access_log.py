"""The log of requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, LogLevel

from fiberlb.model.settings import AccessLog as Settings
from fiberlb.model.settings import AccessLogFormat
from fiberlb.observe.entry import Row
from fiberlb.observe.formats import FORMATS, sentence
from fiberlb.observe.writer import STDOUT, LogWriter

#: Seconds between two batches: what a crash may lose, and how late a line may be.
PERIOD = 0.25
#: Lines made in one turn of the reactor, about a millisecond: traffic comes in between.
CHUNK = 200
#: Lines a second, for each reason, about answers that FiberLB made itself while the log is off.
OWN_LINES = 10
#: Seconds without a loss after which the log counts as well again.
_CALM = 10.0
#: Seconds that the last lines may take at the end.
_FAREWELL = 2.0


class AccessLog:
    """
    Requests in, lines out.

    Where a request has ended, and only there::

        if log.on:
            log.entries.append(row)
        elif reason is not None:
            log.own(row)

    @ivar on: whether requests are written down; for life.
    @ivar entries: what was noted since the last batch, which puts a new list here.
    """

    def __init__(
        self, settings: Settings, clock: Any, log: Logger, *, writer: LogWriter | None = None
    ) -> None:
        """
        @param clock: has C{IReactorTime}.
        @param log: for answers that FiberLB made itself, and for trouble of this log's own.
        @param writer: C{None} makes the one for the settings' path.
        """
        self.on = settings.format is not AccessLogFormat.OFF
        self.entries: list[Row] = []
        self._settings = settings
        self._clock = clock
        self._log = log
        self._writer = writer or LogWriter(settings.path)
        self._rest: list[Row] = []
        self._next: IDelayedCall | None = None
        self._loop = LoopingCall(self._beat)
        self._loop.clock = clock
        self._lost_seen = 0
        self._lost_before = 0
        self._trouble_at: float | None = None
        self._puzzled = False
        # Reason -> lines in this second; those above OWN_LINES were left out.
        self._own: dict[str, int] = {}
        self._own_since = clock.seconds()

    @property
    def lost(self) -> int:
        """Lines that could not be written so far."""
        return self._writer.state()[0]

    def start(self) -> None:
        """
        Open the file and begin to write.

        @raise OSError: the file cannot be opened.
        """
        if self.on:
            self._writer.start()
        done = self._loop.start(PERIOD, now=False)
        done.addErrback(lambda f: self._log.failure("The access log ended", f))

    def resume(self) -> None:
        """
        Write again after L{stop}, with another thread: this process is a copy of the one before.

        @raise OSError: the file cannot be opened.
        """
        self._writer = LogWriter(self._settings.path)
        self.start()

    def flush(self) -> None:
        """Hand all that was noted so far to the writer."""
        self._take()
        while self._rest:
            self._step()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def own(self, row: Row) -> None:
        """
        An answer that FiberLB made itself, while the access log is off.

        At most L{OWN_LINES} a second and reason go to the ordinary log; how
        many more there were is told afterwards.
        """
        self._second()
        status, reason = row[8], row[14] or ""
        count = self._own[reason] = self._own.get(reason, 0) + 1
        if count <= OWN_LINES:
            level = LogLevel.warn if status >= 500 else LogLevel.info
            self._log.emit(level, "{request}", request=sentence(row), reason=reason, status=status)

    def reopen(self) -> None:
        """Open the file anew: whoever rotates logs has moved it away."""
        if self.on:
            self.flush()
            self._writer.reopen()

    def stop(self) -> None:
        """Write what is left, for at most two seconds, and close the file."""
        if self._loop.running:
            self._loop.stop()
        self.flush()
        self._sum_up()
        if self.on:
            ended = self._writer.stop(_FAREWELL)
            self._tell()
            if not ended:
                path = self._settings.path
                self._log.error("Access log {path}: its last lines could not be written", path=path)

    def _beat(self) -> None:
        """What is done every L{PERIOD}."""
        self._take()
        if self._next is None:
            self._run_step()
        if self.on:
            self._tell()
        self._second()

    def _take(self) -> None:
        entries, self.entries = self.entries, []
        if self.on:
            self._rest += entries

    def _run_step(self) -> None:
        self._next = None
        self._step()
        if self._rest:
            self._next = self._clock.callLater(0, self._run_step)

    def _step(self) -> None:
        chunk = self._rest[:CHUNK]
        if chunk:
            del self._rest[:CHUNK]
            self._hand_over(chunk)

    def _hand_over(self, entries: Sequence[Row]) -> None:
        form = FORMATS[self._settings.format]
        try:
            lines = [form(row) for row in entries]
        except Exception:
            lines = self._one_by_one(entries)
        self._writer.put("\n".join([*lines, ""]).encode("ascii", "replace"), len(lines))

    def _one_by_one(self, entries: Sequence[Row]) -> list[str]:
        """The lines that can be made, where one cannot."""
        form = FORMATS[self._settings.format]
        lines = []
        for row in entries:
            try:
                lines.append(form(row))
            except Exception:
                if not self._puzzled:
                    self._puzzled = True
                    self._log.failure("An entry of the access log cannot be written as a line")
        return lines

    def _tell(self) -> None:
        """Tell once that lines are lost, and once that they are not any more."""
        lost, problem = self._writer.state()
        now = self._clock.seconds()
        name = "the standard output" if self._settings.path == STDOUT else self._settings.path
        if problem is not None or lost > self._lost_seen:
            if self._trouble_at is None:
                why = problem or "lines were lost"
                self._log.error("Access log {path}: {why}", path=name, why=why)
                self._lost_before = self._lost_seen
            self._trouble_at = now
            self._lost_seen = lost
        elif self._trouble_at is not None and now - self._trouble_at >= _CALM:
            self._trouble_at = None
            count = lost - self._lost_before
            text = "Access log {path}: written again, {count} lines were lost"
            self._log.warn(text, path=name, count=count)

    def _second(self) -> None:
        """Begin to count anew when the second is over."""
        now = self._clock.seconds()
        if not 0 <= now - self._own_since < 1:
            self._own_since = now
            self._sum_up()

    def _sum_up(self) -> None:
        """Tell what was left out of the lines about own answers."""
        counts, self._own = self._own, {}
        for reason, count in counts.items():
            if count > OWN_LINES:
                text = "{count} more answers with {reason} were not logged one by one"
                self._log.info(text, count=count - OWN_LINES, reason=reason)
