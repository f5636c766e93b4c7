"""Something that answers commands as an admin API does."""

from __future__ import annotations

import json
import re
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.cli import main


class Answering(SynchronousTestCase):
    """
    Commands against prepared answers.

    @ivar targets: what was asked for, in order.
    @ivar requests: the same, whole.
    """

    def setUp(self) -> None:
        """A file that names the socket."""
        self.directory = Path(tempfile.mkdtemp())  # short, as paths of Unix sockets must be
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / "f.yaml"
        self.socket = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.socket.close)
        self.socket.bind(str(self.directory / "s"))
        self.socket.listen()
        self.answers: list[bytes] = []
        self.targets: list[str] = []
        self.requests: list[bytes] = []

    def write(self) -> None:
        """The file."""
        listen = f"unix:{self.directory}/s"
        self.path.write_text(f"version: 1\nadmin: {{listen: '{listen}'}}\n")

    def serve(self, document: Any, status: int = 200) -> None:
        """Answer one request with this."""
        body = b"" if document is None else json.dumps(document).encode()
        self.serve_raw(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)

    def serve_raw(self, answer: bytes) -> None:
        """Answer one request with these bytes."""
        self.answers.append(answer)
        if len(self.answers) == 1:
            threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        served = 0
        while served < len(self.answers):
            try:
                client = self.socket.accept()[0]
            except OSError:
                return  # the test is over
            with client:
                self.requests.append(_asked(client))
                self.targets.append(self.requests[-1].split(b" ")[1].decode())
                answer = self.answers[served]
                served += 1
                client.sendall(answer)

    def run_command(self, *words: str) -> Result:
        """What a command says."""
        self.write()
        return CliRunner().invoke(main, [*words, "-c", str(self.path)])


def _asked(client: socket.socket) -> bytes:
    """A request, all of it: what is closed with something unread in it is reset."""
    data = b""
    while True:
        data += client.recv(4096)
        head, end, body = data.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: ([0-9]+)", head)
        if end and len(body) >= (int(length[1]) if length else 0):
            return data
