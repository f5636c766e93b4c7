"""
Where the lines of a log go: a file, a pipe or the standard output.

Several processes may write there. Each of them writes whole lines, one process
at a time (L{Turn}), so that no line ever stands within another one. What was
begun and cannot be ended is taken back where that is possible, which it is in
files; elsewhere the next line begins on a line of its own.
"""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Callable
from contextlib import suppress

from fiberlb.observe.turn import Turn

#: C{path} of the standard output.
STDOUT = "stdout"
#: Of a log that is made.
MODE = 0o640
#: Seconds between two looks whether to give up, while a pipe takes nothing.
_PATIENCE = 0.5
#: Seconds after which a file is written to although another process, which may have been
#: stopped, has the turn: the kernel keeps what is appended whole.
_STOPPED = 2.0
_LINE_FEED = 10
#: What a pipe without a reader says: when it is opened, and when it is written to.
NOBODY = (errno.ENXIO, errno.EPIPE)

Write = Callable[[int, bytes], int]


def open_log(path: str) -> int:
    """
    Open a log for appending; one that is made has L{MODE}, whatever the process's mask.

    @return: its descriptor, which blocks unless it is a pipe's.
    @raise OSError: it cannot be opened.
    """
    # Not to wait for the reader of a named pipe: without one, opening it is refused.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        fd = os.open(path, flags)
    except FileNotFoundError:
        fd = os.open(path, flags | os.O_CREAT, MODE)
        os.fchmod(fd, MODE)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        os.set_blocking(fd, True)
        with suppress(OSError):
            # To see how the file ends.
            seeing = os.open(f"/proc/self/fd/{fd}", os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            os.close(fd)
            fd = seeing
    return fd


class Outlet:
    """
    One log as one process writes it; its methods block, but never for a reader.

    @param turn: shared with the other processes.
    @param write: writes some of the bytes to a descriptor, and says how many.
    """

    def __init__(self, path: str, turn: Turn | None = None, write: Write = os.write) -> None:
        self._path = path
        self._turn = turn or Turn()
        self._write_some = write
        self._fd = -1
        self._file = False
        self._torn = False

    @property
    def is_open(self) -> bool:
        """Whether anything can be written."""
        return self._fd >= 0

    def open(self) -> None:
        """
        Open it, in place of what was open.

        @raise OSError: it cannot be; what was open still is.
        """
        fd = 1 if self._path == STDOUT else open_log(self._path)
        self.shut()
        self._fd = fd
        self._file = stat.S_ISREG(os.fstat(fd).st_mode)
        self._torn = False

    def shut(self) -> None:
        """Close what is open, if anything is."""
        fd, self._fd = self._fd, -1
        if fd >= 0 and self._path != STDOUT:
            os.close(fd)

    def close(self) -> None:
        """The end of it."""
        self.shut()
        self._turn.close()

    def waits_for_reader(self, why: OSError) -> bool:
        """Whether this is what a named pipe says that nobody reads now; C{False} of the output."""
        return why.errno in NOBODY and self._path != STDOUT

    def write(self, lines: bytes, given_up: Callable[[], bool]) -> tuple[int, OSError | None]:
        """
        Append whole lines.

        @param given_up: asked while nothing can be written.
        @return: how many octets were, up to the end of a line, and why not all of them.
        """
        if not self._turn.take(given_up, _STOPPED if self._file else None):
            return 0, BlockingIOError(errno.EAGAIN, "another process is writing")
        try:
            data = b"\n" + lines if self._begun() else lines
            done, why = self._push(data, given_up)
            whole = data.rfind(b"\n", 0, done) + 1
            if done > whole:
                self._within(not self._taken_back(done - whole))
            return max(whole - len(data) + len(lines), 0), why
        finally:
            self._turn.give()

    def _begun(self) -> bool:
        """Whether what is there ends within a line."""
        if not self._file:
            return self._turn.torn
        with suppress(OSError):
            size = os.fstat(self._fd).st_size
            if size:
                return os.pread(self._fd, 1, size - 1) != b"\n"
        return self._torn

    def _within(self, torn: bool) -> None:
        if self._file:
            self._torn = torn
        else:
            self._turn.within(torn)

    def _taken_back(self, count: int) -> bool:
        """Take back the last octets of a file, if nobody has added any."""
        if not self._file:
            return False
        try:
            end = os.lseek(self._fd, 0, os.SEEK_CUR)
            if os.fstat(self._fd).st_size != end:
                return False
            os.ftruncate(self._fd, end - count)
        except OSError:
            return False
        return True

    def _push(self, data: bytes, given_up: Callable[[], bool]) -> tuple[int, OSError | None]:
        """Write as much as can be; how many octets that were, and why not all."""
        done = 0
        while done < len(data):
            end = len(data) if self._file else self._piece(data, done)
            try:
                if not self._file and not _ready(self._fd, given_up):
                    return done, BlockingIOError(errno.EAGAIN, "nobody reads it")
                done += self._write_some(self._fd, data[done:end])
                if done and data[done - 1] == _LINE_FEED:
                    self._within(False)
            except BlockingIOError as why:
                # Someone else who has this pipe or terminal open made it non-blocking.
                if given_up():
                    return done, BlockingIOError(why.errno, "nobody reads it")
                _ready(self._fd, lambda: True)
            except OSError as why:
                return done, why
        return done, None

    def _piece(self, data: bytes, start: int) -> int:
        """
        The end of what a pipe takes as a whole: lines, or a part of one that is longer.

        Others than these processes may write there too, such as the log of the process.
        """
        most = start + select.PIPE_BUF
        if len(data) <= most:
            return len(data)
        end = data.rfind(b"\n", start, most) + 1
        if end:
            return end
        # Who is ended now leaves a part of a line.
        self._within(True)
        return most


def try_log(path: str) -> None:
    """
    See that a log can be opened, for others that will.

    @raise OSError: it cannot be; that nobody reads a named pipe yet is no reason.
    """
    outlet = Outlet(path)
    try:
        outlet.open()
    except OSError as why:
        if why.errno not in NOBODY:
            raise
    outlet.close()


def _ready(fd: int, given_up: Callable[[], bool]) -> bool:
    """Wait until a pipe takes something; C{False} when that was given up."""
    looking = select.poll()
    looking.register(fd, select.POLLOUT)
    while not looking.poll(_PATIENCE * 1000):
        if given_up():
            return False
    return True
