"""
Uploads for a while, each connection one after another, and a line of JSON about them.

Usage: uploader.py HOST PORT SIZE CONNECTIONS SECONDS

Each connection uploads once at least; an upload that has begun is finished.
Any answer but 200 with the right count of bytes is an error, as are broken
connections and silence of 20 s.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
from http.client import HTTPResponse
from time import monotonic

_PIECE = memoryview(bytes(1024 * 1024))
#: Seconds without progress after which a connection is given up.
_PATIENCE = 20.0


class Uploads:
    """What all connections do together."""

    def __init__(self, host: str, port: int, size: int, deadline: float) -> None:
        self._where = (host, port)
        self._size = size
        self._deadline = deadline
        self._head = (
            f"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {size}\r\n"
            "Content-Type: application/octet-stream\r\nUser-Agent: uploader\r\n\r\n"
        ).encode()
        self.requests: list[int] = []
        self.errors: list[str] = []

    def run(self) -> None:
        """One connection, until time is over or something goes wrong."""
        try:
            with socket.create_connection(self._where, timeout=_PATIENCE) as sock:
                while True:
                    self._one(sock)
                    self.requests.append(self._size)
                    if monotonic() >= self._deadline:
                        return
        except (OSError, ValueError) as why:
            self.errors.append(repr(why))

    def _one(self, sock: socket.socket) -> None:
        sock.sendall(self._head)
        left = self._size
        while left > 0:
            left -= sock.send(_PIECE[:left])
        answer = HTTPResponse(sock, method="POST")
        answer.begin()
        said = answer.read()
        if answer.status != 200 or said != b"%d" % self._size:
            raise ValueError(f"{answer.status} {said!r}")


def main(host: str, port: str, size: str, connections: str, seconds: str) -> None:
    """Run and report."""
    began = monotonic()
    uploads = Uploads(host, int(port), int(size), began + float(seconds))
    threads = [threading.Thread(target=uploads.run) for _ in range(int(connections))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result = {
        "requests": len(uploads.requests),
        "bytes": sum(uploads.requests),
        "seconds": monotonic() - began,
        "errors": len(uploads.errors),
        "trouble": "; ".join(uploads.errors[:3]),
    }
    print("RESULT " + json.dumps(result), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
