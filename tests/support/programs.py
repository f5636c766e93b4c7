"""
Real programs beside the tests: found, started, watched and ended by their pid.

Each program's output is read by a thread, so waiting is waiting for a line,
the end of the process or a deadline, never a fixed time.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from time import monotonic
from unittest import SkipTest

#: Seconds a program may take to start, to say something or to stop.
PATIENCE = 60.0

#: Octets that the working directory may have: paths of Unix sockets end at 107.
_ROOM = 60

#: Where Debian has programs that are not on an ordinary user's path.
_ELSEWHERE = "/usr/sbin:/usr/local/sbin:/sbin"


class NotStarted(Exception):
    """A program ended, or said nothing in time; the text is its output."""


def required() -> frozenset[str]:
    """Programs whose absence is a failure: the words of C{FIBERLB_REQUIRE}, split at commas."""
    return frozenset(filter(None, os.environ.get("FIBERLB_REQUIRE", "").split(",")))


def need(name: str) -> str:
    """
    The path of a program.

    @raise SkipTest: it is missing; where C{FIBERLB_REQUIRE} names it, the test fails instead.
    """
    found = shutil.which(name) or shutil.which(name, path=_ELSEWHERE)
    if found is None:
        if name in required():
            raise AssertionError(f"{name} is missing, and FIBERLB_REQUIRE lists it")
        raise SkipTest(f"{name} is not installed")
    return found


class Program:
    """
    One process and its output; C{stop} is safe to call at any time.

    @ivar pid: of the process, which is a child of this one.
    @ivar lines: what it wrote to its output and error streams so far.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: str,
        env: Mapping[str, str] | None = None,
        handed: Sequence[int] = (),
    ) -> None:
        """
        @param handed: descriptors that the process inherits.
        """
        self.command = list(command)
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._silent = False
        self.process = subprocess.Popen(
            self.command,
            cwd=cwd,
            env=dict(env) if env is not None else None,
            pass_fds=handed,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        self.pid = self.process.pid
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._silent = True
            self._news.notify_all()

    @property
    def output(self) -> str:
        """Everything written so far."""
        with self._news:
            return "\n".join(self.lines)

    @property
    def running(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def wait_for_line(self, pattern: str, *, after: int = 0, within: float = PATIENCE) -> str:
        """
        The first line that C{pattern} is found in, waiting for it.

        @param after: how many lines to leave out; C{len(program.lines)} waits for a new one.

        @raise NotStarted: the program ended its output, or time ran out.
        """
        sought = re.compile(pattern)
        deadline = monotonic() + within
        with self._news:
            while True:
                for line in self.lines[after:]:
                    if sought.search(line):
                        return line
                left = deadline - monotonic()
                if self._silent or left <= 0:
                    raise NotStarted(self._failure(f"no line with {pattern!r}"))
                self._news.wait(left)

    def wait_until(self, ready: Callable[[], bool], *, within: float = PATIENCE) -> None:
        """
        Wait until C{ready} says so, asking again every 20 ms while the process lives.

        @raise NotStarted: the process ended first, or time ran out.
        """
        deadline = monotonic() + within
        while not ready():
            if not self.running or monotonic() > deadline:
                with self._news:
                    raise NotStarted(self._failure("never ready"))
            with self._news:
                self._news.wait(0.02)

    def _failure(self, what: str) -> str:
        told = "\n".join(self.lines[-40:])
        return f"{self.command[0]}: {what} (exit {self.process.poll()})\n{told}"

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, by its pid; nothing when it has ended."""
        self.process.send_signal(number)

    def wait(self, within: float = PATIENCE) -> int:
        """
        The exit status, waiting for the end of process and output.

        @raise subprocess.TimeoutExpired: it still runs.
        """
        status = self.process.wait(within)
        self._reader.join(within)
        return status

    def stop(self, within: float = PATIENCE) -> int:
        """End the process with SIGTERM, with SIGKILL when that does not help; its exit status."""
        if self.running:
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(within)
            except subprocess.TimeoutExpired:
                self.process.kill()
        status = self.wait(within)
        # A reader that still waits holds the stream: somebody else writes there too.
        if self.process.stdout is not None and not self._reader.is_alive():
            self.process.stdout.close()
        return status

    def crash(self) -> None:
        """End the process at once; others that it has started may go on, and go on writing."""
        self.process.kill()
        self.process.wait(PATIENCE)

    def kill(self) -> None:
        """End the process at once, as a crash would."""
        if self.running:
            self.process.kill()
        self.stop()


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    """Whether something accepts TCP connections there."""
    try:
        socket.create_connection((host, port), timeout=2).close()
    except OSError:
        return False
    return True


def temporary_directory() -> str:
    """
    A new directory whose path leaves room for the names of Unix sockets.

    It is below trial's own working directory, which goes away with the next run; where the path
    of that is too long, among the system's temporary ones, and goes away with this process.
    """
    here = os.getcwd()
    if len(here.encode()) <= _ROOM:
        return mkdtemp(prefix="program-", dir=here)
    made = mkdtemp(prefix="fl-")
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def venv_program(name: str) -> str:
    """A console script of the environment the tests run in: C{twistd}, C{fiberlb}."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        raise SkipTest(f"{found} is missing: run the tests in the environment of pip install")
    return str(found)
