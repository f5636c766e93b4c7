"""Listening sockets: binding them, and taking in what arrives."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from socket import SocketType
from typing import Any

from twisted.logger import Logger

from fiberlb.errors import AddressInUse
from fiberlb.model.addresses import UNIX, at
from fiberlb.relay.connection import Connection
from fiberlb.relay.downstream_h1 import Downstream
from fiberlb.relay.loop import EXCLUSIVE, PEER_CLOSED, READ, Loop
from fiberlb.relay.networks import plain_address
from fiberlb.relay.runtime import Cell
from fiberlb.relay.tcp import Session
from fiberlb.relay.tls_connection import TlsConnection

#: Connections accepted in one go.
ACCEPTS = 64
#: The same where several processes wait at one socket: the others are to get some too.
SHARED_ACCEPTS = 8
#: Connections that the system holds until they are accepted.
BACKLOG = 4096
#: Seconds without accepting after descriptors have run out.
PAUSE = 1.0
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS})
_STREAM = int(socket.SOCK_STREAM)
_UNIX = int(socket.AF_UNIX)
#: What a client on a Unix socket has in place of an address and a port.
_NO_ADDRESS = (UNIX, 0)
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
            _open(host, port, freebind, shared=False).close()
        sock = _open(host, port, freebind, shared=True)
    except OSError as why:
        if host == "::" and why.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
            return bind(listener_id, "0.0.0.0", port, freebind, probe)
        raise _refusal(listener_id, host, port, why) from why
    return sock


def _open(host: str, port: int, freebind: bool, shared: bool) -> socket.socket:
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
            level, option = (
                (socket.IPPROTO_IPV6, _IPV6_FREEBIND) if v6 else (socket.IPPROTO_IP, _IP_FREEBIND)
            )
            sock.setsockopt(level, option, 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def _refusal(listener_id: str, host: str, port: int, why: OSError) -> AddressInUse:
    where = at(host, port)
    if why.errno == errno.EADDRINUSE:
        return AddressInUse(listener_id, host, port, f"{where} is in use by another program")
    if why.errno in (errno.EACCES, errno.EPERM) and port < 1024:
        message = (
            f"{where} needs the right to bind ports below 1024: CAP_NET_BIND_SERVICE,"
            " as the unit file conf/fiberlb.service gives it"
        )
        return AddressInUse(listener_id, host, port, message, "needs_privilege")
    message = f"{where} cannot be bound: {os.strerror(why.errno or 0)}"
    return AddressInUse(listener_id, host, port, message, "address_unavailable")


class Acceptor:
    """
    One listening socket.

    @ivar cell: the listener that new connections belong to; may be replaced.
    @ivar slot: TLS of that listener, C{None} without.
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
        self._later = later
        self._told = False
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
        self._accept(self._most)

    def event(self, events: int) -> None:
        """Nothing else happens to a listening socket."""
        self.readable()

    def broken(self) -> None:
        """An exception of ours: the listener goes on, the connection it concerned is gone."""

    def close_descriptor(self) -> None:
        """After the batch."""
        self.sock.close()

    def stop(self) -> None:
        """Accept what the system has taken in already, then no more."""
        if not self.closed:
            self._accept(BACKLOG)
            self.closed = True
            self.loop.retire(self)

    def leave(self) -> None:
        """Accept no more; what waits in the queue is for another process."""
        if not self.closed:
            self.closed = True
            self.loop.retire(self)

    def _accept(self, most: int) -> None:
        sock = self.sock
        for _ in range(most):
            try:
                # The plain type of the C module: the class around it costs more than the system
                # call does, and serves only what is not used here.
                number, address = sock._accept()  # type: ignore[attr-defined]
            except BlockingIOError:
                return
            except OSError as why:
                if why.errno in _EXHAUSTED:
                    self._pause(why)
                    return
                # The client went away before it was taken in.
                continue
            if self._family == _UNIX:
                address = _NO_ADDRESS
            self.welcome(SocketType(self._family, _STREAM, 0, number), address)

    def _pause(self, why: OSError) -> None:
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
        self._later(PAUSE, self._resume)

    def _resume(self) -> None:
        if not self.closed:
            self.loop.rewatch(self, self._wish)
            self.readable()
            if self.events:
                self._told = False

    def welcome(self, sock: Any, address: Any) -> None:
        """Take in a connection; C{address} is the peer's, as the socket module tells it."""
        cell = self.cell
        cell.accepted += 1
        cell.connections += 1
        sock.setblocking(False)
        plan = cell.plan
        peer = plain_address(address[0])
        if not plan.source.listener.speaks_http:
            conn = Connection(self.loop, sock, None)
            conn.side = session = Session(cell, peer, address[1])
            conn.start(PEER_CLOSED)
            try:
                session.attach(conn)
            except Exception:
                self.loop.fault(conn)
            return
        side = Downstream(cell, peer, address[1])
        if self.slot is not None:
            ssl = self.slot.connection(sock)
            secure = TlsConnection(self.loop, sock, ssl, side, plan.timeouts.tls_handshake)
            side.conn = secure
            secure.start()
            return
        conn = Connection(self.loop, sock, side)
        conn.start()
        try:
            side.attach(conn)
            if not conn.closed:
                # The request is often there already.
                conn.readable()
        except Exception:
            self.loop.fault(conn)
