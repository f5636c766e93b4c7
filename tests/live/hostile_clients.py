"""
Clients that mean no good, by the thousand, and one that only wants its page.

A L{Crowd} is many sockets in one thread: it opens them, lets each drip, and
sees how each ends. A L{Victim} is a normal client beside them, in a thread of
its own. L{Figures} says what a process holds meanwhile.
"""

from __future__ import annotations

import os
import resource
import select
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from types import TracebackType
from unittest import SkipTest

import attrs

from tests.support.balancer import Balancer
from tests.support.clients import PATIENCE, Session, request
from tests.support.programs import Program, venv_program

_ABORT = struct.pack("ii", 1, 0)
_PAGE = os.sysconf("SC_PAGESIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
#: What a browser sends, more or less.
BROWSER = (
    b"GET /some/page?with=a&query=1 HTTP/1.1\r\nHost: www.example.test\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
    b"Connection: keep-alive\r\nCookie: session=0123456789abcdef0123456789abcdef\r\n\r\n"
)


class LeanBalancer(Balancer):
    """FiberLB as C{fiberlb run} starts it, which is how it serves traffic that counts."""

    def spawn(self, *arguments: str) -> Program:
        """See L{Balancer.spawn}."""
        command = [venv_program("fiberlb"), "run", *arguments]
        self.program = Program(command, cwd=self.directory, env=plain_environment())
        return self.program

    @property
    def figures(self) -> Figures:
        """What its process holds."""
        assert self.program is not None
        return Figures(self.program.pid)


def plain_environment() -> dict[str, str]:
    """The variables that a program needs to run at all."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def room_for(descriptors: int) -> None:
    """
    Allow this process, and those it starts, so many descriptors.

    @raise SkipTest: the system allows fewer.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= descriptors or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < descriptors:
        raise SkipTest(f"{descriptors} descriptors are needed, {hard} are allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))


@attrs.frozen
class Figures:
    """What the kernel says of a process, by its pid."""

    pid: int

    @property
    def descriptors(self) -> int:
        """Open descriptors."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    @property
    def resident(self) -> int:
        """Octets of memory in use (RSS)."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE

    @property
    def peak(self) -> int:
        """The most octets of memory since L{forget_peak}."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise LookupError("VmHWM")

    def forget_peak(self) -> None:
        """Measure L{peak} anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    @property
    def cpu(self) -> float:
        """Seconds of processor time spent."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def limit_descriptors(self, most: int) -> None:
        """Let the process open no more than so many."""
        hard = resource.prlimit(self.pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_NOFILE, (most, hard))


def eventually(what: Callable[[], bool], within: float = PATIENCE) -> bool:
    """Ask every 20 ms until it is so; whether it became so in time."""
    pause = threading.Event()
    deadline = monotonic() + within
    while not what():
        if monotonic() > deadline:
            return False
        pause.wait(0.02)
    return True


@attrs.define(eq=False)
class Stranger:
    """
    One connection of a crowd.

    @ivar drip: what it sends again and again, as much at a time as the system takes.
    @ivar opened, ended: when, of C{monotonic}; C{ended} is 0 while it is open.
    @ivar received: the first bytes that came, as far as anybody read them.
    @ivar reset: it ended with a reset, or another error.
    """

    sock: socket.socket
    drip: bytes
    opened: float
    ended: float = 0.0
    received: bytes = b""
    reset: bool = False
    _dripped: int = 0

    def send_on(self) -> None:
        """The next part of the drip."""
        try:
            sent = self.sock.send(memoryview(self.drip)[self._dripped :])
        except BlockingIOError:
            return
        self._dripped = (self._dripped + sent) % len(self.drip)

    @property
    def lasted(self) -> float:
        """Seconds from its opening to its end."""
        return self.ended - self.opened


class Crowd:
    """
    Many connections that one thread serves.

    @ivar strangers: all of them, open or not.
    """

    def __init__(
        self, port: int, *, reads: bool = True, receive_buffer: int = 0, host: str = "127.0.0.1"
    ) -> None:
        """
        @param reads: whether what comes is read; resets and hang-ups are noticed in any case.
        @param receive_buffer: octets that the system takes for each, 0: what it likes.
        """
        self._where = (host, port)
        self._buffer = receive_buffer
        self._reads = reads
        self._poll = select.epoll()
        self._open: dict[int, Stranger] = {}
        self.strangers: list[Stranger] = []

    def open(self, count: int, first: bytes = b"", drip: bytes = b"") -> list[Stranger]:
        """Open so many more, each of which sends C{first}, and C{drip} whenever L{run} says so."""
        new = []
        for _ in range(count):
            sock = socket.socket()
            if self._buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._buffer)
            sock.settimeout(PATIENCE)
            sock.connect(self._where)
            stranger = Stranger(sock, drip, monotonic())
            if first:
                sock.sendall(first)
            sock.setblocking(False)
            self._open[sock.fileno()] = stranger
            self._poll.register(sock, select.EPOLLIN if self._reads else select.EPOLLRDHUP)
            new.append(stranger)
        self.strangers += new
        return new

    @property
    def left(self) -> int:
        """How many are still open."""
        return len(self._open)

    def _drip(self) -> None:
        for stranger in list(self._open.values()):
            if not stranger.drip:
                continue
            try:
                stranger.send_on()
            except OSError:
                self._end(stranger, True)

    def run(
        self, until: Callable[[], bool], *, within: float = PATIENCE, every: float = 0.25
    ) -> bool:
        """
        Read what comes, drip and note who ends, until something is so.

        @param every: seconds between two drips.

        @return: whether it became so within that many seconds.
        """
        deadline = monotonic() + within
        next_drip = monotonic() + every
        while not until():
            now = monotonic()
            if now > deadline:
                return False
            if now >= next_drip:
                next_drip = now + every
                self._drip()
            for fd, events in self._poll.poll(0.02):
                if fd in self._open:
                    self._event(self._open[fd], events)
        return True

    def _event(self, stranger: Stranger, events: int) -> None:
        try:
            if not self._reads:
                if events & (select.EPOLLERR | select.EPOLLHUP | select.EPOLLRDHUP):
                    self._end(stranger, bool(events & select.EPOLLERR))
                return
            data = stranger.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self._end(stranger, True)
            return
        if not data:
            self._end(stranger, False)
        elif len(stranger.received) < 4096:
            stranger.received += data

    def _end(self, stranger: Stranger, reset: bool) -> None:
        if not stranger.ended:
            stranger.ended = monotonic()
            stranger.reset = reset
            del self._open[stranger.sock.fileno()]
            stranger.sock.close()

    def close(self, *, abruptly: bool = False) -> None:
        """Close those that are open; abruptly: with a reset."""
        for stranger in list(self._open.values()):
            if abruptly:
                stranger.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            stranger.sock.close()
            stranger.ended = monotonic()
        self._open.clear()
        self._poll.close()
        self._poll = select.epoll()

    def __enter__(self) -> Crowd:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
        self._poll.close()


class Victim:
    """
    A normal client in a thread of its own, asking for a page again and again.

    Every second request opens a connection, the others use one that is kept.

    @ivar worst: the longest that an answer took, in seconds.
    @ivar served: how many answers it had.
    @ivar trouble: what was not a 200.
    """

    def __init__(self, port: int, target: str = "/") -> None:
        self._port = port
        self._target = target
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.worst = 0.0
        self.served = 0
        self.trouble: list[str] = []

    def _run(self) -> None:
        session = Session(self._port)
        while not self._enough.wait(0.02):
            begun = monotonic()
            try:
                if self.served % 2:
                    answer = session.request(self._target)
                else:
                    answer = request(self._port, self._target)
            except Exception as why:
                self.trouble.append(repr(why))
                session = Session(self._port)
                continue
            self.worst = max(self.worst, monotonic() - begun)
            self.served += 1
            if answer.status != 200:
                self.trouble.append(f"{answer.status} {answer.text[:80]}")
        session.close()

    def __enter__(self) -> Victim:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._enough.set()
        self._thread.join(PATIENCE)
