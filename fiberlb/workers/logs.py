"""
The access log that all workers write, in turn: how they do, and what control tells of it.

Trouble is told once, for all of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.model.access_log import AccessLog as LogSettings
from fiberlb.model.access_log import format_of
from fiberlb.observe.access_log import AccessLog
from fiberlb.observe.losses import Losses
from fiberlb.workers import messages
from fiberlb.workers.order import Order

#: Seconds between two looks.
LOOK = 1.0
#: The file in the state directory that says whose turn it is to write.
TURN = "access-log.lock"
_log = Logger("fiberlb.access")


def turn_in(directory: str) -> str | None:
    """The file of the lock; C{None} without a state directory."""
    return os.path.join(directory, TURN) if directory else None


def access_log(
    reactor: Any, order: Order, look: Callable[[int, str | None], None], chance: Any
) -> AccessLog:
    """The access log of a worker; C{look} and C{chance} as L{AccessLog} takes them."""
    settings = LogSettings(
        format=format_of(order.log_format), path=order.log_path, sample=order.log_sample
    )
    # With nothing on disk a worker writes as it comes.
    turn = turn_in(order.directory) if order.directory else None
    return AccessLog(settings, reactor, _log, random=chance, look=look, turn=turn)


class LogTeller:
    """
    What a worker says of its access log: control tells it; where that is away, the worker does.

    @ivar link: to control, C{None} while there is none.
    """

    def __init__(self, reactor: Any, path: str) -> None:
        self._losses = Losses(path, reactor, _log)
        self._link: Any = None
        self._told = ""

    @property
    def link(self) -> Any:
        """To control; another one has been told nothing yet."""
        return self._link

    @link.setter
    def link(self, link: Any) -> None:
        self._link = link
        self._told = ""

    def look(self, lost: int, problem: str | None) -> None:
        """As L{AccessLog} calls it."""
        if self._link is None:
            self._losses.look(lost, problem)
        elif (problem or "") != self._told:
            self._told = problem or ""
            self._link.callRemote(messages.LogTrouble, text=self._told)


class LogWatch:
    """
    Looks at what the workers count and say.

    @param reactor: has C{IReactorTime}.
    @param path: of the access log.
    @param plane: L{fiberlb.workers.plane.WorkersPlane}, for its workers and what they count.
    """

    def __init__(self, reactor: Any, path: str, plane: Any, log: Logger = _log) -> None:
        self._losses = Losses(path, reactor, log)
        self._plane = plane
        self._loop = LoopingCall(self.look)
        self._loop.clock = reactor

    def start(self) -> None:
        """Look from now on."""
        self._loop.start(LOOK, now=False)

    def stop(self) -> None:
        """Look once more."""
        if self._loop.running:
            self._loop.stop()
            self.look()

    def reopen(self) -> None:
        """Have everyone who may write to the log open it again, also those that drain."""
        for seen in self._plane.crew.seen() if self._loop.running else ():
            # One of another version may not know the message.
            seen.ask(messages.Reopen).addErrback(lambda why: None)

    def look(self) -> None:
        """Look once."""
        troubles = (seen.log_trouble for seen in self._plane.crew.seen())
        self._losses.look(self._plane.processes().lost, next(filter(None, troubles), None))
