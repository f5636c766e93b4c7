"""One process holds the state directory, and the next one is told which."""

from __future__ import annotations

import fcntl
import os

from fiberlb.store.files import make_directory

#: The name of the lock's file in the state directory.
NAME = "lock"


class StateDirectoryError(Exception):
    """A state directory that cannot be used; the message names it and says why."""


class StateDirectoryInUse(StateDirectoryError):
    """
    Another process holds the state directory.

    @ivar pid: of that process; C{None} in the moment in which it has not written it yet.
    """

    def __init__(self, directory: str, pid: int | None) -> None:
        who = f"the process {pid}" if pid else "another process"
        super().__init__(f"{directory}: {who} uses this state directory")
        self.pid = pid


class StateLock:
    """A state directory, held; it is given back by L{release} or by the end of the process."""

    def __init__(self, number: int) -> None:
        """@param number: the descriptor that bears the lock."""
        self._number: int | None = number

    def release(self) -> None:
        """Give it back; calling it again does nothing."""
        if self._number is not None:
            # The file stays: removing it would let two processes lock two files of one name.
            os.ftruncate(self._number, 0)
            os.close(self._number)
            self._number = None

    def leave(self) -> None:
        """In a copy of the process that holds it: the copy does not."""
        if self._number is not None:
            os.close(self._number)
            self._number = None


def hold(directory: str, pid: int) -> StateLock:
    """
    Make the state directory (0700) if there is none, and hold it. A lock does not outlive its
    process, so one that was killed is in nobody's way. To be called after the last fork.

    @param pid: this process, for whoever comes next.
    @raise StateDirectoryInUse: another process holds it.
    @raise StateDirectoryError: it cannot be made or written to, or everyone can.
    """
    try:
        make_directory(directory)
        if os.stat(directory).st_mode & 0o002:
            raise StateDirectoryError(
                f"{directory}: everyone can write to this state directory; to close it:"
                f" chmod 700 {directory}"
            )
        path = os.path.join(directory, NAME)
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StateDirectoryError(f"{error.filename or directory}: {error.strerror}") from error
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(number, 0)
        os.pwrite(number, b"%d\n" % pid, 0)
    except BlockingIOError:
        holder = os.pread(number, 32, 0).strip()
        os.close(number)
        raise StateDirectoryInUse(directory, int(holder) if holder.isdigit() else None) from None
    except OSError as error:
        os.close(number)
        raise StateDirectoryError(f"{path}: {error.strerror}") from error
    return StateLock(number)
