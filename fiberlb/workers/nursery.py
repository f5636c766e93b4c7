"""Control's end of the template process: it is started here, and ordered to fork."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from fiberlb.workers.order import Order
from fiberlb.workers.template import CHANNEL, LONGEST

_log = Logger()


class TemplateGone(Exception):
    """The template process has ended."""


class Nursery(ProcessProtocol):
    """
    One template process.

    @ivar ready: fires with this when it can fork.
    @ivar ended: fires when it is gone.
    """

    def __init__(
        self, reactor: Any, environment: Mapping[str, str], files: Mapping[int, int] | None = None
    ) -> None:
        """
        Start it.

        @param environment: what it gets, and the workers after it.
        @param files: the same of descriptors: number there -> number here.
        """
        self.ready: Deferred[Nursery] = Deferred()
        self.ended: Deferred[Nursery] = Deferred()
        self._reactor = reactor
        self._waiting: dict[int, Deferred[tuple[int, int]]] = {}
        self._number = 0
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._channel = ours
        # -P: what lies in the working directory is not imported in place of a library.
        command = [sys.executable, "-P", "-m", "fiberlb.workers"]
        given = {0: 0, 1: 1, 2: 2, CHANNEL: theirs.fileno(), **(files or {})}
        try:
            self._process = reactor.spawnProcess(
                self, sys.executable, command, env=dict(environment), childFDs=given
            )
        finally:
            theirs.close()
        reactor.addReader(self)

    @property
    def pid(self) -> int | None:
        """Of the template; C{None} when it is gone."""
        return self._process.pid

    def fork(self, order: Order, link: int, page: int) -> Deferred[tuple[int, int]]:
        """
        Have a worker forked.

        @param order: its number is set here.
        @param link: the worker's end of its connection; to be closed by the caller.
        @param page: what it counts in.
        @return: fires with its pid and a descriptor of the process.
        @raise OSError: the template is gone.
        """
        done: Deferred[tuple[int, int]] = Deferred()
        socket.send_fds(self._channel, [order.encode()], [link, page])
        self._waiting[order.number] = done
        return done

    def number(self) -> int:
        """For the next order."""
        self._number += 1
        return self._number

    def retire(self) -> None:
        """It is not needed any more; it ends by itself."""
        try:
            self._channel.shutdown(socket.SHUT_RDWR)
        except OSError:
            # It was quicker.
            pass

    # The channel, as a reactor's reader.

    def fileno(self) -> int:
        """Of the channel."""
        return self._channel.fileno()

    def logPrefix(self) -> str:
        """For the log."""
        return "template"

    def connectionLost(self, reason: Any = None) -> None:
        """The channel broke; what waits will not come."""
        self._hang_up()

    def doRead(self) -> None:
        """It says something."""
        try:
            data, fds, _, _ = socket.recv_fds(self._channel, LONGEST, 2)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up()
            return
        told = json.loads(data)
        if "ready" in told:
            self.ready.callback(self)
            return
        waiting = self._waiting.pop(told["forked"], None)
        if waiting is not None:
            waiting.callback((told["pid"], fds[0]))
        else:
            for fd in fds:
                os.close(fd)

    def _hang_up(self) -> None:
        if self._channel.fileno() < 0:
            return
        self._reactor.removeReader(self)
        self._channel.close()
        waiting, self._waiting = self._waiting, {}
        for one in waiting.values():
            one.errback(Failure(TemplateGone("the template has ended")))

    # The process.

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        """Never: it writes where this process writes."""

    def processEnded(self, reason: Failure) -> None:
        """It is gone."""
        self._hang_up()
        if not self.ready.called:
            self.ready.errback(Failure(TemplateGone(f"the template ended: {reason.value}")))
        self.ended.callback(self)
