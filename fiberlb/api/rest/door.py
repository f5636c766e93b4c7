"""
The door of an admin address: who may come in, whichever dialect is spoken behind it.

It says who asks (L{fiberlb.api.access.gate}), and keeps browsers out that were sent here by pages
of other sites: such a request bears a name in C{Host} that is not ours (a name that was made to
lead here), or an C{Origin} that is not where it went. A token is proof enough: a page of another
site has none.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from twisted.web.resource import Resource
from twisted.web.server import Request

from fiberlb.api.access.gate import Gate
from fiberlb.api.access.identity import (
    NOBODY,
    Denied,
    Identity,
    Source,
    identify,
    identity_of,
    note_refusal,
)
from fiberlb.api.rest.hosts import answers_to, host_name
from fiberlb.api.rest.problem import Refused, refused
from fiberlb.api.rest.routes import OPEN, OPEN_HERE
from fiberlb.model.admin import Admin, AdminListen

#: Where a browser has been once by TLS it comes back by TLS (RFC 6797).
HSTS = ("Strict-Transport-Security", "max-age=31536000")
#: Methods that change nothing: what they answer, a page of another site cannot read.
_SAFE = frozenset({b"GET", b"HEAD", b"OPTIONS"})


class Asks(Enum):
    """
    How a dialect asks who somebody is.

    C{ALWAYS}: as the address says. C{IF_NEEDED}: a token is looked at only where one is needed.
    C{ITSELF}: the dialect finds out by itself, or tells everybody.
    """

    ALWAYS = "always"
    IF_NEEDED = "if_needed"
    ITSELF = "itself"


class Behind(Protocol):
    """What stands behind the door."""

    def render(self, request: Request) -> bytes | int:
        """Answer a request."""

    def refuse(self, request: Request, why: Refused, revision: int) -> bytes:
        """Answer a request that is not let in, in its dialect."""


class Entrance:
    """
    Who comes in at one address.

    @param listen: the address.
    @param admin: the settings in force.
    @param asks: path -> how the dialect that it is of asks who it is.
    """

    def __init__(
        self,
        gate: Gate,
        listen: AdminListen,
        admin: Callable[[], Admin],
        asks: Callable[[bytes], Asks],
    ) -> None:
        self._gate = gate
        self.listen = listen
        self._admin = admin
        self._asks = asks

    def identified(self, request: Any, path: bytes) -> Refused | None:
        """Leave on a request who it is from, C{None}; or why that cannot be told."""
        if identity_of(request) is not NOBODY or path in OPEN or self._asks(path) is Asks.ITSELF:
            return None
        try:
            identify(request, self._identity(request, path))
        except Denied as why:
            return refused(why)
        return None

    def _identity(self, request: Any, path: bytes) -> Identity:
        if self._asks(path) is Asks.IF_NEEDED and self._gate.open_to_all(self.listen):
            return self._gate.anybody(self.listen)
        if path in OPEN_HERE and self.listen.local:
            return self._gate.here(request, self.listen)
        return self._gate.identity(request, self.listen)

    def misled(self, request: Request) -> Refused | None:
        """Why a request may be one that somebody else's page has sent."""
        hosts = request.requestHeaders.getRawHeaders(b"host") or []
        if not hosts and request.clientproto == b"HTTP/1.0":
            return None  # no browser speaks it, and health checks do
        if len(hosts) != 1:
            return Refused(400, "bad_request", "a request has one Host field")
        name = host_name(hosts[0].decode("latin-1"))
        if name is None:
            return Refused(400, "bad_request", "the Host field is malformed")
        if identity_of(request).source is Source.TOKEN:
            return None
        if not answers_to(name, self._admin().allowed_hosts):
            detail = (
                f"this address does not answer to the name {name!r}: use localhost or an"
                " IP address, send a token, or name it in admin.allowed_hosts"
            )
            return Refused(421, "misdirected", detail)
        if request.method not in _SAFE and _elsewhere(request, hosts[0]):
            return Refused(403, "cross_origin", "pages of other sites may change nothing here")
        return None


def _elsewhere(request: Request, host: bytes) -> bool:
    """Whether a browser says that a page of another site has sent a request."""
    for origin in request.requestHeaders.getRawHeaders(b"origin") or ():
        if urlsplit(origin.decode("latin-1")).netloc.lower() != host.decode("latin-1").lower():
            return True
    return request.getHeader("sec-fetch-site") in ("cross-site", "same-site")


class Door(Resource):
    """
    Lets requests in, and keeps their segments apart.

    Klein joins decoded segments before it matches, so that a slash within a
    name would look like one between names: they are handed on encoded.

    @param revision: in force now.
    """

    isLeaf = True

    def __init__(self, inner: Behind, entrance: Entrance, revision: Callable[[], int]) -> None:
        super().__init__()
        self._inner = inner
        self._entrance = entrance
        self._revision = revision

    def render(self, request: Request) -> bytes | int:
        """Twisted's entry: hand the request on, or answer why not."""
        if self._entrance.listen.tls:
            request.setHeader(*HSTS)
        why = self._entrance.identified(request, request.path) or self._entrance.misled(request)
        if why is not None:
            note_refusal(request, why.code)
            return self._inner.refuse(request, why, self._revision())
        request.postpath = [quote(segment, safe="").encode() for segment in request.postpath or ()]
        answer: bytes | int = self._inner.render(request)
        return answer
