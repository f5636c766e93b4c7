"""
How much memory does a connection hold that nobody uses at the moment?

Opens connections, sends one request on each, and divides what the proxy's
memory has grown by. Run: C{python -m benchmarks.idle --help}.
"""

from __future__ import annotations

import argparse
import socket
import ssl
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from benchmarks.machine import Cores, resident
from benchmarks.proxies import PROXIES, Front, Proxy, Setting, start_origin
from tests.support.ports import free_port

_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def open_connection(proxy: Proxy, tls: ssl.SSLContext | None) -> socket.socket:
    """A connection on which one request was answered."""
    sock = socket.create_connection(("127.0.0.1", proxy.port), timeout=20)
    if tls is not None:
        sock = tls.wrap_socket(sock, server_hostname="localhost")
    sock.sendall(_REQUEST)
    answer = b""
    while not answer.endswith(b"x" * 1024):
        piece = sock.recv(65536)
        if not piece:
            raise RuntimeError(f"{proxy.name} closed a connection: {answer!r}")
        answer += piece
    return sock


def measure(name: str, front: Front, count: int) -> float:
    """KiB for each of C{count} connections; some are opened before, so that pools are filled."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        directory.chmod(0o755)
        setting = Setting(directory, free_port(), Cores.split(), front)
        stack.callback(start_origin(setting, {}).program.stop)
        proxy = PROXIES[name](setting)
        stack.callback(proxy.program.stop)
        tls = ssl.create_default_context(cafile=setting.pem) if front is Front.HTTPS else None

        def add(number: int) -> None:
            for _ in range(number):
                stack.callback(open_connection(proxy, tls).close)

        add(count // 10)
        before = resident(proxy.program.pid)
        add(count)
        return (resident(proxy.program.pid) - before) / count / 1024


def main() -> int:
    """The command; its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=2000, help="how many (2000)")
    parser.add_argument("--only", default="haproxy,nginx,fiberlb", help="with commas between")
    options = parser.parse_args()
    print(f"KiB for each of {options.connections} idle connections")
    for front in (Front.HTTP, Front.HTTPS):
        for name in options.only.split(","):
            print(f"{front.value:<8}{name:<10}{measure(name, front, options.connections):8.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
