"""Whose turn it is to write, among the processes that append to one place."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from threading import Event

#: Seconds between two attempts, at first and at most.
_SHORTEST, _LONGEST = 0.001, 0.05
_WITHIN, _WHOLE = b"1", b"0"


class Turn:
    """
    A lock that several processes hold one after the other.

    It is that of a file beside the log, since a log may be a pipe. The file's
    one octet says that somebody is within a line that takes several writes:
    who finds it there comes after one that was cut off, and begins a new line.

    @param path: of the lock's file; C{None}: nobody else writes.

    @ivar torn: the last line of the place has no end.
    """

    def __init__(self, path: str | None = None) -> None:
        self.torn = False
        self._path = path
        self._fd = -1
        self._held = False

    def take(self, given_up: Callable[[], bool], patience: float | None = None) -> bool:
        """
        Wait for the turn; blocks.

        @param given_up: asked while waiting.
        @param patience: seconds after which to go on without it; C{None}: never.
        @return: whether to write.
        """
        if self._path is None or not self._open(self._path):
            return True
        waited, pause = 0.0, _SHORTEST
        while not self._locked():
            if given_up():
                return False
            if patience is not None and waited >= patience:
                return True
            Event().wait(pause)
            waited += pause
            pause = min(pause * 2, _LONGEST)
        self._held = True
        with suppress(OSError):
            self.torn = os.pread(self._fd, 1, 0) == _WITHIN
        return True

    def within(self, torn: bool) -> None:
        """Note that the last line has no end, or has one again."""
        if torn is not self.torn:
            self.torn = torn
            if self._held:
                with suppress(OSError):
                    os.pwrite(self._fd, _WITHIN if torn else _WHOLE, 0)

    def give(self) -> None:
        """Let the next one write."""
        if self._held:
            self._held = False
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        """Give back the descriptor."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self, path: str) -> bool:
        """Without a place for the lock there is none: lines matter more."""
        if self._fd < 0:
            with suppress(OSError):
                self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        return self._fd >= 0

    def _locked(self) -> bool:
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
