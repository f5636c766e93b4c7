"""
A streaming reverse proxy of aiohttp on uvloop, with a pool of connections to the origin.

Usage: aiohttp_proxy.py PORT ORIGIN_PORT http|https [PEM]
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Mapping
from typing import Any

import uvloop  # type: ignore[import-not-found,unused-ignore]
from aiohttp import (  # type: ignore[import-not-found,unused-ignore]
    ClientSession,
    DummyCookieJar,
    TCPConnector,
    web,
)
from multidict import CIMultiDict  # type: ignore[import-not-found,unused-ignore]
from yarl import URL  # type: ignore[import-not-found,unused-ignore]

#: Fields that end at each hop (RFC 9110, 7.6.1).
_HOP = frozenset(
    "connection keep-alive proxy-connection te trailer transfer-encoding upgrade".split()
)
#: Bytes that are read before a sender has to wait.
_BUFFER = 256 * 1024


def _passed(fields: Mapping[str, str]) -> Any:
    return CIMultiDict((name, v) for name, v in fields.items() if name.lower() not in _HOP)


class Relay:
    """Hands requests on to one origin."""

    def __init__(self, session: Any, origin: str, port: str, scheme: str) -> None:
        self._session = session
        self._origin = origin
        self._port = port
        self._scheme = scheme

    async def answer(self, request: Any) -> Any:
        """The origin's answer to a request, piece by piece."""
        fields = _passed(request.headers)
        fields["X-Forwarded-For"] = request.remote
        fields["X-Forwarded-Proto"] = self._scheme
        fields["X-Forwarded-Port"] = self._port
        async with self._session.request(
            request.method,
            URL(self._origin + request.raw_path, encoded=True),
            headers=fields,
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        ) as found:
            response = web.StreamResponse(
                status=found.status, reason=found.reason, headers=_passed(found.headers)
            )
            await response.prepare(request)
            async for piece in found.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response


async def main(port: str, origin: str, front: str, pem: str = "") -> None:
    """Serve until the process is ended."""
    session = ClientSession(
        connector=TCPConnector(limit=0, keepalive_timeout=300),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        read_bufsize=_BUFFER,
    )
    relay = Relay(session, f"http://127.0.0.1:{origin}", port, front)
    server = web.Server(relay.answer, access_log=None, keepalive_timeout=300, read_bufsize=_BUFFER)
    context = None
    if front == "https":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
    runner = web.ServerRunner(server, handle_signals=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(port), backlog=512, ssl_context=context).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
