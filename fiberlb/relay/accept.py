"""Listening sockets: binding them, and taking in what arrives."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Callable
from socket import SocketType
from typing import Any

from twisted.logger import Logger

from fiberlb.errors import AddressInUse
from fiberlb.model.addresses import UNIX, at
from fiberlb.relay.bound import LOOK, Bound
from fiberlb.relay.connection import Connection
from fiberlb.relay.downstream_h1 import Downstream
from fiberlb.relay.loop import EXCLUSIVE, PEER_CLOSED, READ, Loop
from fiberlb.relay.networks import plain_address
from fiberlb.relay.passing import Passing
from fiberlb.relay.preamble import Peeking, Preamble
from fiberlb.relay.runtime import Cell
from fiberlb.relay.tcp import Session

#: Connections accepted in one go.
ACCEPTS = 64
#: The same while this process is too slow.
RELIEVING = 512
#: The same where several processes wait at one socket: the others are to get some too.
SHARED_ACCEPTS = 8
#: Connections that the system holds until they are accepted.
BACKLOG = 4096
#: Seconds without accepting after descriptors have run out.
PAUSE = 1.0
#: The same after some could be accepted before: descriptors are coming back.
SOONER = 0.1
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
_STREAM = int(socket.SOCK_STREAM)
_UNIX = int(socket.AF_UNIX)
#: What a client on a Unix socket has in place of an address and a port.
_NO_ADDRESS = (UNIX, 0)
#: The beginning of C{struct tcp_info}; of a listening socket C{tcpi_unacked} is the queue's length.
_QUEUED = struct.Struct("24xI")
_IP_FREEBIND = 15
_IPV6_FREEBIND = 78
_log = Logger()


def bind(listener_id: str, host: str, port: int, freebind: bool, probe: bool) -> socket.socket:
    """
    A socket that listens; nothing is accepted from it yet.

    It is bound with SO_REUSEPORT, so that a listener can move between the
    wildcard and one address while both are served; C{probe} makes sure first
    that nobody else has the port, since the system would let us share it.

    @raise AddressInUse: it cannot be had, in words for the person who asked.
    """
    try:
        if probe:
            opened(host, port, freebind, shared=False).close()
        sock = opened(host, port, freebind)
        try:
            sock.listen(BACKLOG)
        except OSError:
            sock.close()
            raise
    except OSError as why:
        if host == "::" and why.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            return bind(listener_id, "0.0.0.0", port, freebind, probe)
        raise refusal(listener_id, host, port, why) from why
    return sock


def opened(
    host: str,
    port: int,
    freebind: bool,
    *,
    shared: bool = True,
    owner: tuple[int, int] | None = None,
) -> socket.socket:
    """
    A socket that is bound and does not listen.

    @param shared: others of the same user may have the address too.
    @param owner: user and group that it belongs to, if not to this process's: needs root.
    @raise OSError: as the system says.
    """
    v6 = ":" in host
    kind = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
    sock = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, kind)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Inherited by what is accepted.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if v6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
        if freebind:
            freely(sock, v6)
        if owner is not None:
            # Before it is bound: whose a socket is decides with which ones it may share.
            os.fchown(sock.fileno(), *owner)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def freely(sock: socket.socket, v6: bool) -> None:
    """Have a socket bind an address that the machine may get later (ip(7), IP_FREEBIND)."""
    level, option = (
        (socket.IPPROTO_IPV6, _IPV6_FREEBIND) if v6 else (socket.IPPROTO_IP, _IP_FREEBIND)
    )
    sock.setsockopt(level, option, 1)


def refusal(listener_id: str, host: str, port: int, why: OSError) -> AddressInUse:
    """Why an address cannot be had, in words."""
    where = at(host, port)
    if why.errno == errno.EADDRINUSE:
        return AddressInUse(listener_id, host, port, f"{where} is in use by another program")
    if why.errno in (errno.EACCES, errno.EPERM) and port < 1024:
        message = (
            f"{where} needs the right to bind ports below 1024: CAP_NET_BIND_SERVICE,"
            " as the unit file conf/systemd/fiberlb.service gives it (docs/privileges.rst)"
        )
        return AddressInUse(listener_id, host, port, message, "needs_privilege")
    message = f"{where} cannot be bound: {os.strerror(why.errno or 0)}"
    return AddressInUse(listener_id, host, port, message, "address_unavailable")


class Acceptor:
    """
    One listening socket.

    @ivar cell: the listener that new connections belong to; may be replaced.
    @ivar slot: TLS of that listener, C{None} without.
    @ivar taken: connections accepted so far.
    """

    shared = True

    def __init__(
        self,
        loop: Loop,
        sock: socket.socket,
        cell: Cell,
        slot: Any,
        later: Callable[[float, Callable[[], None]], Any],
        *,
        exclusive: bool = False,
        most: int = ACCEPTS,
    ) -> None:
        """
        @param later: C{callLater} of a reactor.
        @param exclusive: other processes may accept from the same socket: one of them is woken.
        @param most: connections accepted in one go.
        """
        self.loop = loop
        self.sock = sock
        self.fd = sock.fileno()
        self.events = 0
        self.cell = cell
        self.slot = slot
        self.closed = False
        self.taken = 0
        self._later = later
        self._told = False
        self._held = False
        self._look: Any = None
        self._most = most
        self._wish = READ | EXCLUSIVE if exclusive else READ
        name = sock.getsockname()
        self.host, self.port = name[:2] if isinstance(name, tuple) else (UNIX + name, 0)
        self._family = int(sock.family)

    def start(self) -> None:
        """Begin to accept."""
        self.loop.watch(self, self._wish)

    def readable(self) -> None:
        """Somebody is there."""
        bound = self.cell.bound
        if bound is None:
            # Too slow, it gets here seldom, and each of those that wait has to wait so often.
            self._accept(self._most if self.cell.relief is None else RELIEVING)
        else:
            self._accept_within(bound)

    def event(self, events: int) -> None:
        """Nothing else happens to a listening socket."""
        self.readable()

    def broken(self) -> None:
        """An exception of ours: the listener goes on, the connection it concerned is gone."""

    def close_descriptor(self) -> None:
        """After the batch."""
        self.sock.close()

    def waiting(self) -> int:
        """How many the system holds until they are accepted, where it tells."""
        if self._family == _UNIX or self.closed:
            return 0
        told = self.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _QUEUED.size)
        return int(_QUEUED.unpack(told)[0])

    def stop(self) -> None:
        """Accept what the system has taken in already, whatever the limit, then no more."""
        if not self.closed:
            self._accept(BACKLOG)
            self.closed = True
            self.loop.retire(self)

    def leave(self) -> None:
        """Accept no more; what comes into the queue is for another process."""
        if not self.closed:
            if self._wish & EXCLUSIVE:
                # Of those that wait there, perhaps, only this process was told.
                self.readable()
            self.closed = True
            self.loop.retire(self)

    def _accept(self, most: int) -> bool:
        """Take in so many; false when no more are there, or cannot be taken."""
        sock = self.sock
        for count in range(most):
            try:
                # The plain type of the C module: the class around it costs more than the system
                # call does, and serves only what is not used here.
                number, address = sock._accept()  # type: ignore[attr-defined]
            except BlockingIOError:
                return False
            except OSError as why:
                if why.errno in _EXHAUSTED:
                    self._pause(why, SOONER if count else PAUSE)
                    return False
                # The client went away before it was taken in.
                continue
            if self._family == _UNIX:
                address = _NO_ADDRESS
            self.welcome(SocketType(self._family, _STREAM, 0, number), address)
        return True

    def _accept_within(self, bound: Bound) -> None:
        """Take in as many as the listener may still have; the others wait where they are."""
        for _ in range(self._most):
            if not bound.take():
                self._hold(bound)
                return
            more = self._accept(1)
            bound.told()
            if not more:
                return

    def _hold(self, bound: Bound) -> None:
        self._held = True
        self.loop.rewatch(self, 0)
        bound.wait(lambda: self.loop.soon(self._go_on))
        waits = self._look is not None and self._look.active()
        if bound.share is not None and not waits:
            self._look = self._later(LOOK, self._go_on)

    def _go_on(self) -> None:
        if self._held and not self.closed:
            self._held = False
            self.loop.rewatch(self, self._wish)
            self.readable()

    def _pause(self, why: OSError, seconds: float) -> None:
        if self.closed:
            return
        if not self._told:
            self._told = True
            _log.error(
                "{where} accepts nothing for a second: {why}",
                where=at(self.host, self.port),
                why=os.strerror(why.errno or 0),
            )
        self.loop.rewatch(self, 0)
        self._later(seconds, self._resume)

    def _resume(self) -> None:
        if not self.closed:
            self.loop.rewatch(self, self._wish)
            self.readable()
            if self.events:
                self._told = False

    def welcome(self, sock: Any, address: Any) -> None:
        """Take in a connection; C{address} is the peer's, as the socket module tells it."""
        cell = self.cell
        self.taken += 1
        cell.accepted += 1
        cell.connections += 1
        sock.setblocking(False)
        peer = plain_address(address[0])
        if cell.plan.introduced:
            self._await(sock, peer, address[1])
        else:
            self._admit(cell, self.slot, sock, peer, address[1])

    def _await(self, sock: Any, peer: str, port: int) -> None:
        """A connection that begins with a PROXY header."""
        cell, slot = self.cell, self.slot

        def admit(
            sock: Any, client: str, client_port: int, destination: tuple[str, int] | None
        ) -> None:
            now = self.slot if cell is self.cell else slot
            self._admit(cell, now, sock, client, client_port, destination)

        side = Preamble(cell, peer, port, admit)
        conn = Peeking(self.loop, sock, side)
        conn.start()
        try:
            side.attach(conn)
        except Exception:
            self.loop.fault(conn)

    def _admit(
        self,
        cell: Cell,
        slot: Any,
        sock: Any,
        peer: str,
        port: int,
        destination: tuple[str, int] | None = None,
    ) -> None:
        """A client, from its first byte on."""
        plan = cell.plan
        if cell.relief is not None and _turned_away(cell, sock, slot):
            return
        if not plan.speaks_http:
            self._relay(cell, sock, peer, port, destination)
            return
        side = Downstream(cell, peer, port)
        side.destination = destination
        if slot is not None:
            ssl = slot.connection(sock)
            secure = plan.receive_tls(self.loop, sock, ssl, side, plan.timeouts.tls_handshake)
            side.conn = secure
            secure.begin(at_once=cell.relief is None)
            return
        conn = Connection(self.loop, sock, side)
        conn.start_later()
        try:
            side.attach(conn)
            if not conn.closed:
                # The request is often there already, and the answer often the end.
                conn.readable()
            if not conn.closed and not side.answers_now():
                conn.settle()
        except Exception:
            self.loop.fault(conn)

    def _relay(
        self, cell: Cell, sock: Any, peer: str, port: int, destination: tuple[str, int] | None
    ) -> None:
        """A connection whose bytes are passed on."""
        passes = cell.plan.passes_tls
        conn = Connection(self.loop, sock, None)
        conn.side = session = (Passing if passes else Session)(cell, peer, port)
        session.destination = destination
        if passes:
            conn.start()
        else:
            # A member that is connected to is there, as a rule, before the client could go.
            conn.start_later(PEER_CLOSED)
        try:
            session.attach(conn)
            if passes and not conn.closed:
                conn.readable()
        except Exception:
            self.loop.fault(conn)


def _turned_away(cell: Cell, sock: Any, slot: Any) -> bool:
    """
    Whether an overloaded process closes a connection unread.

    Clients of HTTP are told why (L{fiberlb.relay.shedding}); others cannot be, and a handshake
    costs more than all the rest.
    """
    if (cell.plan.speaks_http and slot is None) or not cell.relief.turns_away():
        return False
    reasons = cell.services.reasons
    reasons["overloaded"] = reasons.get("overloaded", 0) + 1
    sock.close()
    cell.left()
    return True
