"""
Sockets that were made while the process had the right to.

A process that gives its rights up (C{twistd --uid}) cannot bind a port below
1024 again. So it binds before, as many sockets for each address as there may
be workers one day. They do not listen, so nobody is sent to them until one is
taken. They are made sockets of the user whom the process becomes: the system
lets only sockets of one user share an address.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from fiberlb.errors import AddressInUse
from fiberlb.model.addresses import at
from fiberlb.relay.accept import BACKLOG, bind, opened, refusal

_Address = tuple[str, int]


@attrs.define
class _Spare:
    """
    What is held of one address.

    @ivar sure: nobody else had it; else sockets may only join others of ours.
    @ivar refused: why there is none, C{None} when there are.
    """

    sure: bool
    sockets: list[socket.socket] = attrs.field(factory=list)
    refused: AddressInUse | None = None


class Held:
    """
    Made with rights, used without.

    @param tcp: binds what is not held; L{fiberlb.relay.accept.bind} by shape.
    """

    def __init__(self, tcp: Callable[[str, str, int, bool, bool], socket.socket] = bind) -> None:
        self._tcp = tcp
        self._spare: dict[_Address, _Spare] = {}
        self._named: dict[str, socket.socket | OSError] = {}

    # TCP.

    def hold(
        self,
        listener_id: str,
        address: _Address,
        freebind: bool,
        count: int,
        owner: tuple[int, int],
    ) -> None:
        """
        Bind C{count} sockets for later.

        What cannot be had is told by L{bind}, when it is asked for.

        @param owner: user and group that the process becomes.
        """
        host, port = address
        spare = self._spare[address] = _Spare(self._free(address, freebind))
        try:
            for _ in range(count):
                sock = opened(host, port, freebind, owner=owner)
                spare.sockets.append(sock)
        except OSError as why:
            if host == "::" and why.errno in (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL):
                # No IPv6 here: what the wildcard falls back to.
                del self._spare[address]
                self.hold(listener_id, ("0.0.0.0", port), freebind, count, owner)
                self._spare[address] = self._spare.pop(("0.0.0.0", port))
            elif not spare.sockets:
                spare.refused = refusal(listener_id, host, port, why)

    def _free(self, address: _Address, freebind: bool) -> bool:
        """Whether nobody listens there; where one of ours has the port it was looked before."""
        host, port = address
        for (_, known), spare in self._spare.items():
            if known == port:
                return spare.sure
        try:
            opened(host, port, freebind, shared=False).close()
        except OSError:
            return False
        return True

    def bind(
        self, listener_id: str, host: str, port: int, freebind: bool, probe: bool
    ) -> socket.socket:
        """
        As L{fiberlb.relay.accept.bind}; from what is held, as long as there is any.

        @raise AddressInUse: it cannot be had.
        """
        spare = self._spare.get((host, port))
        if spare is None:
            return self._tcp(listener_id, host, port, freebind, probe)
        if spare.refused is not None:
            raise _for(spare.refused, listener_id)
        if probe and not spare.sure:
            message = f"{at(host, port)} is in use by another program"
            raise AddressInUse(listener_id, host, port, message)
        if not spare.sockets:
            return self._tcp(listener_id, host, port, freebind, False)
        sock = spare.sockets.pop(0)
        try:
            sock.listen(BACKLOG)
        except OSError as why:
            sock.close()
            raise refusal(listener_id, host, port, why) from why
        return sock

    def park(self, address: _Address, sock: socket.socket) -> None:
        """
        A socket is not needed now: it listens no more, and is held again if it was before.

        What waits in its queue is lost. Copies of it in other processes stop listening too.
        """
        spare = self._spare.get(address)
        if spare is None or spare.refused is not None:
            sock.close()
            return
        try:
            sock.shutdown(socket.SHUT_RD)
        except OSError:
            # It did not listen.
            pass
        spare.sockets.append(sock)

    def forget(self, address: _Address) -> None:
        """Nobody wants this address any more: it is given back, and another program may have it."""
        spare = self._spare.pop(address, None)
        if spare is not None:
            for sock in spare.sockets:
                sock.close()

    # Unix sockets, and those of the admin API.

    def keep(self, name: str, make: Callable[[], socket.socket]) -> None:
        """Make a socket that listens, for L{named} to find; so is what hinders it."""
        try:
            self._named[name] = make()
        except OSError as why:
            self._named[name] = why

    def named(self, name: str) -> socket.socket | None:
        """
        A copy of a socket that listens; C{None} when none was kept.

        @raise OSError: what hindered it.
        """
        found = self._named.get(name)
        if isinstance(found, OSError):
            raise found
        return found.dup() if found is not None else None

    def drop(self, name: str) -> None:
        """Keep it no longer."""
        found = self._named.pop(name, None)
        if isinstance(found, socket.socket):
            found.close()

    # Over exec.

    def for_the_next(self) -> dict[str, Any]:
        """What an image that takes this one's place is to be told; the sockets stay open for it."""
        spare = [
            [*address, one.sure, [_left_open(sock) for sock in one.sockets]]
            for address, one in self._spare.items()
            if one.refused is None
        ]
        named = {
            name: _left_open(sock)
            for name, sock in self._named.items()
            if isinstance(sock, socket.socket)
        }
        return {"spare": spare, "named": named}

    def receive(self, told: Mapping[str, Any]) -> None:
        """Take over what the image before this one has told; empty: nothing."""
        for host, port, sure, fds in told.get("spare", ()):
            self._spare[host, port] = _Spare(sure, [_taken(fd) for fd in fds])
        for name, fd in told.get("named", {}).items():
            self._named[name] = _taken(fd)


def _for(why: AddressInUse, listener_id: str) -> AddressInUse:
    return AddressInUse(listener_id, why.host, why.port, why.message, why.code)


def _left_open(sock: socket.socket) -> int:
    sock.set_inheritable(True)
    return sock.fileno()


def _taken(fd: int) -> socket.socket:
    os.set_inheritable(fd, False)
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    return sock
