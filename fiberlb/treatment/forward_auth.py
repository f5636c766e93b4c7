"""C{forward_auth}: another server says who is let in."""

from __future__ import annotations

import re
from typing import Any, Final

from fiberlb.model.forward_auth import ForwardAuth
from fiberlb.routing.request import Request
from fiberlb.treatment.draft import Asked, Draft, Reply
from fiberlb.wire.field_lines import cutter, line, put

_lines: Final = re.compile(rb"\n([^:\r\n]+):[ \t]*([^\r\n]*?)[ \t]*(?=\r)").findall
#: What the server is not told: how this message is read, what is asked for under conditions, and
#: what is told in our own words.
_UNTOLD: Final = frozenset(
    b"host connection keep-alive proxy-connection te trailer transfer-encoding upgrade"
    b" http2-settings expect content-length content-type content-encoding accept-encoding range"
    b" if-match if-none-match if-modified-since if-unmodified-since if-range"
    b" x-forwarded-method x-forwarded-uri x-forwarded-host x-forwarded-proto"
    b" x-forwarded-for".split()
)
#: What of its answer is not given to a client: the answer is framed anew.
_UNGIVEN: Final = frozenset(
    b"connection keep-alive proxy-connection te trailer transfer-encoding upgrade content-length"
    b" content-encoding date fiberlb-reason-code".split()
)
#: Statuses of answers that cannot be told on as they are.
_ODD: Final = frozenset({204, 205, 304})


def ask_another(value: ForwardAuth, draft: Draft) -> None:
    """Let those pass whom a server lets in."""
    url = value.url
    if url is None:
        return
    names = [(name.encode(), name.lower().encode()) for name in value.copy_headers]
    cut = cutter(value.copy_headers) if names else None

    def gate(asked: Asked, request: Request) -> Any:
        return asked.cell.services.guards.servers.judged(url, told(asked, request), judge(asked))

    def judge(asked: Asked) -> Any:
        def judged(status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> Reply | None:
            if not 200 <= status < 300:
                return denied(status, fields, body)
            if cut is not None:
                found = [
                    line(name, content)
                    for name, folded in names
                    for given, content in fields
                    if given.lower() == folded
                ]
                asked.out = put(cut(asked.out), b"".join(found))
            return None

        return judged

    draft.gates.append(gate)


def told(asked: Asked, request: Request) -> list[tuple[bytes, bytes]]:
    """What the server gets: the request's fields as members would get them, and what it is."""
    said = {name.lower(): value for name, value in _lines(asked.out)}
    trusted = asked.cell.plan.trusted
    scheme = b"https" if asked.cell.plan.secure else b"http"
    if trusted is not None and trusted(asked.peer):
        scheme = said.get(b"x-forwarded-proto", scheme)
    found = [
        (name, value)
        for name, value in _lines(asked.out)
        if name.lower().replace(b"_", b"-") not in _UNTOLD
    ]
    return [
        *found,
        (b"X-Forwarded-Method", asked.method),
        (b"X-Forwarded-Proto", scheme),
        (b"X-Forwarded-Host", asked.authority),
        (b"X-Forwarded-Uri", request.uri),
        (b"X-Forwarded-For", asked.client.encode()),
    ]


def denied(status: int, fields: list[tuple[bytes, bytes]], body: bytes) -> Reply:
    """The server's answer for the client; one that is none is a server that does not work."""
    if not 300 <= status < 600 or status in _ODD:
        return Reply(status=503, reason="auth_failed")
    lines = [line(name, value) for name, value in fields if name.lower() not in _UNGIVEN]
    return Reply(status=status, noted="auth_failed", lines=b"".join(lines), body=body)
