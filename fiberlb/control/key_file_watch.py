"""
The file of the keys that private keys are encrypted with, taken again when it changes.

It is looked at in a thread, every L{fiberlb.control.looking.INTERVAL}. What C{fiberlb keys
reseal} does is done then. What is refused changes nothing: the old keys stay, and it is tried again
from time to time, for others may have to hold the key first.
"""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from fiberlb.control.file_values import Stamp, stamp
from fiberlb.control.file_watch import PATIENCE
from fiberlb.control.looking import Looking, Run
from fiberlb.control.operations import Origin
from fiberlb.control.refusals import Refusal
from fiberlb.control.service import ControlService

#: Looks after which what was refused is tried again.
AGAIN = 10
_ORIGIN = Origin("fiberlb", "file", "the key file has changed")


class KeyFileWatch(Looking):
    """
    Looks after the key file of a node.

    @param run: runs in a thread.
    """

    _log = Logger()
    WHAT = "key files"
    AT_ONCE = True

    def __init__(self, control: ControlService, clock: IReactorTime, run: Run) -> None:
        super().__init__(clock)
        self._control = control
        self._run = run
        self._begun = False
        self._stamp: Stamp | None = None
        #: Tries in vain since it changed, and looks until the next one; C{None}: none is due.
        self._tries = 0
        self._due: int | None = None
        self._said = ""

    def start(self) -> None:
        """Look from now on, where there is a file."""
        if self._control.keys.path is not None:
            super().start()

    async def _look(self) -> None:
        path = self._control.keys.path
        assert path is not None
        now: Stamp | None = await self._run(lambda: stamp(path))
        before, self._stamp = self._stamp, now
        if not self._begun:
            self._begun = True
            return
        if now != before:
            self._tries, self._due = 0, 0
        elif self._due is not None:
            self._due -= 1
        if self._due is not None and self._due <= 0:
            await self._take(now != before)

    async def _take(self, fresh: bool) -> None:
        """
        Have the keys of the file.

        @param fresh: it has changed a moment ago: looked at once more, for times are coarse.
        """
        try:
            done = await self._control.keys.follow_file(_ORIGIN)
        except Refusal as why:
            self._mind(str(why))
            return
        self._due = 1 if fresh else None
        if self._said:
            self._said = ""
            self._control.mind_files("keys", ())
        if done is not None:
            self._log.info(
                "The key file was read again: key {key} seals, {count} secrets were sealed anew",
                key=done.key_id,
                count=done.resealed,
            )

    def _mind(self, why: str) -> None:
        """It is refused: wait, and say so once when it stays so."""
        self._tries += 1
        self._due = 1 if self._tries < PATIENCE else AGAIN
        if self._tries < PATIENCE or self._said == why:
            return
        self._said = why
        told = f"the key file has changed and is not in use: {why}"
        self._control.mind_files("keys", (told,))
        self._log.error("{told}", told=told[0].upper() + told[1:])
