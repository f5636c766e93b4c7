"""Certificates that change while clients come: by the API, by their files, by new keys at rest."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.live.crew_case import CrewCase
from tests.support.balancer import Balancer
from tests.support.certificates import Leaf, authority, leaf
from tests.support.clients import PATIENCE, request
from tests.support.programs import temporary_directory

#: How often the certificate is changed under load.
SWAPS = int(os.environ.get("FIBERLB_SWAPS", "120"))
#: After so many changes memory has what it needs; from then on it must not grow.
WARM = SWAPS // 3
#: MiB that a process may grow after that: one certificate kept for each change would be more.
GROWTH = 6

_STORED = """
pools: [{{name: web, members: ["{member}"]}}]
"""
_FILE = """
certificates:
  - {{{{name: main, certificate: "file:{path}/tls.crt", private_key: "file:{path}/tls.key"}}}}
pools: [{{{{name: web, members: ["{{member}}"]}}}}]
listeners:
  - {{{{name: web, address: 127.0.0.1, port: {{port}}, protocol: terminated_https,
      default_pool_id: web, tls_config: {{{{certificate_id: main}}}}}}}}
"""


def body(one: Leaf) -> dict[str, str]:
    """A certificate for the API."""
    return {"name": "main", "certificate": one.chain, "private_key": one.key_pem()}


class ChangeCase(CrewCase):
    """A FiberLB with one https listener."""

    def context(self) -> ssl.SSLContext:
        """A client that verifies, and has no sessions to resume."""
        return ssl.create_default_context(cadata=authority().pem)

    def connect(self) -> ssl.SSLSocket:
        """A handshake."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return self.context().wrap_socket(plain, server_hostname="main.test")

    def shown(self) -> bytes:
        """The certificate that the next handshake gets."""
        with self.connect() as secure:
            return secure.getpeercert(binary_form=True) or b""

    def is_shown(self, one: Leaf) -> bool:
        """Whether every worker shows a certificate: asked often enough to meet them all."""
        expected = ssl.PEM_cert_to_DER_cert(one.pem)
        return all(self.shown() == expected for _ in range(8))

    def hammering(self, stop: threading.Event, threads: ThreadPoolExecutor) -> list[Future[int]]:
        """Handshakes without a pause, each with a request; how many there were, if none failed."""
        context = self.context()

        def hammer() -> int:
            count = 0
            while not stop.is_set():
                plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
                with context.wrap_socket(plain, server_hostname="main.test") as secure:
                    self.served(secure)
                count += 1
            return count

        return [threads.submit(hammer) for _ in range(2)]

    def served(self, secure: ssl.SSLSocket) -> None:
        """One that is answered by the member."""
        secure.sendall(b"GET / HTTP/1.1\r\nHost: main.test\r\n\r\n")
        data = b""
        while b"member a\n" not in data:
            data += secure.recv(65536) or self.fail(f"cut off after {data!r}")

    def stored(self, workers: int) -> None:
        """Certificate and listener in the store."""
        text = _STORED.format(member=self.member.address)
        self.balancer = Balancer(text, workers=workers)
        self.addCleanup(self.end)
        self.balancer.start()
        self.wait_for_workers(workers)
        self.ask("/v1/certificates", "POST", body(leaf("main.test", serial=1)))
        listener = {
            "name": "web",
            "address": "127.0.0.1",
            "port": self.port,
            "protocol": "https",
            "default_pool_id": "web",
            "tls_config": {"certificate_id": "main"},
        }
        self.ask("/v1/listeners", "POST", listener)


class SwapTests(ChangeCase):
    """Changes through the API."""

    def resident(self) -> list[float]:
        """MiB of every process, control first."""
        found = []
        for pid in (self.program().pid, *self.pids(self.balancer)):
            status = Path(f"/proc/{pid}/status").read_text()
            match = re.search(r"VmRSS:\s+(\d+)", status)
            assert match is not None
            found.append(int(match[1]) / 1024)
        return found

    def swap(self, workers: int, swaps: int, warm: int) -> None:
        """Many changes under load: no handshake fails, an old connection lives, memory is flat."""
        self.stored(workers)
        choice = [body(leaf("main.test", serial=number)) for number in range(4)]
        old = self.connect()
        self.served(old)
        stop = threading.Event()
        warmed: list[float] = []
        with ThreadPoolExecutor(2) as threads:
            running = self.hammering(stop, threads)
            try:
                for number in range(swaps):
                    if number == warm:
                        warmed = self.resident()
                    if number % 50 == 0:
                        self.served(old)  # within the time that it may be idle
                    self.ask("/v1/certificates/main", "PUT", choice[number % 4])
                    if any(each.done() for each in running):
                        break
            finally:
                stop.set()
            self.assertGreater(min(each.result() for each in running), swaps // 30)
        self.served(old)
        last = ssl.PEM_cert_to_DER_cert(choice[(swaps - 1) % 4]["certificate"])
        self.assertTrue(all(self.shown() == last for _ in range(8)))
        grown = [now - then for now, then in zip(self.resident(), warmed, strict=True)]
        self.assertLess(max(grown), GROWTH, grown)

    def test_workers(self) -> None:
        """With two workers."""
        self.swap(2, SWAPS, WARM)

    def test_one_process(self) -> None:
        """In one process."""
        self.swap(0, SWAPS // 3, WARM // 3)


class FileTests(ChangeCase):
    """Changes of the files that the configuration names, by those who renew certificates."""

    def start(self, workers: int) -> Path:
        """Files as Kubernetes mounts them: links to links; their directory."""
        directory = Path(temporary_directory())
        self.mount(directory, "v0", leaf("main.test", serial=0))
        for name in ("tls.crt", "tls.key"):
            (directory / name).symlink_to(f"data/{name}")
        self.crew(_FILE.format(path=directory), workers=workers)
        return directory

    def mount(self, directory: Path, version: str, one: Leaf) -> None:
        """Turn the link to a new directory with this certificate."""
        (directory / version).mkdir()
        (directory / version / "tls.crt").write_text(one.chain)
        (directory / version / "tls.key").write_text(one.key_pem())
        (directory / "turning").symlink_to(version)
        os.replace(directory / "turning", directory / "data")

    def changes(self, workers: int) -> None:
        """Links that turn, and files written one after the other, under load."""
        directory = self.start(workers)
        stop = threading.Event()
        with ThreadPoolExecutor(2) as threads:
            running = self.hammering(stop, threads)
            try:
                turned = leaf("main.test", serial=1)
                self.mount(directory, "v1", turned)
                self.program().wait_until(lambda: self.is_shown(turned))
                written = leaf("main.test", serial=2)
                (directory / "v1" / "tls.crt").write_text(written.chain)
                (directory / "v1" / "tls.key").write_text(written.key_pem())
                self.program().wait_until(lambda: self.is_shown(written))
            finally:
                stop.set()
            self.assertGreater(min(each.result() for each in running), 0)
        self.assertEqual(self.ask("/v1/status")["file_generation"], 3)
        (directory / "v1" / "tls.key").write_text("nonsense")
        problem = "the files of certificate 'main' are refused"
        self.program().wait_until(lambda: problem in str(self.ask("/v1/status")["problems"]))
        self.assertTrue(self.is_shown(written))
        self.assertNotIn("nonsense", self.balancer.output)

    def test_workers(self) -> None:
        """With two workers."""
        self.changes(2)

    def test_one_process(self) -> None:
        """In one process."""
        self.changes(0)


class KeyTests(ChangeCase):
    """Key-encryption keys that are exchanged."""

    def test_rotation(self) -> None:
        """Rotated and pruned under load; what is served stays, also over a restart."""
        self.stored(2)
        stop = threading.Event()
        with ThreadPoolExecutor(2) as threads:
            running = self.hammering(stop, threads)
            try:
                first = self.command("rotate")
                self.ask("/v1/certificates/main", "PUT", body(leaf("main.test", serial=5)))
                second = self.command("rotate")
                pruned = self.command("prune")
            finally:
                stop.set()
            self.assertGreater(min(each.result() for each in running), 0)
        # The history has keys too: of the making one, of the change those before and after it.
        self.assertEqual([first["resealed"], second["resealed"]], [1 + 1, 1 + 1 + 2])
        self.assertEqual(len(pruned["removed"]), 2)
        lines = Path(self.balancer.directory, "state", "key").read_text().splitlines()
        self.assertEqual(len(lines), 1)
        entry = self.ask("/v1/revisions?limit=1")["items"][0]
        self.assertEqual({change["op"] for change in entry["changes"]}, {"prune"})
        self.balancer.stop()
        self.balancer.start(self.port)
        self.assertTrue(self.is_shown(leaf("main.test", serial=5)))

    def command(self, word: str) -> Any:
        """What a change of the keys comes to."""
        headers = {"Content-Type": "application/json"}
        answer = request(self.balancer.admin, f"/v1/keys/{word}", method="POST", headers=headers)
        self.assertEqual(answer.status, 200, answer.text)
        return json.loads(answer.body)

    def test_killed(self) -> None:
        """Killed at any moment of a rotation, everything stored can be read afterwards."""
        self.stored(0)
        key = Path(self.balancer.directory, "state", "key")
        for attempt in range(5):
            before = len(key.read_text().splitlines())

            def rotate() -> None:
                with contextlib.suppress(Exception):
                    self.command("rotate")

            thread = threading.Thread(target=rotate)
            # From before the request to after its answer.
            timer = threading.Timer(0.004 * attempt, self.kill)
            thread.start()
            timer.start()
            thread.join()
            timer.join()
            self.balancer.start(self.port)
            self.assertIn(len(key.read_text().splitlines()), (before, before + 1))
            self.assertTrue(self.is_shown(leaf("main.test", serial=1)))
        items = self.ask("/v1/keys")["items"]
        self.assertTrue(all(item["present"] for item in items))

    def kill(self) -> None:
        """No goodbye."""
        os.kill(self.program().pid, signal.SIGKILL)
        self.program().process.wait()
