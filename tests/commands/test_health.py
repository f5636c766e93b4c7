"""Tests of L{fiberlb.commands.health}."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from time import monotonic

from click.testing import CliRunner, Result
from twisted.trial.unittest import SynchronousTestCase

from fiberlb.admin_ports import NOTE as WRITTEN
from fiberlb.cli import main
from fiberlb.commands.exits import REFUSED, UNREACHABLE
from fiberlb.commands.health import NOTE


class HealthTests(SynchronousTestCase):
    """Against something that answers like an admin API."""

    def setUp(self) -> None:
        """A state directory, whose process listens at a Unix socket."""
        # Short: the path of a Unix socket ends at 107 bytes.
        self.directory = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.directory)
        self.socket = socket.socket(socket.AF_UNIX)
        self.addCleanup(self.socket.close)
        self.socket.bind(str(self.directory / "s"))
        self.socket.listen()
        self.asked: list[bytes] = []
        self.note(f"unix:{self.directory}/s")

    def note(self, *addresses: str) -> None:
        """What the process has written down."""
        (self.directory / NOTE).write_text("".join(f"{one}\n" for one in addresses))

    def answer(self, data: bytes, sock: socket.socket | None = None) -> None:
        """Answer one request."""

        def once() -> None:
            with (sock or self.socket).accept()[0] as client:
                self.asked.append(client.recv(4096).split(b"\r\n")[0])
                client.sendall(data)

        threading.Thread(target=once, daemon=True).start()

    def run_command(self, *words: str, **environ: str) -> Result:
        """What the command says."""
        words = words or ("--state-directory", str(self.directory))
        return CliRunner(env=environ).invoke(main, ["health", *words])

    def test_well(self) -> None:
        """Ready, or at least alive; the directory is given, or found as the process finds it."""
        where = str(self.directory)
        self.answer(b"HTTP/1.1 200 OK\r\n\r\nx")
        found = self.run_command()
        self.assertEqual((found.exit_code, found.output), (0, "ready\n"))
        self.answer(b"HTTP/1.1 200 OK\r\n\r\n")
        found = self.run_command("--alive", STATE_DIRECTORY=where)
        self.assertEqual((found.exit_code, found.output), (0, "alive\n"))
        self.assertEqual(self.asked, [b"GET /readyz HTTP/1.0", b"GET /healthz HTTP/1.0"])

    def test_not_well(self) -> None:
        """What it answers is told."""
        self.answer(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        found = self.run_command()
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("/readyz: 503", found.output)

    def test_address(self) -> None:
        """An address in place of a directory; of several, the first at which somebody is."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        port = listening.getsockname()[1]
        for address in (f"127.0.0.1:{port}", f"http://127.0.0.1:{port}"):
            self.answer(b"HTTP/1.1 200 OK\r\n\r\n", listening)
            self.assertEqual(self.run_command("--admin", address).exit_code, 0)
        self.note(f"unix:{self.directory}/nobody", f"http://127.0.0.1:{port}")
        self.answer(b"HTTP/1.1 200 OK\r\n\r\n", listening)
        self.assertEqual(self.run_command().exit_code, 0)

    def test_file(self) -> None:
        """The configuration file says which state directory it is."""
        path = self.directory / "f.yaml"
        path.write_text(f"version: 1\nstate_directory: {self.directory}\n")
        self.answer(b"HTTP/1.1 200 OK\r\n\r\n")
        self.assertEqual(self.run_command("-c", str(path)).exit_code, 0)

    def test_unreachable(self) -> None:
        """Nobody has run, nobody runs, the API is off, another protocol."""
        self.assertEqual(self.run_command("--admin", "x").exit_code, UNREACHABLE)
        self.answer(b"220 hello\r\n")
        found = self.run_command()
        self.assertEqual(found.exit_code, UNREACHABLE)
        self.assertIn("that is no HTTP", found.output)
        self.note()
        self.assertIn("is off", self.run_command().output)
        (self.directory / NOTE).unlink()
        found = self.run_command()
        self.assertEqual(found.exit_code, UNREACHABLE)
        self.assertIn(f"{self.directory}: no process says", found.output)

    def test_silent(self) -> None:
        """One that does not answer is given up in time."""
        began = monotonic()
        found = self.run_command("--admin", f"unix:{self.directory}/s", "--timeout", "0.2")
        self.assertEqual(found.exit_code, UNREACHABLE)
        self.assertLess(monotonic() - began, 30)

    def test_same_file(self) -> None:
        """The process writes what this reads."""
        self.assertEqual(NOTE, WRITTEN)

    def test_light(self) -> None:
        """It imports nothing that takes long."""
        code = (
            "import sys; sys.argv = ['fiberlb', 'health', '--admin', 'unix:/nonexistent/s']\n"
            "from fiberlb.cli import main\n"
            "try: main()\n"
            "except SystemExit as end: assert end.code == 3, end\n"
            "heavy = {'twisted', 'cryptography', 'OpenSSL', 'yaml', 'http', 'asyncio', 'ssl'}\n"
            "print(sorted(heavy & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        )
        self.assertEqual(done.stdout, "[]\n")
