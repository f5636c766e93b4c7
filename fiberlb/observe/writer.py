"""One thread that writes whole lines, so that a slow disk never holds up the traffic."""

from __future__ import annotations

import os
import select
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

#: C{path} of the standard output.
STDOUT = "stdout"

#: Bytes that may wait to be written; what comes when they do is dropped.
BOUND = 16 * 1024 * 1024

#: Seconds between two looks whether a stop was asked for, while a pipe takes nothing.
_PATIENCE = 0.5

_REOPEN = None
_LINE_FEED = 10


def open_log(path: str) -> int:
    """
    Open a log for appending, made 0640 where it is missing; its descriptor.

    @raise OSError: it cannot be opened.
    """
    # Not to wait for the reader of a named pipe: without one, opening it is refused.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        fd = os.open(path, flags | os.O_EXCL, 0o640)
    except FileExistsError:
        fd = os.open(path, flags, 0o640)
    else:
        # Not what the umask leaves of it: in the background that is nothing for the group.
        os.fchmod(fd, 0o640)
    os.set_blocking(fd, True)
    return fd


class LogWriter:
    """
    A file, a bounded queue of batches, and the thread between them.

    All methods are for the thread that made it, and none of them waits, but
    L{stop} for a limited time.
    """

    def __init__(
        self, path: str, *, bound: int = BOUND, write: Callable[[int, bytes], int] = os.write
    ) -> None:
        """
        @param path: a file, or L{STDOUT}.
        @param bound: bytes that may wait.
        @param write: writes some of the bytes to a descriptor, and says how many.
        """
        self._path = path
        self._bound = bound
        self._write_some = write
        self._fd = -1
        self._torn = False
        self._news = Condition()
        self._queue: deque[tuple[bytes, int] | None] = deque()
        self._pending = 0
        self._lost = 0
        self._problems: dict[str, str] = {}
        self._ending = False
        self._hurry = False
        self._thread = Thread(target=self._run, name="access-log", daemon=True)

    def start(self) -> None:
        """
        Open the file and start the thread.

        @raise OSError: the file cannot be opened.
        """
        self._fd = 1 if self._path == STDOUT else open_log(self._path)
        self._thread.start()

    def put(self, batch: bytes, lines: int) -> None:
        """Have whole lines written, or count them as lost when too much waits already."""
        with self._news:
            if self._pending and self._pending + len(batch) > self._bound:
                self._lost += lines
                self._problems["full"] = "lines come faster than they are written"
                return
            self._queue.append((batch, lines))
            self._pending += len(batch)
            self._news.notify()

    def reopen(self) -> None:
        """Open the file again, after what was put so far: it has been moved away."""
        with self._news:
            self._queue.append(_REOPEN)
            self._news.notify()

    def state(self) -> tuple[int, str | None]:
        """How many lines were lost so far, and what is wrong now, C{None} when nothing is."""
        with self._news:
            return self._lost, next(iter(self._problems.values()), None)

    def stop(self, within: float) -> bool:
        """
        Write what waits, then end the thread and close the file.

        @param within: seconds to wait for it.
        @return: whether it has ended; what then still waited is lost.
        """
        with self._news:
            self._ending = True
            self._news.notify()
        if not self._thread.ident:
            return True
        self._thread.join(within)
        with self._news:
            self._hurry = True
            self._lost += sum(item[1] for item in self._queue if item is not None)
            self._queue.clear()
        return not self._thread.is_alive()

    # What follows runs in the writer's thread.

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._queue:
                    if self._ending:
                        self._close()
                        return
                    self._news.wait()
                item = self._queue.popleft()
            if item is None:
                self._open_again()
            else:
                self._write(*item)

    def _write(self, batch: bytes, lines: int) -> None:
        # After a line that was cut off, the next one begins on a line of its own.
        data = b"\n" + batch if self._torn else batch
        rest, problem = self._push(data)
        if len(rest) < len(data):
            self._torn = data[len(data) - len(rest) - 1] != _LINE_FEED
        with self._news:
            self._pending -= len(batch)
            self._lost += min(rest.count(b"\n"), lines)
            if problem is not None:
                self._problems["write"] = problem
            else:
                self._problems.pop("write", None)
                if not self._queue:
                    self._problems.pop("full", None)

    def _push(self, data: bytes) -> tuple[bytes, str | None]:
        """Write as much as can be; what is left, and why."""
        while data:
            try:
                data = data[self._write_some(self._fd, data) :]
            except BlockingIOError:
                if self._hurry:
                    return data, "nobody reads it"
                # Someone else who has this pipe or terminal open made it non-blocking.
                ready = select.poll()
                ready.register(self._fd, select.POLLOUT)
                ready.poll(_PATIENCE * 1000)
            except OSError as why:
                return data, why.strerror or "write error"
        return data, None

    def _open_again(self) -> None:
        if self._path == STDOUT:
            return
        problem = None
        try:
            fd = open_log(self._path)
        except OSError as why:
            problem = f"cannot be opened again: {why.strerror}"
        else:
            os.close(self._fd)
            self._fd, self._torn = fd, False
        with self._news:
            if problem is not None:
                self._problems["reopen"] = problem
            else:
                self._problems.pop("reopen", None)

    def _close(self) -> None:
        if self._path != STDOUT:
            os.close(self._fd)
