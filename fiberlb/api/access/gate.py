"""
From a request to who it is from (product page, decision 12).

A token that is sent decides, whatever else could: who sends one wants to be that, no more and no
less. Without one it is the client's certificate, and without that the way it came: a Unix socket
is opened by those whom its mode lets in, and loopback stands open for as long as nobody has
configured a token.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, Protocol

from fiberlb.api.access.attempts import Attempts
from fiberlb.api.access.certificates import names
from fiberlb.api.access.identity import LOCAL, Denied, Identity, Source
from fiberlb.model.access import LONGEST_TOKEN, Role, digest
from fiberlb.model.admin import Admin, AdminListen

#: What a client is told that has sent nothing, or nothing good (RFC 6750 section 3).
_CHALLENGE = 'Bearer realm="fiberlb"'
#: Where nothing else is said, the one of OpenStack's tools.
_OTHER = b"x-auth-token"


class Known(Protocol):
    """A token that was made while FiberLB ran: of L{fiberlb.control.tokens}, by shape."""

    @property
    def name(self) -> str:
        """Who uses it."""

    @property
    def role(self) -> Role:
        """What they may do."""

    @property
    def project(self) -> str | None:
        """The only one it is for."""


class Book(Protocol):
    """Tokens that were made while FiberLB ran: L{fiberlb.control.tokens.Tokens}, by shape."""

    @property
    def some(self) -> bool:
        """Whether there are any."""

    def match(self, token: str) -> Known | None:
        """The one that a text is, and that is valid now; C{None}: it is none."""


class Gate:
    """
    Tells who asks.

    @param admin: the settings in force.
    @param book: the tokens of the store.
    @param wall: seconds since the epoch.
    @param monotonic: seconds of a clock that never jumps.
    """

    def __init__(
        self,
        admin: Callable[[], Admin],
        book: Book,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._admin = admin
        self._book = book
        self._wall = wall
        self._attempts = Attempts(monotonic)

    def identity(self, request: Any, listen: AdminListen) -> Identity:
        """
        Who asks.

        @param listen: where the request came in.
        @raise Denied: 401 or 429, that cannot be told.
        """
        token = sent(request)
        if token is not None:
            return self._by_token(token, address_of(request), listen)
        by_certificate = self._by_certificate(request, listen)
        if by_certificate is not None:
            return by_certificate
        if self.open_to_all(listen):
            return self.anybody(listen)
        detail = "say who you are: Authorization: Bearer TOKEN"
        if listen.tls and self._admin().asks_clients:
            detail += ", or a client certificate"
        raise Denied(401, "unauthorized", detail, {"WWW-Authenticate": _CHALLENGE})

    def here(self, request: Any, listen: AdminListen) -> Identity:
        """
        Who asks for what every process of this machine may read.

        @raise Denied: as of L{identity}, but not for want of a token.
        """
        if sent(request) is None and not listen.unix and self.closed(listen):
            return Identity(LOCAL, Role.READ, None, Source.LOOPBACK)
        return self.identity(request, listen)

    def open_to_all(self, listen: AdminListen) -> bool:
        """Whether whoever reaches an address may do everything there."""
        return listen.unix or (listen.local and not self.closed(listen))

    def anybody(self, listen: AdminListen) -> Identity:
        """Who comes in where nobody has to say who they are."""
        source = Source.UNIX if listen.unix else Source.LOOPBACK
        return Identity(LOCAL, Role.ADMIN, None, source)

    def closed(self, listen: AdminListen) -> bool:
        """Whether people of this machine have to say who they are there."""
        admin = self._admin()
        return bool(admin.tokens) or self._book.some or (listen.tls and admin.asks_clients)

    def _by_token(self, token: str, address: str, listen: AdminListen) -> Identity:
        limited = not listen.unix
        wait = self._attempts.wait(address) if limited else 0.0
        if wait:
            raise _too_often(wait)
        found = self._of_file(token) or self._of_book(token)
        if found is not None:
            return found
        wait = self._attempts.failed(address, digest(token)) if limited else 0.0
        if wait:
            raise _too_often(wait)
        challenge = f'{_CHALLENGE}, error="invalid_token"'
        detail = "the token is unknown, or its time is over"
        raise Denied(401, "unauthorized", detail, {"WWW-Authenticate": challenge})

    def _of_file(self, token: str) -> Identity | None:
        made, now = digest(token), self._wall()
        found: Identity | None = None
        for number, one in enumerate(self._admin().tokens, 1):
            # All of them, each in the same time.
            same = hmac.compare_digest(one.token, made)
            if same and (one.expires_at is None or now < one.expires_at):
                found = Identity(one.name or f"token-{number}", one.role, one.project)
        return found

    def _of_book(self, token: str) -> Identity | None:
        one = self._book.match(token)
        return None if one is None else Identity(one.name, one.role, one.project)

    def _by_certificate(self, request: Any, listen: AdminListen) -> Identity | None:
        tls = self._admin().tls_config
        shown = names(request) if listen.tls and tls is not None and tls.client_ca else ()
        if not shown or tls is None:
            return None
        roles = dict(tls.client_roles)
        for name in shown:
            if name in roles:
                return Identity(name, roles[name], None, Source.CERTIFICATE)
        return Identity(shown[0], tls.other_role, None, Source.CERTIFICATE)


def sent(request: Any) -> str | None:
    """
    The token that a request bears; C{None}: none.

    @raise Denied: 401, what it bears is none.
    """
    fields: Sequence[bytes] = request.requestHeaders.getRawHeaders(b"authorization") or ()
    others: Sequence[bytes] = request.requestHeaders.getRawHeaders(_OTHER) or ()
    if not fields and not others:
        return None
    if len(fields) + len(others) == 1:
        scheme, _, token = (
            fields[0].strip().partition(b" ") if fields else (b"bearer", b"", others[0])
        )
        text = token.strip().decode("latin-1")
        if scheme.lower() == b"bearer" and 0 < len(text) <= LONGEST_TOKEN and text.isascii():
            return text
    detail = "a request bears one token: Authorization: Bearer TOKEN"
    challenge = f'{_CHALLENGE}, error="invalid_request"'
    raise Denied(401, "unauthorized", detail, {"WWW-Authenticate": challenge})


def address_of(request: Any) -> str:
    """Where a request comes from, for people; Unix sockets have no address."""
    return str(getattr(request.channel.getPeer(), "host", "") or "a local client")


def _too_often(wait: float) -> Denied:
    seconds = max(1, ceil(wait))
    detail = f"too many wrong tokens came from this address: wait {seconds} seconds"
    return Denied(429, "too_many_attempts", detail, {"Retry-After": str(seconds)})
