"""
A server that takes uploads and throws them away: the origin of the scenarios with bodies.

It answers with the number of bytes it got, or below C{/digest} with their
SHA-256. nginx is of no use for this: it answers before the body has come.

Usage: sink.py PORT
"""

from __future__ import annotations

import hashlib
import re
import socket
import socketserver
import sys

#: Bytes taken at once.
_PIECE = 512 * 1024
_LENGTH = re.compile(rb"^content-length: *(\d+)", re.IGNORECASE | re.MULTILINE)


class Taking(socketserver.BaseRequestHandler):
    """One connection, until the other side closes it."""

    request: socket.socket

    def handle(self) -> None:
        """Request after request."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        room = memoryview(bytearray(_PIECE))
        head = b""
        try:
            while (got := self.request.recv_into(room)) > 0:
                head += room[:got]
                before, end, body = head.partition(b"\r\n\r\n")
                if end:
                    self._take(before, body, room)
                    head = b""
        except ConnectionError:
            # A client that breaks off is the client's affair.
            pass

    def _take(self, head: bytes, body: bytes, room: memoryview) -> None:
        """One body, and the answer to it."""
        found = _LENGTH.search(head)
        left = length = int(found[1]) if found else 0
        digest = hashlib.sha256(body) if b" /digest" in head.partition(b"\r")[0] else None
        left -= len(body)
        while left > 0:
            got = self.request.recv_into(room, min(left, _PIECE))
            if got == 0:
                raise ConnectionError("the body is not complete")
            left -= got
            if digest is not None:
                digest.update(room[:got])
        text = (digest.hexdigest() if digest else str(length)).encode()
        self.request.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s"
            % (len(text), text)
        )


class Sink(socketserver.ThreadingTCPServer):
    """A thread for each connection: most of the time they are in the kernel."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 4096


if __name__ == "__main__":
    with Sink(("127.0.0.1", int(sys.argv[1])), Taking) as server:
        server.serve_forever()
