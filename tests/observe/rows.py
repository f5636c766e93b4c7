"""Entries of the access log for tests."""

from __future__ import annotations

from typing import Any

from fiberlb.observe.entry import Entry

_ENTRY = Entry(
    started=1700000000.1239,
    listener="front",
    client="192.0.2.7",
    client_port=4711,
    method=b"GET",
    target=b"/a?b=c",
    minor=1,
    block=b"\r\nHost: www.example\r\nUser-Agent: curl/8\r\nReferer: https://r.example/\r\n",
    status=200,
    sent=345,
    received=12,
    pool="api",
    member="api-1",
    policy="all",
    reason=None,
    request_id="0f1e",
    tries=1,
    head=0.001,
    connect=0.0025,
    response=0.1,
    total=1.5,
    secure=True,
    sni=b"www.example",
)


def entry(**fields: Any) -> Entry:
    """An ordinary request, but for these fields."""
    return _ENTRY._replace(**fields)
