"""
What Twisted has for proxying, for comparison: C{twisted.web}'s resource, and its port forwarder.

Usage: twisted_proxy.py PORT ORIGIN_PORT http|https|tcp [PEM]
"""

from __future__ import annotations

import sys

from twisted.internet import endpoints, task
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocolFactory, IReactorCore
from twisted.protocols.portforward import ProxyFactory
from twisted.web.proxy import ReverseProxyResource
from twisted.web.server import Site


def main(
    reactor: IReactorCore, port: str, origin: str, front: str, pem: str = ""
) -> Deferred[None]:
    """Serve until the process is ended."""
    factory: IProtocolFactory = (
        ProxyFactory("127.0.0.1", int(origin))
        if front == "tcp"
        else Site(ReverseProxyResource("127.0.0.1", int(origin), b"", reactor))
    )
    kind = f"ssl:{port}:privateKey={pem}:certKey={pem}" if front == "https" else f"tcp:{port}"
    where = f"{kind}:interface=127.0.0.1:backlog=512"
    endpoints.serverFromString(reactor, where).listen(factory)
    return Deferred()


if __name__ == "__main__":
    task.react(main, sys.argv[1:])
