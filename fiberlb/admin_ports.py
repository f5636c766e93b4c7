"""Where the admin API listens."""

from __future__ import annotations

import grp
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet import unix
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web.server import Site

from fiberlb.control.admin_tls import AdminTlsWatch
from fiberlb.control.document import FileLayer
from fiberlb.control.looking import Run
from fiberlb.model.addresses import UNIX, at
from fiberlb.model.admin import Admin, AdminListen
from fiberlb.model.pool import split_address
from fiberlb.relay.accept import BACKLOG
from fiberlb.relay.held import Held
from fiberlb.starting import CannotStart

#: The file in the state directory that says where the admin API listens, an address a line.
NOTE = "admin"


class KeptPort(unix.Port):
    """A Unix socket that was made by root: its file is the user's, its directory may not be."""

    @classmethod
    def over(
        cls, reactor: Any, sock: socket.socket, site: Site, path: str, mode: int = 0o600
    ) -> KeptPort:
        """
        Listen there; the socket is closed, a copy of it goes on.

        @param mode: of its file.
        """
        with sock:
            port: KeptPort = cls._fromListeningDescriptor(reactor, sock.fileno(), site)
        port.mode = mode
        # It goes on without this port.
        port._shouldShutdown = False
        port.startListening()
        return port

    def connectionLost(self, reason: Any) -> None:
        """The file stays: it is where its user may not remove it, and the socket may go on."""
        super(unix.Port, self).connectionLost(reason)


def open_to(path: str, group: str) -> None:
    """
    Let a group open a socket.

    @param group: a name or a number.
    @raise CannotStart: there is no such group, or this user may not.
    """
    try:
        number = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
        os.chown(path, -1, number)
        os.chmod(path, 0o660)
    except KeyError:
        raise CannotStart(f"admin.listen: {path}: there is no group {group}") from None
    except OSError as why:
        text = f"admin.listen: {path} cannot be given to group {group}: {why.strerror}"
        raise CannotStart(text) from None


class AdminPorts:
    """
    The ports of the admin API.

    Nobody is answered before L{start}, when there is something to say; who
    connects waits that long.

    @param reactor: has C{IReactorTCP}, C{IReactorUNIX} and C{IReactorSocket}.
    @param held: sockets that were made while there were rights to.

    @ivar beside: ends what is served beside it, and ends with it.
    """

    def __init__(self, reactor: Any, held: Held | None = None) -> None:
        self._reactor = reactor
        self._held = held or Held()
        self._ports: list[Any] = []
        self._addresses: list[str] = []
        self._note: Path | None = None
        self._tls: AdminTlsWatch | None = None
        self.beside: Callable[[], Awaitable[None]] | None = None

    def open(self, site: Callable[[AdminListen], Site], layer: FileLayer, run: Run) -> list[str]:
        """
        Listen everywhere; where, as a person writes it.

        @param site: makes what answers at an address.
        @param run: runs in a thread.
        @raise CannotListenError: an address cannot be had.
        @raise CannotStart: no port is free.
        @raise fiberlb.errors.ConfigurationError: the certificate cannot be served.
        """
        if layer.admin_ports is not None:
            return [self.listen_first(site(Admin().listen[0]), layer.admin_ports)]
        self._tls = watch = AdminTlsWatch(layer, self._reactor, run)
        watch.start()
        return [
            self.listen(site(each), each.address, watch.context if each.tls else None, each.group)
            for each in layer.settings.admin.listen
        ]

    def prepared(self, layer: FileLayer) -> Callable[[], None]:
        """
        The certificate of another configuration file, without using it (L{AdminTlsWatch}).

        @raise fiberlb.errors.ConfigurationError: it cannot be served.
        """
        return (lambda: None) if self._tls is None else self._tls.prepared(layer)

    def listen(self, site: Any, address: str, tls: Any = None, group: str | None = None) -> str:
        """
        Listen at C{HOST:PORT} or C{unix:/path}; where, as a person writes it.

        @param tls: makes connections of TLS; C{None}: it is not spoken.

        @raise CannotListenError: it cannot be had.
        """
        try:
            made = self._held.named(address)
        except OSError as why:
            host, _, last = address.rpartition(":")
            raise CannotListenError(host, last, why) from why
        if address.startswith(UNIX):
            path = address.removeprefix(UNIX)
            port: Any = (
                self._reactor.listenUNIX(path, site, BACKLOG, 0o600, wantPID=True)
                if made is None
                else KeptPort.over(self._reactor, made, site, path)
            )
            if group is not None:
                open_to(path, group)
            return self._hold(port, address)
        found = split_address(address)
        assert found is not None
        scheme = "http"
        if tls is not None:
            scheme, site = "https", TLSMemoryBIOFactory(tls, False, site)
        if made is None:
            port = self._reactor.listenTCP(int(found[1]), site, BACKLOG, found[0])
        else:
            with made:
                port = self._reactor.adoptStreamPort(made.fileno(), made.family, site)
        bound = port.getHost()
        return self._hold(port, f"{scheme}://{at(bound.host, bound.port)}")

    def listen_first(self, site: Site, ports: range) -> str:
        """
        Listen at the first of these ports of loopback that is free.

        @raise CannotStart: none is.
        """
        for port in ports:
            try:
                return self.listen(site, f"127.0.0.1:{port}")
            except CannotListenError:
                continue
        raise CannotStart(f"no port from {ports[0]} to {ports[-1]} is free for the admin API")

    def _hold(self, port: Any, address: str) -> str:
        port.stopReading()
        self._ports.append(port)
        self._addresses.append(address)
        return address

    def start(self, directory: str | None = None) -> None:
        """
        Answer.

        @param directory: where to write down the addresses, for commands that do not read
            the configuration: the state directory, which this process holds.
        @raise OSError: it cannot be written.
        """
        if directory is not None:
            note = Path(directory, NOTE)
            draft = note.with_suffix(".new")
            draft.touch(0o600)
            draft.write_text("".join(f"{where}\n" for where in self._addresses), "utf-8")
            os.replace(draft, note)
            self._note = note
        for port in self._ports:
            port.startReading()

    async def stop(self) -> None:
        """Listen no more."""
        if self._tls is not None:
            self._tls.stop()
        if self._note is not None:
            self._note.unlink(missing_ok=True)
        ports, self._ports = self._ports, []
        for port in ports:
            await maybeDeferred(port.stopListening)
        if self.beside is not None:
            await self.beside()
