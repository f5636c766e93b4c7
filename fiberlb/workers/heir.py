"""
What a process without workers takes over from one that had some.

Workers whose control process is gone hold the listening sockets, and serve. They
hand the sockets back to whoever holds the state directory next. A process that
serves by itself accepts from all of them, since each has connections waiting in
it, and those that had them finish what runs and end.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger

from fiberlb.model.addresses import line, named
from fiberlb.relay.binding import Binding
from fiberlb.workers import messages
from fiberlb.workers.living import LIVING
from fiberlb.workers.seen import GONE, ControlLink, Seen, Stage, ended
from fiberlb.workers.slots import Address
from fiberlb.workers.takeover import gathered, living, open_door
from fiberlb.workers.worker import SOCKET

_log = Logger()
#: Accepts from one more socket at an address; false when nothing is configured there.
Also = Callable[[Address, socket.socket], bool]


class Heir:
    """
    Gathers workers and their sockets (L{fiberlb.workers.seen.Takers}), and sends the workers away.

    @param binding: makes the sockets that nobody has handed back.
    @param deadline: seconds that the workers may take to finish what runs.
    @param also: takes the sockets of workers that come when this process serves already.
    """

    def __init__(self, reactor: Any, binding: Binding, deadline: float, also: Also) -> None:
        self._reactor = reactor
        self._binding = binding
        self._deadline = deadline
        self._found: dict[Address, list[socket.socket]] = {}
        self._further: dict[Address, list[socket.socket]] = {}
        self._ports: set[tuple[bool, int]] = set()
        self._seen: list[Seen] = []
        self._door: Any = None
        self._also = also
        self._serves = False

    async def gather(self, directory: str) -> None:
        """
        Wait for the workers of an earlier process, if there are any.

        @param directory: the state directory, which this process holds; empty: there is none.
        """
        if not directory or not living(directory, LIVING, draining=False):
            return
        self._door = open_door(self._reactor, os.path.join(directory, SOCKET), self)
        await gathered(
            self._reactor,
            lambda: living(directory, LIVING, draining=False),
            lambda: {seen.pid for seen in self._seen if seen.stage is Stage.ADOPTED},
            "{count} workers of an earlier process hand over their sockets",
        )

    def _living(self) -> list[Seen]:
        return [seen for seen in self._seen if seen.alive]

    # Sockets.

    def bind(
        self, listener_id: str, host: str, port: int, freebind: bool, probe: bool
    ) -> socket.socket:
        """
        One that was handed back, else a new one, as L{Binding.bind}.

        @raise AddressInUse: it cannot be had.
        """
        found = self._found.pop((host, port), None)
        if found is None:
            # The system tells our own from those of others no better than we do.
            probe = probe and line(host, port) not in self._ports
            return self._binding.bind(listener_id, host, port, freebind, probe)
        self._binding.adopt(host)
        self._further[host, port] = found[1:]
        return found[0]

    def further(self, address: Address) -> list[socket.socket]:
        """What else there is to accept from, at an address that L{bind} was called with."""
        return self._further.pop(address, [])

    # What the workers say.

    def adopt(self, link: ControlLink, pid: int, slot: int, serial: int) -> Seen:
        """One has dialled; see L{ControlLink}."""
        seen = Seen(slot, self._reactor.seconds())
        seen.link = link
        seen.foreign = True
        seen.serial = serial
        self._seen.append(seen)
        seen.hello.addCallbacks(self._arrived, lambda why: None)
        seen.watch(self._reactor, pid, os.pidfd_open(pid), self._ended)
        return seen

    def handed_back(self, seen: Seen, address: Address, slot: int, sock: Any) -> None:
        """A socket of one; see L{ControlLink}."""
        if self._serves:
            if not self._also(address, sock):
                sock.close()
            return
        group = self._found.setdefault(address, [])
        self._ports.add(line(*address))
        if group and named(address[0]):
            # The same queue once more.
            sock.close()
        else:
            group.append(sock)

    def hung_up(self, seen: Seen) -> None:
        """Its connection is gone; so it will be."""

    def suspect(self, member: str, cause: str, told: str) -> None:
        """A member fails there; this process finds that out for itself."""

    def _arrived(self, seen: Seen) -> None:
        if self._serves:
            self._send_away(seen, self._deadline)

    def _ended(self, seen: Seen, how: str) -> None:
        _log.info("A worker of the earlier process (pid {pid}) has ended", pid=seen.pid)
        self._seen.remove(seen)

    # What becomes of them.

    def dismiss(self) -> None:
        """All that was handed back is served here: whoever had it finishes what runs, and ends."""
        if self._serves:
            return
        self._serves = True
        for group in (*self._found.values(), *self._further.values()):
            for sock in group:
                sock.close()
        self._found.clear()
        self._further.clear()
        self._ports.clear()
        for seen in self._living():
            if seen.stage is Stage.ADOPTED:
                self._send_away(seen, self._deadline)

    def _send_away(self, seen: Seen, deadline: float) -> None:
        seen.stage = Stage.DRAINING
        done = seen.ask(messages.Drain, deadline=deadline)
        done.addErrback(lambda why: why.trap(*GONE))
        done.addErrback(lambda why: _log.failure("worker {pid} failed", why, pid=seen.pid))

    async def stop(self, deadline: float) -> None:
        """Those that were dismissed end too, by force when they take longer than C{deadline}."""
        leaving = self._living() if self._serves else []
        for seen in leaving:
            self._send_away(seen, deadline)
        await ended(self._reactor, leaving, deadline)
        await self.close()

    async def close(self) -> None:
        """Nobody is taken over any more."""
        door, self._door = self._door, None
        if door is not None:
            await maybeDeferred(door.stopListening)

    def hasten(self, deadline: float) -> None:
        """They have C{deadline} seconds from now."""
        if self._serves:
            for seen in self._living():
                self._send_away(seen, deadline)
