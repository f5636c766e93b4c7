"""Tests of L{fiberlb.commands.workers}."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import tempfile
import threading
from pathlib import Path

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.cli import main
from fiberlb.commands.exits import REFUSED, UNREACHABLE


class CommandTests(SynchronousTestCase):
    """Commands against something that answers like a control process."""

    def setUp(self) -> None:
        """A file, and nobody who runs."""
        # Short: the path of a Unix socket ends at 107 bytes.
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.path = self.directory / "f.yaml"
        self.listen = f"unix:{self.directory}/s"
        self.asked: list[bytes] = []

    def run_command(self, *words: str) -> Result:
        """What a command says."""
        self.path.write_text(
            f"version: 1\nstate_directory: {self.directory}\nadmin: {{listen: '{self.listen}'}}\n"
        )
        return CliRunner().invoke(main, [*words, "-c", str(self.path)])

    def answering(self, family: int, address: object, status: int, document: object) -> None:
        """Something that answers one request."""
        sock = socket.socket(family)
        self.addCleanup(sock.close)
        sock.bind(address)  # type: ignore[arg-type]
        sock.listen()
        body = json.dumps(document).encode()
        if family == socket.AF_INET:
            self.listen = f"127.0.0.1:{sock.getsockname()[1]}"

        def answer() -> None:
            with sock.accept()[0] as client:
                self.asked.append(client.recv(4096))
                head = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
                client.sendall(head + body)

        threading.Thread(target=answer, daemon=True).start()

    def test_restart(self) -> None:
        """The admin API is asked, on either kind of address."""
        document = {"workers": {"wanted": 2, "serving": 2}}
        path = str(self.directory / "s")
        for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, path)):
            self.listen = f"unix:{path}"
            self.answering(family, address, 200, document)
            found = self.run_command("workers", "restart")
            self.assertEqual(
                (found.exit_code, found.output), (0, "2 of 2 worker processes serve\n")
            )
        self.assertTrue(all(b"POST /v1/workers/restart" in head for head in self.asked))

    def test_status(self) -> None:
        """How many serve, in the words of the first lines."""
        for wanted, told in (
            (2, "1 of 2 worker processes serve\n"),
            (0, "One process carries the traffic by itself (workers: 0)\n"),
        ):
            document = {"workers": {"wanted": wanted, "serving": 1}}
            self.answering(socket.AF_INET, ("127.0.0.1", 0), 200, document)
            self.assertEqual(self.run_command("workers", "status").output, told)

    def test_refused(self) -> None:
        """What the API says against it is told."""
        self.answering(socket.AF_INET, ("127.0.0.1", 0), 409, {"detail": "there are none"})
        found = self.run_command("workers", "restart")
        self.assertEqual((found.exit_code, found.output), (REFUSED, "there are none\n"))

    def test_nobody(self) -> None:
        """Nobody runs: another exit code."""
        self.assertEqual(self.run_command("workers", "restart").exit_code, UNREACHABLE)
        self.assertEqual(self.run_command("upgrade").exit_code, UNREACHABLE)

    def test_upgrade(self) -> None:
        """The process that holds the state directory gets the signal."""
        told: list[int] = []
        before = signal.signal(signal.SIGUSR2, lambda number, _: told.append(number))
        self.addCleanup(signal.signal, signal.SIGUSR2, before)
        (self.directory / "lock").write_text(f"{os.getpid()}\n")
        found = self.run_command("upgrade")
        self.assertEqual(found.exit_code, 0, found.output)
        self.assertEqual(told, [signal.SIGUSR2])
