"""The log of requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import LoopingCall
from twisted.logger import Logger, LogLevel

from fiberlb.model.access_log import AccessLog as Settings
from fiberlb.model.access_log import AccessLogFormat
from fiberlb.observe.entry import Row
from fiberlb.observe.formats import formatter, sentence
from fiberlb.observe.losses import Losses
from fiberlb.observe.writer import LogWriter

#: Seconds between two batches: what a crash may lose, and how late a line may be.
PERIOD = 0.25
#: Lines made in one turn of the reactor, about a millisecond: traffic comes in between.
CHUNK = 200
#: With more lines waiting than this many chunks, a turn makes more than one of them.
BEHIND = 16
#: Lines that may wait to be made; what comes when they do is dropped.
MOST = 50_000
#: Lines a second, for each reason, about answers that FiberLB made itself while the log is off
#: or takes samples.
OWN_LINES = 10
#: Seconds that the last lines may take at the end.
_FAREWELL = 2.0
_REOPEN = None


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
        self,
        settings: Settings,
        clock: Any,
        log: Logger,
        *,
        random: Callable[[], float] = lambda: 0.0,
        look: Callable[[int, str | None], None] | None = None,
        writer: LogWriter | None = None,
        turn: str | None = None,
    ) -> None:
        """
        @param clock: has C{IReactorTime}.
        @param log: for answers that FiberLB made itself, and for trouble of this log's own.
        @param random: numbers from 0 to 1, for samples.
        @param look: told four times a second how many lines were lost and what is wrong;
            C{None}: C{log} is (L{Losses}).
        @param writer: C{None} makes the one for the settings' path.
        @param turn: as L{LogWriter} takes it.
        """
        self.on = settings.format is not AccessLogFormat.OFF
        self.entries: list[Row] = []
        self._settings = settings
        self._form = formatter(settings.format)
        self._random = random
        self._clock = clock
        self._log = log
        self._turn = turn
        self._writer = writer or LogWriter(settings.path, turn=turn)
        self._look = look or Losses(settings.path, clock, log).look
        self._rest: list[Row | None] = []
        self._next: IDelayedCall | None = None
        self._loop = LoopingCall(self._beat)
        self._loop.clock = clock
        self._puzzled = False
        # Reason -> lines in this second; those above OWN_LINES were left out.
        self._own: dict[str, int] = {}
        self._own_since = clock.seconds()

    @property
    def lost(self) -> int:
        """Lines that could not be written so far."""
        return self._writer.state()[0]

    def start(self, *, later: bool = False) -> None:
        """
        Open the file and begin to write.

        @param later: as L{LogWriter.start} takes it.
        @raise OSError: the file cannot be opened.
        """
        if self.on:
            self._writer.start(later=later)
        done = self._loop.start(PERIOD, now=False)
        done.addErrback(lambda f: self._log.failure("The access log ended", f))

    def resume(self) -> None:
        """
        Write again after L{stop}, with another thread: this process is a copy of the one before.

        @raise OSError: the file cannot be opened.
        """
        self._writer = LogWriter(self._settings.path, turn=self._turn)
        self.start(later=True)

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
        if self._count(reason) <= OWN_LINES:
            level = LogLevel.warn if status >= 500 else LogLevel.info
            self._log.emit(level, "{request}", request=sentence(row), reason=reason, status=status)

    def reopen(self) -> None:
        """Open the file anew, after what was noted so far: whoever rotates logs has moved it."""
        if self.on:
            self._take()
            self._rest.append(_REOPEN)
            if self._next is None:
                self._run_step()

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

    def _tell(self) -> None:
        self._look(*self._writer.state())

    def _take(self) -> None:
        entries, self.entries = self.entries, []
        if not self.on:
            return
        room = max(MOST - len(self._rest), 0)
        self._rest += entries[:room]
        if len(entries) > room:
            self._writer.lose(len(entries) - room)

    def _run_step(self) -> None:
        self._next = None
        self._step()
        if self._rest:
            self._next = self._clock.callLater(0, self._run_step)

    def _step(self) -> None:
        """Some of what waits; more, the more there is, so that it comes to an end."""
        most = max(CHUNK, len(self._rest) // BEHIND)
        chunk = self._rest[:most]
        again = _REOPEN in chunk
        if again:
            chunk = chunk[: chunk.index(_REOPEN)]
        del self._rest[: len(chunk) + again]
        self._hand_over([row for row in chunk if row is not None])
        if again:
            self._writer.reopen()

    def _hand_over(self, entries: Sequence[Row]) -> None:
        if self._settings.sample < 1:
            entries = [row for row in entries if self._sampled(row)]
        form = self._form
        try:
            lines = [form(row) for row in entries]
        except Exception:
            lines = self._one_by_one(entries)
        if lines:
            self._writer.put("\n".join([*lines, ""]).encode("ascii", "replace"), len(lines))

    def _sampled(self, row: Row) -> bool:
        """By chance; what did not go well is written anyway, if there is not too much of it."""
        reason = row[14]
        if reason is not None and self._count(reason) <= OWN_LINES:
            return True
        return self._random() < self._settings.sample

    def _one_by_one(self, entries: Sequence[Row]) -> list[str]:
        """The lines that can be made, where one cannot."""
        lines = []
        for row in entries:
            try:
                lines.append(self._form(row))
            except Exception:
                if not self._puzzled:
                    self._puzzled = True
                    self._log.failure("An entry of the access log cannot be written as a line")
        return lines

    def _count(self, reason: str) -> int:
        count = self._own[reason] = self._own.get(reason, 0) + 1
        return count

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
            if count > OWN_LINES and not self.on:
                text = "{count} more answers with {reason} were not logged one by one"
                self._log.info(text, count=count - OWN_LINES, reason=reason)
