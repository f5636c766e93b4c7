"""Tests for the benchmarks' own programs: uploads, and the server that takes them."""

from __future__ import annotations

import http.client
import sys
from hashlib import sha256
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from benchmarks.load import Uploads
from benchmarks.machine import Cores
from tests.support.ports import free_port
from tests.support.programs import Program, accepts, temporary_directory
from tests.support.sources import ROOT


class UploadTests(SynchronousTestCase):
    """Bytes are counted where they arrive."""

    def setUp(self) -> None:
        self.port = free_port()
        folder = temporary_directory()
        script = str(ROOT / "benchmarks" / "sink.py")
        program = Program([sys.executable, "-P", script, str(self.port)], cwd=folder)
        self.addCleanup(program.stop)
        program.wait_until(lambda: accepts(self.port))
        self.folder = Path(folder)

    def test_counted(self) -> None:
        """Every upload is answered with its size, and adds to the result."""
        load = Uploads(300_000, 3)
        found = load.run(f"http://127.0.0.1:{self.port}", 0.1, Cores.split(), self.folder)
        self.assertEqual((found.errors, found.trouble), (0, ""))
        self.assertGreaterEqual(found.requests, 3)
        self.assertEqual(found.bytes, found.requests * 300_000)

    def test_refused(self) -> None:
        """Where nothing listens, each connection is an error and the program ends at once."""
        load = Uploads(1000, 2)
        found = load.run(f"http://127.0.0.1:{free_port()}", 5, Cores.split(), self.folder)
        self.assertEqual((found.requests, found.errors), (0, 2))
        self.assertIn("ConnectionRefusedError", found.trouble)

    def test_digest(self) -> None:
        """The server tells the digest of what it got, when asked, request after request."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        self.addCleanup(client.close)
        for body in (b"", b"a" * 700_000):
            client.request("POST", "/digest", body)
            said = client.getresponse().read().decode()
            self.assertEqual(said, sha256(body).hexdigest())
