"""
Where listening sockets come from: bound here, or inherited.

The one object that makes them and cleans up after them, for a data plane of
one process as for control.
"""

from __future__ import annotations

import errno
import os
import socket
from collections import Counter
from collections.abc import Callable

from fiberlb.errors import AddressInUse
from fiberlb.model.addresses import FD, UDP, UNIX, line
from fiberlb.relay.accept import BACKLOG, bind
from fiberlb.relay.datagram_sockets import bind_datagrams
from fiberlb.relay.held import Held
from fiberlb.relay.inherited import Inherited
from fiberlb.relay.unix_sockets import Identity, NoSocket, identity, listen_unix, remove

_WHY = {
    errno.ENOENT: "its directory does not exist",
    errno.EACCES: "its directory may not be written to",
    errno.EROFS: "its directory may not be written to",
}


class Binding:
    """
    Makes listening sockets; L{Binding.bind} and L{Binding.release} are what others get.

    @param inherited: what the process was started with.
    @param tcp: L{fiberlb.relay.accept.bind} by shape.
    @param udp: L{fiberlb.relay.datagram_sockets.bind_datagrams} by shape.

    @ivar held: what was made while there were rights to.
    @ivar known: ports that this process has beside those of the plane, and how often: they
        are not probed.
    """

    def __init__(
        self,
        inherited: Inherited | None = None,
        tcp: Callable[[str, str, int, bool, bool], socket.socket] = bind,
        udp: Callable[[str, str, int, bool, bool], socket.socket] = bind_datagrams,
        held: Held | None = None,
    ) -> None:
        self._inherited = inherited or Inherited()
        self.held = held or Held(tcp)
        self._udp = udp
        self.known: Counter[tuple[bool, int]] = Counter()
        self._files: dict[str, Identity | None] = {}

    def bind(
        self, listener_id: str, host: str, port: int, freebind: bool, probe: bool
    ) -> socket.socket:
        """
        A socket that listens; nothing is accepted from it yet.

        @param host: as in L{fiberlb.snapshot.ListenerPlan.addresses}.
        @param probe: make sure that nobody else has the port.
        @raise AddressInUse: it cannot be had, in words for the person who asked.
        """
        if host.startswith(FD):
            try:
                return self._inherited.copy(host)
            except LookupError as why:
                message = str(why.args[0])
                raise AddressInUse(listener_id, host, 0, message, "address_unavailable") from None
        probe = probe and not self.known[line(host, port)]
        if host.startswith(UDP):
            return self._udp(listener_id, host.removeprefix(UDP), port, freebind, probe)
        if not host.startswith(UNIX):
            return self.held.bind(listener_id, host, port, freebind, probe)
        path = host.removeprefix(UNIX)
        try:
            sock = self.held.named(host) or listen_unix(path, BACKLOG)
        except (OSError, NoSocket) as why:
            raise _refusal(listener_id, host, why) from why
        self.held.drop(host)
        self._files[host] = identity(path)
        return sock

    def release(self, host: str) -> None:
        """An address is not listened at any more: remove the file of a Unix socket of ours."""
        expected = self._files.pop(host, None)
        if expected is not None:
            remove(host.removeprefix(UNIX), expected)

    def adopt(self, host: str) -> None:
        """A socket at this address was taken over from another process: its file is ours now."""
        if host.startswith(UNIX):
            self._files[host] = identity(host.removeprefix(UNIX))


def _refusal(listener_id: str, host: str, why: OSError | NoSocket) -> AddressInUse:
    if isinstance(why, NoSocket):
        return AddressInUse(listener_id, host, 0, f"{host} cannot be bound: {why}")
    if why.errno == errno.EADDRINUSE:
        return AddressInUse(listener_id, host, 0, f"{host} is in use by another program")
    text = _WHY.get(why.errno or 0) or os.strerror(why.errno or 0)
    message = f"{host} cannot be bound: {text}"
    return AddressInUse(listener_id, host, 0, message, "address_unavailable")
