"""Values with variables: compiled once, filled in for each request."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

import attrs

from fiberlb.model.addresses import UNIX
from fiberlb.model.header_edits import VARIABLES
from fiberlb.routing.request import host_name
from fiberlb.treatment.draft import Asked

_PART = re.compile(r"\{(" + "|".join(VARIABLES) + r")\}")
#: What a client says about itself is told as a whole or not at all: it is never cut to fit.
_address = re.compile(rb"[0-9A-Za-z.:%_-]{1,64}").fullmatch
_name = re.compile(rb"[A-Za-z0-9._:\[\]~%!$&'()*+,;=-]{1,255}").fullmatch

Variable = Callable[[Asked], bytes]


def identified(asked: Asked) -> str:
    """The request's id; it gets one now if it has none."""
    if not asked.request_id:
        asked.request_id = asked.cell.services.make_request_id()
    return asked.request_id


def _client_ip(asked: Asked) -> bytes:
    client = asked.client
    found = b"" if client == UNIX else client.encode("utf-8", "replace")
    return found if _address(found) else b""


def _sni(asked: Asked) -> bytes:
    found = asked.sni or b""
    return found if _name(found) else b""


def _host(asked: Asked) -> bytes:
    found = host_name(asked.authority)
    return found if _name(found) else b""


def _tls_version(asked: Asked) -> bytes:
    version: str = getattr(asked.conn, "version", "")
    return version.encode()


#: Variable -> what it stands for; C{b""} where there is nothing to say.
VALUES: dict[str, Variable] = {
    "client_ip": _client_ip,
    "request_id": lambda asked: identified(asked).encode(),
    "sni": _sni,
    "tls_version": _tls_version,
    "host": _host,
    "scheme": lambda asked: b"https" if asked.cell.plan.secure else b"http",
}
#: Those that differ between two requests of one head on one connection.
PASSING = frozenset({"request_id"})


@attrs.frozen
class Template:
    """
    A value.

    @ivar parts: bytes, and what is called for bytes.
    @ivar passing: it is another one for each request.
    """

    parts: tuple[bytes | Variable, ...]
    passing: bool

    @property
    def constant(self) -> bytes | None:
        """The value where it has no variables."""
        made = b"".join([part for part in self.parts if isinstance(part, bytes)])
        return made if all(isinstance(part, bytes) for part in self.parts) else None

    def render(self, asked: Asked) -> bytes:
        """The value for a request."""
        return b"".join([p if isinstance(p, bytes) else p(asked) for p in self.parts])


@lru_cache(maxsize=4096)
def template(text: str) -> Template:
    """Compile a value that was found to be in order (L{fiberlb.model.header_edits})."""
    pieces = _PART.split(text)
    parts: list[bytes | Variable] = []
    for index, piece in enumerate(pieces):
        if index % 2:
            parts.append(VALUES[piece])
        elif piece:
            parts.append(piece.encode())
    return Template(tuple(parts), not PASSING.isdisjoint(pieces[1::2]))
