"""
Processes that fall to this one and that nobody here has started.

Control is a subreaper, and the first process of a container: whoever loses its parent
there becomes its child, and stays in the table of processes until it is waited for. So
does the template that an earlier image of this process has started.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.process import reapProcessHandlers
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

#: Seconds between two looks.
TURN = 1.0
#: Processes that are waited for in one look.
AT_ONCE = 256
_log = Logger()


def next_ended() -> int | None:
    """The pid of a child that has ended and was not waited for; C{None}: there is none."""
    try:
        found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return None
    return found.si_pid if found is not None else None


def wait_for(pid: int) -> None:
    """Take an ended child out of the table; nothing happens when somebody else has."""
    try:
        os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        pass


class Orphans:
    """
    Waits for them.

    Children that Twisted has started, and those known otherwise, are left to whoever wants
    to know how they ended. A library that starts processes in a thread, by L{subprocess},
    would lose their exit codes to this: none does in control.

    @param known: pids that somebody else waits for.
    """

    def __init__(
        self,
        clock: Any,
        known: Callable[[], frozenset[int]],
        ended: Callable[[], int | None] = next_ended,
        wait: Callable[[int], None] = wait_for,
    ) -> None:
        self._known = known
        self._ended = ended
        self._wait = wait
        self._call = LoopingCall(self.look)
        self._call.clock = clock

    def start(self) -> None:
        """Begin to look, every L{TURN}."""
        self._call.start(TURN, now=False).addErrback(
            lambda why: _log.failure("processes that ended are not waited for any more", why)
        )

    def stop(self) -> None:
        """Look no more."""
        if self._call.running:
            self._call.stop()

    def look(self) -> None:
        """Wait for those that have ended."""
        for _ in range(AT_ONCE):
            pid = self._ended()
            # The system shows the same one until it is waited for; its owner will, very soon.
            if pid is None or pid in reapProcessHandlers or pid in self._known():
                return
            self._wait(pid)
            _log.debug("Process {pid}, which fell to this one, has ended", pid=pid)
