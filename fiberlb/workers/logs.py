"""The access log of the workers, as control sees it: trouble is told once, for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from fiberlb.observe.losses import Losses

#: Seconds between two looks.
LOOK = 1.0


class LogWatch:
    """
    Looks at what the workers count and say.

    @param reactor: has C{IReactorTime}.
    @param path: of the access log.
    @param find: the workers that live, as L{fiberlb.workers.seen.Seen}.
    @param lost: lines that were lost so far, over all workers.
    """

    def __init__(
        self,
        reactor: Any,
        path: str,
        find: Callable[[], Iterable[Any]],
        lost: Callable[[], int],
        log: Logger,
    ) -> None:
        self._losses = Losses(path, reactor, log)
        self._find = find
        self._lost = lost
        self._loop = LoopingCall(self.look)
        self._loop.clock = reactor

    def start(self) -> None:
        """Look from now on."""
        self._loop.start(LOOK, now=False)

    def stop(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def look(self) -> None:
        """Look once."""
        troubles = (seen.log_trouble for seen in self._find())
        self._losses.look(self._lost(), next(filter(None, troubles), None))
