"""Changes as people make them: planned, applied, confirmed or not, undone; with traffic."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from tests.live.processes import wait_for
from tests.live.test_api import ApiCase
from tests.support.clients import request
from tests.support.ports import free_port
from tests.support.programs import PATIENCE, venv_program

_SITE = """
pools: [{{name: web, members: [{members}]}}]
listeners: [{{name: site, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}]
"""


class ChangesCase(ApiCase):
    """A process with two workers, and the command."""

    WORKERS = 2

    def setUp(self) -> None:
        """Start it."""
        super().setUp()
        self.balancer.stop()
        self.balancer.workers = self.WORKERS
        self.balancer.write(self.file())
        self.balancer.start(self.port)
        self.site = free_port()

    def command(self, *words: str) -> tuple[int, str]:
        """What C{fiberlb} says."""
        url = f"http://127.0.0.1:{self.balancer.admin}"
        done = subprocess.run(
            [venv_program("fiberlb"), *words, "--url", url],
            capture_output=True,
            text=True,
            timeout=4 * PATIENCE,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return done.returncode, done.stdout + done.stderr

    def written(self, *members: str) -> str:
        """The path of a file whose pool has these members."""
        path = Path(self.balancer.directory, "site.yaml")
        several = ", ".join(f'"{member}"' for member in members)
        path.write_text(_SITE.format(members=several, port=self.site))
        return str(path)

    def served(self) -> set[str]:
        """Who answers."""
        return {request(self.site).headers["x-member"] for _ in range(4)}

    def revision(self) -> int:
        """In force."""
        found: int = self.done("GET", "/v1/status")["revision"]
        return found


class ChangesTests(ChangesCase):
    """A life with a file."""

    def test_life(self) -> None:
        """Planned, applied, provisionally changed and rolled back, while requests go on."""
        both = self.written(self.one.address, self.two.address)
        self.assertEqual(self.command("plan", "-c", both)[0], 2)
        code, said = self.command("apply", "-c", both, "--yes", "--reason", "first")
        self.assertEqual(code, 0, said)
        self.assertEqual(self.command("plan", "-c", both)[0], 0)
        self.assertEqual(self.served(), {"one", "two"})
        failed: list[str] = []
        over = threading.Event()
        traffic = threading.Thread(target=self.requests, args=(over, failed))
        traffic.start()
        try:
            single = self.written(self.two.address)
            code, said = self.command("apply", "-c", single, "--yes", "--confirm", "2s")
            self.assertEqual(code, 0, said)
            wait_for(lambda: self.revision() == 3)
            self.assertEqual(self.served(), {"one", "two"})
            self.command("apply", "-c", single, "--yes", "--confirm", "1h")
            self.assertEqual(self.command("confirm")[0], 0)
            self.assertEqual(self.served(), {"two"})
            code, said = self.command("rollback", "1", "--yes", "--reason", "back")
            self.assertEqual(code, 0, said)
            self.assertEqual(self.served(), {"one", "two"})
        finally:
            over.set()
            traffic.join()
        self.assertEqual(failed, [])
        self.assertIn("revision 2 was not confirmed", self.command("history")[1])

    def requests(self, over: threading.Event, failed: list[str]) -> None:
        """One request after the other, each of which must succeed."""
        while not over.wait(0.01):
            try:
                found = request(self.site)
            except OSError as why:
                failed.append(str(why))
                return
            if found.status != 200:
                failed.append(found.text)

    def test_killed(self) -> None:
        """What waits is carried out by the next process."""
        both = self.written(self.one.address, self.two.address)
        self.command("apply", "-c", both, "--yes")
        single = self.written(self.one.address)
        code, said = self.command("apply", "-c", single, "--yes", "--confirm", "4s")
        self.assertEqual(code, 0, said)
        assert self.balancer.program is not None
        self.balancer.program.crash()
        self.balancer.start(self.port)
        wait_for(lambda: self.revision() == 3)
        self.assertEqual(self.served(), {"one", "two"})
