"""Where the admin API listens."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.web.server import Site

from fiberlb.model.addresses import UNIX, at
from fiberlb.model.pool import split_address
from fiberlb.starting import CannotStart

#: The file in the state directory that says where the admin API listens, an address a line.
NOTE = "admin"


class AdminPorts:
    """
    The ports of the admin API.

    Nobody is answered before L{start}, when there is something to say; who
    connects waits that long.

    @param reactor: has C{IReactorTCP} and C{IReactorUNIX}.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._ports: list[Any] = []
        self._addresses: list[str] = []
        self._note: Path | None = None

    def listen(self, site: Site, address: str) -> str:
        """
        Listen at C{HOST:PORT} or C{unix:/path}; where, as a person writes it.

        @raise CannotListenError: it cannot be had.
        """
        if address.startswith(UNIX):
            path = address.removeprefix(UNIX)
            port = self._reactor.listenUNIX(path, site, mode=0o600, wantPID=True)
            return self._hold(port, address)
        found = split_address(address)
        assert found is not None
        port = self._reactor.listenTCP(int(found[1]), site, interface=found[0])
        bound = port.getHost()
        return self._hold(port, f"http://{at(bound.host, bound.port)}")

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
            draft.write_text("".join(f"{where}\n" for where in self._addresses), "utf-8")
            os.replace(draft, note)
            self._note = note
        for port in self._ports:
            port.startReading()

    async def stop(self) -> None:
        """Listen no more."""
        if self._note is not None:
            self._note.unlink(missing_ok=True)
        ports, self._ports = self._ports, []
        for port in ports:
            await maybeDeferred(port.stopListening)
