"""
The HTTP server of the admin surfaces: who may ask, and how much.

L{Door} stands before every resource of the admin address, whichever dialect it
speaks; L{admin_site} makes the factory that a port is opened with.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web import http
from twisted.web.resource import IResource, Resource
from twisted.web.server import Request, Site

from fiberlb.api.rest.app import RestApi
from fiberlb.api.rest.bodies import LARGEST, too_large
from fiberlb.api.rest.hosts import answers_to, host_name
from fiberlb.api.rest.problem import Refused, phrase
from fiberlb.api.rest.reply import encoded, heads, of_problem, written
from fiberlb.api.rest.routes import largest_body
from fiberlb.control.service import ControlService

#: Bytes of a refused body that are read and thrown away, so that the client sees the answer.
DISCARDED = 8 * LARGEST
#: Seconds that a connection may be idle.
IDLE = 60.0

_log = Logger()


class Door(Resource):
    """
    Lets requests in that name this host, and keeps their segments apart.

    Klein joins decoded segments before it matches, so that a slash within a
    name would look like one between names: they are handed on encoded.

    @param allowed: the names that Host may bear beside loopback and IP literals, now.
    @param revision: in force now.
    """

    isLeaf = True

    def __init__(
        self, inner: IResource, allowed: Callable[[], Sequence[str]], revision: Callable[[], int]
    ) -> None:
        super().__init__()
        self._inner = inner
        self._allowed = allowed
        self._revision = revision

    def render(self, request: Request) -> bytes | int:
        """Twisted's entry: hand the request on, or answer why not."""
        why = self._refusal(request)
        if why is not None:
            return written(request, of_problem(why), self._revision())
        request.postpath = [quote(segment, safe="").encode() for segment in request.postpath or ()]
        return self._inner.render(request)

    def _refusal(self, request: Request) -> Refused | None:
        hosts = request.requestHeaders.getRawHeaders(b"host") or []
        if not hosts and request.clientproto == b"HTTP/1.0":
            return None  # no browser speaks it, and health checks do
        if len(hosts) != 1:
            return Refused(400, "bad_request", "a request has one Host field")
        name = host_name(hosts[0].decode("latin-1"))
        if name is None:
            return Refused(400, "bad_request", "the Host field is malformed")
        if not answers_to(name, self._allowed()):
            detail = (
                f"this address does not answer to the name {name!r}: use localhost or an"
                " IP address, or name it in admin.allowed_hosts"
            )
            return Refused(421, "misdirected", detail)
        return None


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
        if length is not None and length > self._largest:
            self._refuse()

    def handleContentChunk(self, data: bytes) -> None:
        """A piece of the body is there."""
        self._room -= len(data)
        if self._refused:
            if self._room < -DISCARDED:
                self.channel.forceAbortClient()
        elif self._room < 0:
            self._refuse()
        else:
            self._body.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """The whole request is there."""
        if self._refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def _refuse(self) -> None:
        self._refused = True
        self.content = self._body = io.BytesIO()
        waits = self.requestHeaders.hasHeader(b"expect")
        self.requestHeaders.removeHeader(b"expect")  # or Twisted asks for the body
        channel: Any = self.channel  # has its site as an attribute that no class declares
        reply = of_problem(too_large(self._largest))
        body = encoded(reply.document)
        head = [f"HTTP/1.1 {reply.status} {phrase(reply.status)}", "Connection: close"]
        head += [f"{name}: {value}" for name, value in heads(reply, channel.site.revision())]
        head += [f"Content-Type: {reply.content_type}", f"Content-Length: {len(body)}", "", ""]
        channel.write("\r\n".join(head).encode() + body)
        if waits:
            channel.loseConnection()


def admin_resource(control: ControlService) -> Resource:
    """Everything that the admin address serves, behind its door."""

    def allowed() -> Sequence[str]:
        return control.state.file.settings.admin.allowed_hosts if control.started else ()

    return Door(RestApi(control).app.resource(), allowed, lambda: control.revision)


class AdminSite(Site):
    """
    The factory of the admin address's connections.

    @param revision: in force now.
    """

    def __init__(
        self, resource: IResource, revision: Callable[[], int], reactor: IReactorTime
    ) -> None:
        super().__init__(
            resource,
            requestFactory=AdminRequest,
            timeout=IDLE,
            reactor=reactor,
            parsePOSTFormSubmission=False,
        )
        self.revision = revision

    def log(self, request: http.Request) -> None:
        """
        A line for what was refused; what was changed is in the history, and reading is no news.
        """
        if request.code >= 400:
            _log.info(
                "{client} was refused {method} {path}: {status}",
                client=getattr(request.getClientAddress(), "host", "a local client"),
                method=request.method.decode("ascii", "backslashreplace"),
                path=request.path.decode("ascii", "backslashreplace")[:200],
                status=request.code,
            )


def admin_site(control: ControlService, reactor: IReactorTime) -> AdminSite:
    """
    The factory for the ports of the admin address.

    @param reactor: keeps the time of idle connections.
    """
    return AdminSite(admin_resource(control), lambda: control.revision, reactor)
