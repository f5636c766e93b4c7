"""
Where redirects point: verbatim URLs and templates.

Whatever a client sends, what comes out is one valid URI reference: no
control character, and no way out of the host that the template names.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from fiberlb.errors import ConfigurationError, Path, Problem, nearest
from fiberlb.routing.request import Request

_SUBDELIMS = b"!$&'()*+,;="
_UNRESERVED = b"A-Za-z0-9._~"
#: What must be percent-encoded in a path, in a query and in a host (RFC 3986 sections 3.2 to 3.4).
_NOT_IN_PATH = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^%" + _UNRESERVED + _SUBDELIMS + rb":@/-]")
_NOT_IN_QUERY = re.compile(rb"%(?![0-9A-Fa-f]{2})|[^%" + _UNRESERVED + _SUBDELIMS + rb":@/?-]")
_NOT_IN_HOST = re.compile(rb"[^" + _UNRESERVED + _SUBDELIMS + rb":\[\]-]")
#: What may stand in a configured URL beside its placeholders.
_LITERAL = re.compile(r"(?:%[0-9A-Fa-f]{2}|[A-Za-z0-9._~!$&'()*+,;=:@/?#\[\]-]|[^\x00-\x7f])*")
_TOKEN = re.compile(r"(\?\{query\}|\{[^{}]*\})")
_AUTHORITY = re.compile(
    r"(?:\{host\}|[A-Za-z0-9._~-]|%[0-9A-Fa-f]{2})+(?::(?:[0-9]{1,5}|\{port\}))?"
    r"|\[[0-9A-Fa-f:.]+\](?::(?:[0-9]{1,5}|\{port\}))?"
)

Part = Callable[[Request], bytes]


def _encoded(text: bytes, unwanted: re.Pattern[bytes]) -> bytes:
    return unwanted.sub(lambda found: b"%%%02X" % found[0][0], text)


def _uri(request: Request) -> bytes:
    path, mark, query = request.uri.partition(b"?")
    # The asterisk of OPTIONS is no path (RFC 9112 section 3.2.4).
    path = _encoded(path, _NOT_IN_PATH) if path[:1] == b"/" else b"/"
    return path + mark + _encoded(query, _NOT_IN_QUERY)


def _path(request: Request) -> bytes:
    return _uri(request).partition(b"?")[0]


def _query(request: Request) -> bytes:
    return _encoded(request.query or b"", _NOT_IN_QUERY)


def _marked_query(request: Request) -> bytes:
    return b"" if request.query is None else b"?" + _query(request)


#: Placeholder -> what it stands for.
PLACEHOLDERS: dict[str, Part] = {
    "{scheme}": lambda request: b"https" if request.secure else b"http",
    "{host}": lambda request: _encoded(request.host, _NOT_IN_HOST),
    # A Unix socket has none; whoever speaks for the client there has taken it on the usual one.
    "{port}": lambda request: b"%d" % (request.port or (443 if request.secure else 80)),
    "{path}": _path,
    "{query}": _query,
    "{uri}": _uri,
}
#: A question mark goes with its query: a request without one gets neither.
_PARTS = {**PLACEHOLDERS, "?{query}": _marked_query}


class Location:
    """
    One redirect's target.

    @ivar text: the template; two locations of one text are the same.
    @ivar needs_host: the template uses the request's host.
    """

    __slots__ = ("_local", "_parts", "needs_host", "text")

    def __init__(self, text: str, parts: tuple[bytes | Part, ...], local: bool) -> None:
        self.text = text
        self.needs_host = "{host}" in text
        self._parts = parts
        self._local = local

    def render(self, request: Request) -> bytes:
        """The Location field's value for a request; ASCII without control characters."""
        made = b"".join(
            [part if isinstance(part, bytes) else part(request) for part in self._parts]
        )
        if self._local and made[:2] == b"//":
            # Two slashes would begin another host's name (RFC 3986 section 4.2).
            return b"/" + made.lstrip(b"/")
        return made


def compile_location(text: str, path: Path) -> Location:
    """
    Compile an absolute http or https URL, an absolute path, or a template of one.

    @param text: may hold the L{PLACEHOLDERS}.
    @param path: the field, for the problem.

    @raise ConfigurationError: the text is not of that form.
    """
    fault = _fault(text)
    if fault is not None:
        raise ConfigurationError([Problem(path, *fault)])
    parts: list[bytes | Part] = []
    for token in _TOKEN.split(text):
        if token in _PARTS:
            parts.append(_PARTS[token])
        elif token:
            parts.append(re.sub(rb"[\x80-\xff]", lambda b: b"%%%02X" % b[0][0], token.encode()))
    if all(isinstance(part, bytes) for part in parts):
        parts = [b"".join(part for part in parts if isinstance(part, bytes))]
    return Location(text, tuple(parts), local=_scheme(text) is None)


def _scheme(text: str) -> str | None:
    found = re.match(r"(https?|\{scheme\})://", text, re.IGNORECASE)
    return found[0] if found else None


def _fault(text: str) -> tuple[str, str | None] | None:
    """What is wrong with a template, and what was probably meant."""
    for token in _TOKEN.split(text)[1::2]:
        if token not in _PARTS:
            known = ", ".join(PLACEHOLDERS)
            return f"{token} is not one of {known}", nearest(token, PLACEHOLDERS)
    literal = _TOKEN.sub("", text)
    if any(ord(c) <= 0x20 or ord(c) == 0x7F for c in text):
        return "must not contain spaces or control characters", None
    if not _LITERAL.fullmatch(literal):
        return "contains a character that a URL cannot; write it as %XX", None
    scheme = _scheme(text)
    if scheme is not None:
        return _authority_fault(text[len(scheme) :])
    if text.startswith("//") or not text.startswith(("/", "{uri}", "{path}")):
        return "must be an http or https URL, or a path that begins with one slash", None
    return None


def _authority_fault(rest: str) -> tuple[str, str | None] | None:
    """C{rest}: what follows the scheme; what follows the host must not be able to extend it."""
    end = re.search(r"[/?#]|\{uri\}|\{path\}|$", rest)
    assert end is not None
    authority = rest[: end.start()]
    if not _AUTHORITY.fullmatch(authority):
        return f"{authority!r} is not a host with or without a port", None
    _, colon, port = authority.rpartition(":")
    if colon and port.isdecimal() and not 1 <= int(port) <= 65535:
        return f"port {port} is not from 1 to 65535", None
    return None
