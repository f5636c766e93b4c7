"""C{rate_limit}: who comes too often is told to come later."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from fiberlb.model.hash_on import HashOn
from fiberlb.model.rate_limit import RateLimit
from fiberlb.routing.request import Request
from fiberlb.treatment.buckets import SECOND
from fiberlb.treatment.client_key import client_key
from fiberlb.treatment.draft import Asked, Draft, Reply
from fiberlb.wire.cookies import RequestCookie

_Key = Callable[[Asked, Request | None], bytes]
#: Tells keys of one kind from those of another one.
_ADDRESS: Final = b"\0a"
_NAMED: Final = b"\0n"


def limit_rate(limit: RateLimit, draft: Draft) -> None:
    """Requests, or connections, beyond the rate are refused with the time to come again."""
    if limit.rate is None:
        return
    services = draft.around.services
    table = services.rates.table
    loop = services.loop
    key = _reader(limit.key)
    interval = round(limit.rate.interval * SECOND)
    burst = limit.at_once
    # Another rate begins anew; the same one goes on over changes, and in every process.
    owner = f"{draft.owner}\0{interval}\0{burst}".encode()
    window = -(-interval * burst // SECOND)
    policy = b'RateLimit-Policy: "default";q=%d;w=%d\r\n' % (burst, window)

    def gate(asked: Asked, request: Request | None) -> Reply | None:
        wait = table.take(owner + key(asked, request), int(loop.now * SECOND), interval, burst)
        if not wait:
            return None
        seconds = -(-wait // SECOND)
        lines = b'Retry-After: %d\r\n%sRateLimit: "default";r=0;t=%d\r\n' % (
            seconds,
            policy,
            seconds,
        )
        return Reply(reason="rate_limited", lines=lines)

    draft.gates.append(gate)


def _reader(key: HashOn) -> _Key:
    """
    What reads a request's key.

    Who does not show one is counted by address: it must not pay to leave it out.
    """
    if key.kind == "path":
        return _path
    if key.kind == "client_address":
        return _address
    return _header(key.name.encode()) if key.kind == "header" else _cookie(key.name.encode())


def _address(asked: Asked, request: Request | None) -> bytes:
    return _ADDRESS + client_key(asked.client)


def _path(asked: Asked, request: Request | None) -> bytes:
    return _address(asked, None) if request is None else _NAMED + request.path


def _header(name: bytes) -> _Key:
    find = re.compile(rb"\r\n(?i:" + re.escape(name) + rb")[ \t]*+:([^\r]*)").search

    def read(asked: Asked, request: Request | None) -> bytes:
        found = find(asked.block())
        return _address(asked, None) if found is None else _NAMED + found[1].strip(b" \t")

    return read


def _cookie(name: bytes) -> _Key:
    cookie = RequestCookie(name)

    def read(asked: Asked, request: Request | None) -> bytes:
        found = cookie.values(asked.block())
        return _NAMED + found[0] if found else _address(asked, None)

    return read
