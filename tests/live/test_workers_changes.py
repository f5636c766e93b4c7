"""Many changes while connections stay open: none of them is closed, nothing piles up."""

from __future__ import annotations

import json
import random
import signal
import socket
import threading
from pathlib import Path

from tests.live.crew_case import CrewCase
from tests.support.clients import RawClient, request
from tests.support.load import Load
from tests.support.ports import free_port

_TEXT = """
pools:
  - {{name: web, members: ["{member}"]}}
  - {{name: raw, protocol: tcp, members: ["127.0.0.1:{{echo}}"]}}
listeners:
  - {{name: web, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}
  - {{name: raw, address: 127.0.0.1, port: {{raw}}, protocol: tcp, default_pool_id: raw}}
"""
_SIZE = 16777216


class Echo:
    """Sends back what comes, for tunnels."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._back, args=(sock,), daemon=True).start()

    def _back(self, sock: socket.socket) -> None:
        with sock:
            while data := sock.recv(65536):
                sock.sendall(data)


class ChangeTests(CrewCase):
    """A crew with tunnels through it."""

    def start(self) -> None:
        """Twelve tunnels, and two downloads that are read slowly."""
        echo = Echo()
        self.addCleanup(echo.listening.close)
        self.raw = free_port()
        text = _TEXT.replace("{{echo}}", str(echo.port)).replace("{{raw}}", str(self.raw))
        self.crew(text)
        self.tunnels = [RawClient(self.raw) for _ in range(12)]
        self.downloads = [RawClient(self.port) for _ in range(2)]
        for client in (*self.tunnels, *self.downloads):
            self.addCleanup(client.close)
        for client in self.downloads:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            client.send(f"GET /bytes/{_SIZE} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            client.read_until(b"\r\n\r\n")
        self.ping()

    def ping(self) -> None:
        """Every tunnel takes a word there and back."""
        for number, client in enumerate(self.tunnels):
            client.send(b"word %d\n" % number)
        for number, client in enumerate(self.tunnels):
            self.assertEqual(client.read_until(b"\n"), b"word %d\n" % number)

    def finish(self) -> None:
        """The downloads come to their ends."""
        for client in self.downloads:
            self.assertEqual(len(client.read(_SIZE)), _SIZE)

    def descriptors(self) -> list[int]:
        """How many files each worker has open, and control."""
        pids = [self.program().pid, *self.pids(self.balancer)]
        return [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids]

    def change(self, chance: random.Random, number: int) -> None:
        """One write by chance, which every worker serves when it is answered."""
        choice = chance.randrange(4)
        if choice == 0 or not self.made:
            port = free_port()
            body = {"name": f"n{number}", "port": port, "protocol": "http", "address": "127.0.0.1"}
            body["default_pool_id"] = "web"
            self.made.append(self.ask("/v1/listeners", "POST", body)["id"])
            self.assertEqual(request(port, "/").text, "member a\n")
        elif choice == 1:
            self.ask(f"/v1/listeners/{self.made.pop()}", "DELETE")
        elif choice == 2:
            body = {"name": f"p{number}", "members": [{"address": "192.0.2.1", "port": 80}]}
            self.ask("/v1/pools", "POST", body)
        else:
            body = {"timeouts": {"keep_alive": f"{chance.randrange(5, 90)}s"}}
            self.ask(f"/v1/listeners/{self.made[0]}", "PATCH", body)

    def test_changes(self) -> None:
        """200 changes by chance: tunnels and downloads live, descriptors are given back."""
        self.start()
        chance = random.Random(8)
        self.made: list[str] = []
        before = self.descriptors()
        memory = self.memory()
        for number in range(200):
            self.change(chance, number)
        while self.made:
            self.ask(f"/v1/listeners/{self.made.pop()}", "DELETE")
        self.ping()
        self.finish()
        # A connection or two of the requests made here may not have ended yet.
        self.program().wait_until(
            lambda: all(b >= a - 6 for a, b in zip(self.descriptors(), before, strict=True))
        )
        grown = [after - early for early, after in zip(memory, self.memory(), strict=True)]
        self.assertLess(max(grown), 30_000, f"KiB: {grown}")

    def memory(self) -> list[int]:
        """KiB that each worker keeps resident."""
        found = []
        for pid in self.pids(self.balancer):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            (line,) = [line for line in lines if line.startswith("VmRSS")]
            found.append(int(line.split()[1]))
        return found

    def test_restart(self) -> None:
        """Tunnels and downloads of workers that were replaced go on, beside those of new ones."""
        self.start()
        before = self.pids(self.balancer)
        for _ in range(2):
            self.ask("/v1/workers/restart", "POST")
        self.ping()
        self.assertTrue(set(before) <= set(self.pids(self.balancer)))
        self.finish()
        for client in (*self.tunnels, *self.downloads):
            client.close()
        self.program().wait_until(lambda: not set(before) & set(self.pids(self.balancer)))

    def test_figures(self) -> None:
        """Connections are told as a sum over the workers; what a dead one counted stays."""
        self.start()
        target = "/v1/pools/raw/members/127.0.0.1:" + str(self.ask_member())
        self.program().wait_until(
            lambda: self.ask(target)["status"]["sessions"] == len(self.tunnels)
        )

    def ask_member(self) -> int:
        """The port of the tunnels' member."""
        (member,) = self.ask("/v1/pools/raw/members")["items"]
        return int(member["port"])

    def test_health(self) -> None:
        """A member that goes down is left out by every worker."""
        text = """
pools:
  - name: web
    members: ["{member}", "127.0.0.1:%d"]
    health_monitor: {{type: tcp, interval: 200ms, timeout: 100ms, rise: 1, fall: 1}}
    retries: {{attempts: 0}}
listeners:
  - {{name: web, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}
"""
        echo = socket.create_server(("127.0.0.1", 0))
        self.crew(text % echo.getsockname()[1])
        echo.close()
        self.program().wait_for_line("is down")
        # The workers hear of it a moment after the log.
        self.program().wait_until(
            lambda: {request(self.port, "/").status for _ in range(16)} == {200}
        )
        for _ in range(30):
            self.good()


class LogTests(CrewCase):
    """One access log from many."""

    def test_lines(self) -> None:
        """Whole lines, one for each request, also over a rotation."""
        text = (
            "access_log: {{format: json, path: access.log}}\n"
            'pools: [{{name: web, members: ["{member}"]}}]\n'
            "listeners:\n  - {{name: web, address: 127.0.0.1, port: {port}, protocol: http,"
            " default_pool_id: web}}\n"
        )
        self.crew(text)
        path = Path(self.balancer.directory, "access.log")
        load = Load(self.port, 1)
        first = load.result().requests
        path.rename(path.with_suffix(".1"))
        self.program().signal(signal.SIGUSR1)
        self.program().wait_until(path.exists)
        second = Load(self.port, 1).result().requests

        def counted() -> bool:
            lines = [
                json.loads(line)
                for name in (path, path.with_suffix(".1"))
                for line in name.read_text().splitlines()
            ]
            return len(lines) >= first + second

        self.program().wait_until(counted)
