"""A TCP relay before an etcd, which delays, swallows or cuts what the test says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.protocol import Factory, Protocol


class Relay:
    """
    Connections to one port, passed on to another.

    @ivar delay: seconds that answers take longer.
    @ivar deaf: answers are swallowed.
    @ivar cut: called with what a client sends; true: it is passed on, and the client hears of a
        broken connection instead of an answer.
    """

    def __init__(self, reactor: Any, url: str) -> None:
        self.reactor = reactor
        self.target = int(url.rpartition(":")[2])
        self.delay = 0.0
        self.deaf = False
        self.cut: Callable[[bytes], bool] = lambda _: False
        self.connections: list[Client] = []
        factory = Factory.forProtocol(Client)
        factory.relay = self  # type: ignore[attr-defined]
        self.port = reactor.listenTCP(0, factory, interface="127.0.0.1")

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port.getHost().port}"

    def stop(self) -> None:
        """End it."""
        self.port.stopListening()
        for connection in self.connections:
            if connection.transport is not None:
                connection.transport.abortConnection()  # type: ignore[attr-defined]


class Client(Protocol):
    """One connection."""

    def connectionMade(self) -> None:
        """Have the other half."""
        self.relay: Relay = self.factory.relay
        self.relay.connections.append(self)
        self.other: Protocol | None = None
        self.waiting: list[bytes] = []
        self.mute = False
        endpoint = TCP4ClientEndpoint(self.relay.reactor, "127.0.0.1", self.relay.target)
        connectProtocol(endpoint, Server(self)).addCallbacks(self.joined, self.failed)

    def joined(self, other: Protocol) -> None:
        """Send on what came meanwhile."""
        self.other = other
        for data in self.waiting:
            other.transport.write(data)  # type: ignore[union-attr]

    def failed(self, why: object) -> None:
        """There is nobody."""
        self.transport.loseConnection()  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        """To the etcd."""
        cut = self.relay.cut(data)
        self.mute = self.mute or cut
        if self.other is None:
            self.waiting.append(data)
        else:
            self.other.transport.write(data)  # type: ignore[union-attr]

    def connectionLost(self, reason: object = None) -> None:
        """The other half goes too."""
        if self.other is not None:
            self.other.transport.loseConnection()  # type: ignore[union-attr]


class Server(Protocol):
    """The other half."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def dataReceived(self, data: bytes) -> None:
        """To the client."""
        relay = self.client.relay
        if self.client.mute:
            self.client.transport.abortConnection()  # type: ignore[union-attr]
        elif relay.deaf:
            return
        elif relay.delay:
            relay.reactor.callLater(relay.delay, self.client.transport.write, data)  # type: ignore[union-attr]
        else:
            self.client.transport.write(data)  # type: ignore[union-attr]

    def connectionLost(self, reason: object = None) -> None:
        """The client goes too."""
        if not self.client.relay.deaf and self.client.transport is not None:
            self.client.transport.loseConnection()
