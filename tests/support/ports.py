"""Loopback ports for programs that cannot be told to take any free one."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterator

#: Below the range the kernel gives to outgoing connections (32768 and up on Linux), so that
#: no client of a test can sit on a port between its choice and its use.
_FIRST, _LAST = 20000, 32000


def _candidates() -> Iterator[int]:
    # Each process begins elsewhere, so that suites running side by side rarely meet.
    start = os.getpid() * 97 % (_LAST - _FIRST)
    return (_FIRST + (start + step) % (_LAST - _FIRST) for step in itertools.count())


_next = _candidates()


def is_free(port: int, kind: socket.SocketKind = socket.SOCK_STREAM) -> bool:
    """Whether C{port} can be bound on both loopback addresses now."""
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family, kind) as probe:
                if kind is socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError:
            # A machine without IPv6 has nothing to collide with there.
            if family is socket.AF_INET:
                return False
    return True


def free_port() -> int:
    """
    A TCP port that nothing listens on; never the same twice in one process.

    @raise LookupError: none of the range is free.
    """
    for _ in range(_LAST - _FIRST):
        port = next(_next)
        if is_free(port):
            return port
    raise LookupError("no free port")


def free_ports(count: int) -> list[int]:
    """That many different free ports."""
    return [free_port() for _ in range(count)]
