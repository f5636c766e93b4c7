"""Looks at files, again and again: what all that watch files have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

#: Seconds between two looks.
INTERVAL = 1.0

#: Runs something that blocks elsewhere.
Run = Callable[[Callable[[], Any]], Deferred[Any]]


class Looking(ABC):
    """
    Looks every L{INTERVAL}, or as soon as the last look has ended.

    @cvar WHAT: what is looked at, in the plural, for the log; C{AT_ONCE}: first when it begins.
    """

    WHAT: ClassVar[str]
    AT_ONCE: ClassVar[bool] = False
    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._looking = LoopingCall(self.look)
        self._looking.clock = clock

    def start(self) -> None:
        """Look from now on."""
        self._looking.start(INTERVAL, now=self.AT_ONCE).addErrback(
            lambda why: self._log.failure(
                "{what} are not looked at any more", failure=why, what=self.WHAT
            )
        )

    def stop(self) -> None:
        """Look no more."""
        if self._looking.running:
            self._looking.stop()

    def look(self) -> Deferred[None]:
        """One look; never fails."""
        done = Deferred.fromCoroutine(self._look())
        return done.addErrback(
            lambda why: self._log.failure("{what} were not read", failure=why, what=self.WHAT)
        )

    @abstractmethod
    async def _look(self) -> None:
        """Look, and do what there is to be done."""
