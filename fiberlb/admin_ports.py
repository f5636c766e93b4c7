"""Where the admin API listens."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.web.server import Site

from fiberlb.model.addresses import UNIX, at
from fiberlb.model.pool import split_address
from fiberlb.starting import CannotStart


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

    def listen(self, site: Site, address: str) -> str:
        """
        Listen at C{HOST:PORT} or C{unix:/path}; where, as a person writes it.

        @raise CannotListenError: it cannot be had.
        """
        if address.startswith(UNIX):
            path = address.removeprefix(UNIX)
            self._hold(self._reactor.listenUNIX(path, site, mode=0o600, wantPID=True))
            return address
        found = split_address(address)
        assert found is not None
        port = self._reactor.listenTCP(int(found[1]), site, interface=found[0])
        self._hold(port)
        bound = port.getHost()
        return f"http://{at(bound.host, bound.port)}"

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

    def _hold(self, port: Any) -> None:
        port.stopReading()
        self._ports.append(port)

    def start(self) -> None:
        """Answer."""
        for port in self._ports:
            port.startReading()

    async def stop(self) -> None:
        """Listen no more."""
        ports, self._ports = self._ports, []
        for port in ports:
            await maybeDeferred(port.stopListening)
