"""One thread that writes whole lines, so that a slow disk never holds up the traffic."""

from __future__ import annotations

import os
from collections import deque
from threading import Condition

from fiberlb.observe.outlet import NOBODY, STDOUT, Outlet, Write
from fiberlb.observe.turn import Turn
from fiberlb.threads import QuietThread

__all__ = ["BOUND", "STDOUT", "LogWriter"]

#: Bytes that may wait to be written; what comes when they do is dropped.
BOUND = 16 * 1024 * 1024
#: Seconds between two attempts to open what cannot be opened.
RETRY = 1.0
#: Seconds after which a failed write is forgotten when nothing has been written since.
FORGOTTEN = 60.0

_REOPEN = None


class LogWriter:
    """
    A file, a bounded queue of batches, and the thread between them.

    All methods are for the thread that made it, and none of them waits, but
    L{stop} for a limited time.
    """

    def __init__(
        self,
        path: str,
        *,
        bound: int = BOUND,
        write: Write = os.write,
        turn: str | None = None,
        retry: float = RETRY,
    ) -> None:
        """
        @param path: a file, or L{STDOUT}.
        @param bound: bytes that may wait.
        @param write: writes some of the bytes to a descriptor, and says how many.
        @param turn: the file of the lock with other processes (L{Turn}); C{None}: there are none.
        @param retry: seconds, as L{RETRY}.
        """
        self._outlet = Outlet(path, Turn(turn), write)
        self._bound = bound
        self._retry = retry
        self._stale = False
        self._news = Condition()
        self._queue: deque[tuple[bytes, int] | None] = deque()
        self._pending = 0
        self._lost = 0
        self._problems: dict[str, str] = {}
        self._ending = False
        self._hurry = False
        self._thread = QuietThread(target=self._run, name="access-log", daemon=True)

    def start(self, *, later: bool = False) -> None:
        """
        Open the file and start the thread.

        @param later: the thread opens the file, and tries again when it cannot be. A named
            pipe that nobody reads yet is left to it in any case.
        @raise OSError: the file cannot be opened.
        """
        if not later:
            try:
                self._outlet.open()
            except OSError as why:
                if why.errno not in NOBODY:
                    raise
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

    def lose(self, lines: int) -> None:
        """Count lines that were dropped before they came here."""
        with self._news:
            self._lost += lines

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
            self._news.notify()
            self._lost += sum(item[1] for item in self._queue if item is not None)
            self._queue.clear()
        return not self._thread.is_alive()

    # What follows runs in the writer's thread.

    def _run(self) -> None:
        while True:
            with self._news:
                while not self._queue:
                    if self._ending:
                        self._outlet.close()
                        return
                    if not self._news.wait(self._idle()):
                        # Whoever writes nothing is in no trouble; another process may be.
                        self._problems.pop("write", None)
                    # Where a file has to be opened yet, it is although there is nothing to write.
                    if self._must_open():
                        break
                item = self._queue.popleft() if self._queue else (b"", 0)
            if item is _REOPEN:
                self._stale = True
            if self._must_open():
                self._open()
            if item:
                self._write(*item)

    def _idle(self) -> float | None:
        """Seconds to wait for something to write."""
        if self._must_open():
            return self._retry
        return FORGOTTEN if self._problems else None

    def _must_open(self) -> bool:
        return self._stale or not self._outlet.is_open

    def _open(self) -> None:
        """What is open stays so when it cannot be opened again."""
        again = self._outlet.is_open
        problem = None
        try:
            self._outlet.open()
        except OSError as why:
            problem = f"cannot be opened{' again' if again else ''}: {_words(why)}"
        else:
            self._stale = False
        self._note("open", problem)

    def _write(self, batch: bytes, lines: int) -> None:
        rest, problem = batch, None
        while rest:
            if not self._outlet.is_open:
                if not self._waited():
                    break
                continue
            done, why = self._outlet.write(rest, self._given_up)
            rest = rest[done:]
            if why is None:
                break
            if not self._outlet.waits_for_reader(why):
                problem = _words(why)
                break
            # Whoever reads it next gets all that waits.
            self._outlet.shut()
            self._note("open", _words(why))
        with self._news:
            self._pending -= len(batch)
            self._lost += min(rest.count(b"\n"), lines)
            if problem is None and not self._queue:
                self._problems.pop("full", None)
        if batch:
            self._note("write", problem)

    def _waited(self) -> bool:
        """Open it after a while, at the end at once; C{False}: there is no time to try again."""
        with self._news:
            if not self._ending:
                self._news.wait(self._retry)
            ending = self._ending
        self._open()
        return self._outlet.is_open or not ending

    def _given_up(self) -> bool:
        return self._hurry

    def _note(self, kind: str, problem: str | None) -> None:
        with self._news:
            if problem is not None:
                self._problems[kind] = problem
            else:
                self._problems.pop(kind, None)


def _words(why: OSError) -> str:
    return "nobody reads it" if why.errno in NOBODY else why.strerror or "write error"
