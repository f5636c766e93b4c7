"""
How this process is, told to the service manager that started it (docs/systemd.rst).

Ready when it serves, reloading, stopping; a line of status now and then; and signs of
life, which come from the reactor itself: one that does not turn sends none. Without a
manager that listens nothing happens here.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.process.notify import status

#: Seconds between two turns of this.
TURN = 1.0
#: Turns between two looks at how things are; what has not changed is not told again.
LOOK = 5
#: Seconds that all workers get until the process is ready with those that serve.
PATIENCE = 10.0
#: Seconds by which the end is put off at a time, and those beyond its deadline.
EXTENSION, MARGIN = 10.0, 10.0
#: States that wait for a manager that does not take them; the oldest go.
WAITING = 16
_log = Logger()

Send = Callable[[str], bool]


class Reporting:
    """
    What is told when.

    @param reactor: has C{IReactorTime}.
    @param send: says it, and whether it was heard; C{None}: nobody listens.
    @param watchdog: seconds after which the manager gives this process up, or C{None}.
    """

    def __init__(
        self,
        reactor: Any = None,
        send: Send | None = None,
        watchdog: float | None = None,
        pid: Callable[[], int] = os.getpid,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reactor = reactor
        self._send = send
        self._watchdog = watchdog
        self._pid = pid
        self._monotonic = monotonic
        self._waiting: deque[str] = deque(maxlen=WAITING)
        self._standing: Callable[[], Deferred[str]] | None = None
        self._workers: Callable[[], tuple[int, int]] = lambda: (0, 0)
        self._attended: Callable[[], bool] = lambda: True
        self._served_at = 0.0
        self._ready = False
        self._gone_wrong = False
        self._until: float | None = None
        self._turns = 0
        self._looking = False
        self._told = ""
        self._refusal = ""
        self._silent = False
        self._calls: list[LoopingCall] = []

    # The life of the process.

    def begin(self) -> None:
        """The process is its final one, and starts."""
        if self._send is None:
            return
        self._say(status("starting"))
        self._repeat(self._turn, TURN)
        if self._watchdog is not None:
            self._repeat(self._live, self._watchdog / 2)

    def _repeat(self, work: Callable[[], None], period: float) -> None:
        call = LoopingCall(work)
        call.clock = self._reactor
        call.start(period).addErrback(lambda why: _log.failure("the service manager", why))
        self._calls.append(call)

    def serving(
        self,
        standing: Callable[[], Deferred[str]],
        workers: Callable[[], tuple[int, int]],
        attended: Callable[[], bool],
    ) -> None:
        """
        Whatever listens accepts.

        @param standing: how things are, in a line.
        @param workers: how many there should be, and how many serve.
        @param attended: whether each of them gives signs of life, or is being replaced.
        """
        if self._send is not None:
            self._standing, self._workers, self._attended = standing, workers, attended
            self._served_at = self._reactor.seconds()
            self._get_ready()

    def refused(self, why: str) -> None:
        """The start is refused; that stays in the status."""
        self._gone_wrong = True
        self._say(status(f"the start is refused: {why}"))

    def reloading(self) -> None:
        """The configuration is about to be read again."""
        if self._ready:
            self._state("RELOADING=1", self._time(), status("reading the configuration again"))

    def reloaded(self, refusal: str = "") -> None:
        """
        What came of it.

        @param refusal: why nothing has changed; empty: it is in force.
        """
        self._refusal = refusal
        if self._ready:
            self._state("READY=1", self._line())
            self._look()

    def not_reloading(self, why: str) -> None:
        """There is nothing to read again; a manager that has asked for it is told so."""
        self.reloading()
        self.reloaded(why)

    def upgrading(self) -> None:
        """Another image takes the place of this one, and says when it is ready."""
        if self._ready:
            self._state("RELOADING=1", self._time(), status("upgrading"))

    def stopping(self, seconds: float) -> None:
        """
        The end begins.

        @param seconds: that it may take; the manager is asked for that long to wait.
        """
        if self._send is None or self._until is not None:
            return
        self._ready = False
        self._until = self._reactor.seconds() + seconds + MARGIN
        how = status(f"stopping; what runs has up to {seconds:.0f} s")
        self._state("STOPPING=1", *([] if self._gone_wrong else [how]))
        self._extend()

    def end(self) -> None:
        """Nothing more is told."""
        calls, self._calls = self._calls, []
        for call in calls:
            if call.running:
                call.stop()

    # Now and then.

    def _turn(self) -> None:
        self._flush()
        self._turns += 1
        if self._until is not None:
            self._extend()
        elif self._standing is not None and not self._ready:
            self._get_ready()
        elif self._ready and self._turns % LOOK == 0:
            self._look()

    def _get_ready(self) -> None:
        wanted, serving = self._workers()
        late = self._reactor.seconds() - self._served_at > PATIENCE
        if serving >= wanted or (serving and late):
            self._ready = True
            # The pid is news for a manager that saw this process go into the background.
            self._state("READY=1", f"MAINPID={self._pid()}", status("serving"))
            self._look()

    def _look(self) -> None:
        if self._standing is None or self._looking:
            return
        self._looking = True
        done = self._standing()
        done.addCallback(self._stands)
        done.addErrback(lambda why: _log.failure("how things are", why))
        done.addBoth(lambda _: setattr(self, "_looking", False))

    def _stands(self, text: str) -> None:
        before, self._told = self._line(), text
        if self._ready and self._line() != before:
            self._say(self._line())

    def _line(self) -> str:
        refused = f"; the file was refused: {self._refusal}" if self._refusal else ""
        return status((self._told or "serving") + refused)

    def _live(self) -> None:
        """A sign of life, unless a worker gives none and nobody minds."""
        silent, self._silent = self._silent, not self._attended()
        if not self._silent:
            self._say("WATCHDOG=1")
        elif not silent:
            _log.error("Workers hang and are not replaced: the service manager is not told of life")

    def _extend(self) -> None:
        if self._until is not None and self._reactor.seconds() < self._until:
            self._say(f"EXTEND_TIMEOUT_USEC={EXTENSION * 1e6:.0f}")

    def _time(self) -> str:
        return f"MONOTONIC_USEC={self._monotonic() * 1e6:.0f}"

    # Saying it.

    def _state(self, *lines: str) -> None:
        """Something that must not be lost: it is said again until it is heard, in its turn."""
        if self._send is not None:
            self._waiting.append("\n".join(lines))
            self._flush()

    def _say(self, line: str) -> None:
        """Something that the next one makes up for."""
        self._flush()
        if self._send is not None and not self._waiting:
            self._send(line)

    def _flush(self) -> None:
        while self._waiting and self._send is not None and self._send(self._waiting[0]):
            self._waiting.popleft()
