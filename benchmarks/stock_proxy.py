"""
What Twisted has for proxying: C{twisted.web}'s own resource, for comparison.

Usage: stock_proxy.py PORT ORIGIN_PORT
"""

from __future__ import annotations

import sys

from twisted.internet import endpoints, task
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorCore
from twisted.web.proxy import ReverseProxyResource
from twisted.web.server import Site


def main(reactor: IReactorCore, port: str, origin: str) -> Deferred[None]:
    """Serve until the process is ended."""
    site = Site(ReverseProxyResource("127.0.0.1", int(origin), b"", reactor))
    endpoints.serverFromString(reactor, f"tcp:{port}:interface=127.0.0.1:backlog=512").listen(site)
    return Deferred()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
