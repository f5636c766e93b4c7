"""
The HTTP server of the admin surfaces: how much may be asked, and by whom.

L{AdminServer} makes the factories that ports are opened with; all of them share what is known of
clients.
"""

from __future__ import annotations

import io
from typing import Any

from twisted.internet.interfaces import IProtocolFactory, IReactorTime
from twisted.logger import Logger
from twisted.web import http
from twisted.web.server import Request, Site
from zope.interface import implementer_only

from fiberlb.api.access.denials import Denials
from fiberlb.api.access.gate import Gate, address_of
from fiberlb.api.access.identity import identity_of, refusal_of
from fiberlb.api.faces import Faces
from fiberlb.api.rest.app import RestApi
from fiberlb.api.rest.bodies import LARGEST, too_large
from fiberlb.api.rest.channel import IDLE, AdminChannel, Connections
from fiberlb.api.rest.door import HSTS, Door, Entrance
from fiberlb.api.rest.problem import Refused, phrase
from fiberlb.api.rest.reply import encoded, heads, of_problem
from fiberlb.api.rest.routes import largest_body
from fiberlb.control.service import ControlService
from fiberlb.model.admin import Admin, AdminListen

#: Bytes of a refused body that are read and thrown away, so that the client sees the answer.
DISCARDED = 8 * LARGEST

_log = Logger()


class AdminRequest(Request):
    """
    A request whose body is bounded while it arrives, and never touches the disk.

    A body beyond the limit is answered at once; what still comes of it is
    thrown away until its end or L{DISCARDED}, for a connection that is closed
    with unread bytes may lose the answer.
    """

    _largest = _room = LARGEST
    _refused = False

    def gotLength(self, length: int | None) -> None:
        """The head is there."""
        self.content = self._body = io.BytesIO()
        channel: Any = self.channel  # knows the request line before the request does
        path = channel._path.partition(b"?")[0]
        self._largest = self._room = largest_body(channel._command, path)
        if length != 0:
            # Nothing is kept of what comes from somebody who is not known.
            why = channel.site.entrance.identified(self, path)
            if why is not None:
                self._refuse(why)
                return
        if length is not None and length > self._largest:
            self._refuse(too_large(self._largest))

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body is there."""
        self._room -= len(data)
        if self._refused:
            if self._room < -DISCARDED:
                self.channel.forceAbortClient()
        elif self._room < 0:
            self._refuse(too_large(self._largest))
        else:
            self._body.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The whole request is there."""
        if self._refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def _refuse(self, why: Refused) -> None:
        self._refused = True
        self.content = self._body = io.BytesIO()
        waits = self.requestHeaders.hasHeader(b"expect")
        self.requestHeaders.removeHeader(b"expect")  # or Twisted asks for the body
        channel: Any = self.channel  # has its site as an attribute that no class declares
        reply = of_problem(why)
        body = encoded(reply.document)
        head = [f"HTTP/1.1 {reply.status} {phrase(reply.status)}", "Connection: close"]
        head += [f"{name}: {value}" for name, value in heads(reply, channel.site.revision())]
        if channel.site.entrance.listen.tls:
            head.append(": ".join(HSTS))
        head += [f"Content-Type: {reply.content_type}", f"Content-Length: {len(body)}", "", ""]
        channel.write("\r\n".join(head).encode() + body)
        channel.site.tell(self, channel._command, channel._path, reply.status, why.code)
        if waits:
            channel.loseConnection()


@implementer_only(IProtocolFactory)
class AdminSite(Site):
    """
    The factory of one admin address's connections.

    It says nothing of protocols inside TLS, so that nobody sets them on a context in use.

    @ivar entrance: who comes in here.
    @ivar connections: those of all admin addresses.
    @ivar revision: in force now.
    """

    protocol: Any = AdminChannel

    def __init__(
        self, door: Door, entrance: Entrance, server: AdminServer, reactor: IReactorTime
    ) -> None:
        super().__init__(
            door,
            requestFactory=AdminRequest,
            timeout=IDLE,
            reactor=reactor,
            parsePOSTFormSubmission=False,
        )
        self.noisy = False
        self.entrance = entrance
        self.connections = server.connections
        self.revision = server.revision
        self._denials = server.denials

    def log(self, request: http.Request) -> None:
        """
        A line for what was refused; what was changed is in the history, and reading is no news.
        """
        if request.code >= 400:
            self.tell(request, request.method, request.path, request.code, refusal_of(request))

    def handshake_failed(self, channel: Any, why: Exception) -> None:
        """A line for a client that TLS turned away, such as for its certificate."""
        client = getattr(channel.getPeer(), "host", "a local client")
        words = why.args[0][0][-1] if why.args and why.args[0] else "the connection broke off"
        self._denials.tell("{client} was refused by TLS: {why}", client=client, why=words)

    def tell(self, request: Any, method: bytes, path: bytes, status: int, code: str) -> None:
        """A line for a request that was refused; secrets stand in none of these."""
        name = identity_of(request).name
        self._denials.tell(
            "{client} ({name}) was refused {method} {path}: {status} {code}",
            client=address_of(request),
            name=name,
            method=method.decode("ascii", "backslashreplace")[:20],
            path=path.partition(b"?")[0].decode("ascii", "backslashreplace")[:200],
            status=status,
            code=code,
        )


class AdminServer:
    """
    The admin API of a control service, at whatever addresses.

    @param reactor: keeps the time of connections and of guessers.

    @ivar connections: of all addresses.
    @ivar denials: tells the log.
    """

    def __init__(self, control: ControlService, reactor: IReactorTime) -> None:
        self._control = control
        self._reactor = reactor
        self._faces = Faces(RestApi(control).app.resource(), control)
        self._gate = Gate(self._admin, control.operating.tokens, control.wall, reactor.seconds)
        self.connections = Connections()
        self.denials = Denials(_log, reactor.seconds)

    def _admin(self) -> Admin:
        control = self._control
        return control.state.file.settings.admin if control.started else Admin()

    def revision(self) -> int:
        """In force now."""
        return self._control.revision

    def door(self, listen: AdminListen) -> tuple[Door, Entrance]:
        """Everything that an admin address serves, behind its door."""
        entrance = Entrance(self._gate, listen, self._admin, self._faces.asks)
        return Door(self._faces, entrance, self.revision), entrance

    def site(self, listen: AdminListen) -> AdminSite:
        """The factory for the port of an address."""
        return AdminSite(*self.door(listen), self, self._reactor)
