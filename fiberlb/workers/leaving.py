"""
What a process without workers leaves behind when another image takes its place: a copy of itself.

An image that goes takes its connections along. So the process forks first: the
copy goes on with all connections and sockets, as a worker does whose control
process is gone. It hands its sockets to the next image and finishes what runs.
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.logger import Logger

from fiberlb.workers import messages
from fiberlb.workers.link import WorkerLink
from fiberlb.workers.living import LIVING, tell_draining
from fiberlb.workers.pages import make_page
from fiberlb.workers.slots import Address
from fiberlb.workers.system import name_process
from fiberlb.workers.worker import PATIENCE, REDIAL, SOCKET

_log = Logger()
#: Tells a control process that something is served; no revision of its own has this number.
_SERIAL = 1
#: What is for control, or for nobody.
_IGNORED = (signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)


class Leaves(Protocol):
    """What serves: L{fiberlb.workers.sole.SolePlane} by shape."""

    def sockets(self) -> Sequence[tuple[Address, int, socket.socket]]:
        """What is accepted from."""

    def drain(self, deadline: float, patience: float) -> Deferred[None]:
        """Let go of the sockets, and finish what runs."""

    def hasten(self, deadline: float) -> None:
        """Finish it sooner."""


def split(directory: str, let_go: Callable[[], None]) -> bool:
    """
    Make the copy.

    @param directory: the state directory; the copy counts as a worker that lives there.
    @param let_go: called in the copy: gives up what only one process may hold.
    @return: whether this is the copy.
    """
    path = os.path.join(directory, "leaving")
    lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    done, doing = os.pipe()
    pid = os.fork()
    if not pid:
        # The lock on its file is the copy's from here on.
        let_go()
        os.close(done)
        os.close(doing)
        return True
    os.rename(path, os.path.join(directory, f"{LIVING}{pid}"))
    os.close(lock)
    os.close(doing)
    # Until the copy has closed its end.
    os.read(done, 1)
    os.close(done)
    return False


class Leaving:
    """
    The copy.

    @param deadline: seconds that it may serve without a control process, and drain.
    @param farewell: called at the end, before the process ends.
    @param leave: ends the process.
    """

    def __init__(
        self,
        reactor: Any,
        plane: Leaves,
        directory: str,
        deadline: float,
        farewell: Callable[[], None],
        leave: Callable[[int], Any] = os._exit,
    ) -> None:
        #: Never fires: whoever made the copy does not go on in it.
        self.never: Deferred[None] = Deferred()
        self._reactor = reactor
        self._plane = plane
        self._directory = directory
        self._deadline = deadline
        self._farewell = farewell
        self._leave = leave
        self._page = make_page()
        self._until = 0.0
        self._link: Any = None
        self._draining = False

    def begin(self) -> None:
        """Mind other signals than before, and look for the next control process."""
        name_process("fiberlb-leaves")
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        call = self._reactor.callFromThread
        signal.signal(signal.SIGTERM, lambda *_: call(self.terminate))
        self.look()

    def look(self) -> None:
        """There is no control process: find one."""
        self._until = self._reactor.seconds() + self._deadline
        self._dial()

    def _dial(self) -> None:
        if self._draining or self._link is not None:
            return
        if self._reactor.seconds() > self._until:
            self.drain(self._deadline)
            return
        sock = socket.socket(socket.AF_UNIX)
        sock.setblocking(False)
        try:
            sock.connect(os.path.join(self._directory, SOCKET))
        except OSError:
            self._reactor.callLater(REDIAL, self._dial)
        else:
            factory: Any = Factory()
            factory.noisy = False
            served: Any = self
            factory.buildProtocol = lambda address: WorkerLink(served)
            self._reactor.adoptStreamConnection(sock.fileno(), socket.AF_UNIX, factory)
        finally:
            sock.close()

    # What a link calls.

    def linked(self, link: Any) -> Deferred[None]:
        """A control process is there: it is told all there is."""
        self._link = link
        return Deferred.fromCoroutine(self._introduce(link))

    async def _introduce(self, link: Any) -> None:
        await link.callRemote(messages.Hello, pid=os.getpid(), slot=0, serial=_SERIAL)
        for (host, port), slot, sock in self._plane.sockets():
            where = {"host": host, "port": port, "slot": slot}
            await link.callRemote(messages.HandBack, fd=sock.fileno(), **where)
        await link.callRemote(messages.HandedBack, fd=self._page)

    def unlinked(self, link: Any) -> None:
        """It is gone."""
        if link is self._link:
            self._link = None
            if not self._draining:
                self.look()

    def drain(self, deadline: float) -> None:
        """Let go of the sockets, finish what runs for at most C{deadline} seconds, end."""
        if self._draining:
            self._plane.hasten(deadline)
            return
        self._draining = True
        tell_draining(self._directory)
        done = self._plane.drain(deadline, min(PATIENCE, deadline))
        done.addErrback(lambda why: _log.failure("while draining", failure=why))
        done.addCallback(lambda _: self._end())

    def terminate(self) -> None:
        """SIGTERM: while there is a control process, it decides."""
        if self._link is None:
            self.drain(PATIENCE * 5)

    def _end(self) -> None:
        self._farewell()
        living = os.path.join(self._directory, f"{LIVING}{os.getpid()}")
        if os.path.exists(living):
            os.unlink(living)
        # Not as the process ends otherwise: that would undo what is the next image's now.
        self._leave(0)
