"""The first commands that somebody tries: C{--from}, C{--to}, and a file with nothing special."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.workers.system import processors
from tests.support.clients import RawClient, request
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import Program, accepts, temporary_directory, venv_program


class FirstCase(SynchronousTestCase):
    """Two members, and a home for who tries."""

    def setUp(self) -> None:
        """The members serve."""
        self.members = [Member(name).start() for name in "ab"]
        for member in self.members:
            self.addCleanup(member.stop)
        self.home = temporary_directory()
        self.port = free_port()

    def run_it(self, *words: str, run: bool = False) -> Program:
        """C{twistd -n fiberlb} or C{fiberlb run} with these words."""
        command = [venv_program("fiberlb"), "run"]
        if not run:
            command = [venv_program("twistd"), "-n", "--pidfile=", "fiberlb"]
        environment = {"PATH": os.environ["PATH"], "HOME": self.home}
        program = Program([*command, *words], cwd=self.home, env=environment)
        self.addCleanup(program.stop)
        return program

    def words(self, port: int) -> list[str]:
        """Before both members."""
        found = ["--from", f"127.0.0.1:{port}"]
        for member in self.members:
            found += ["--to", member.address]
        return found

    def admin(self, program: Program) -> int:
        """The port of the admin API, as the first lines say it."""
        line = program.wait_for_line("Admin API on http://127.0.0.1:")
        found = re.search(r"127\.0\.0\.1:([0-9]+)", line)
        assert found is not None
        return int(found[1])

    def ask(self, port: int, target: str, body: Any = None) -> Any:
        """The admin API's answer."""
        headers = {} if body is None else {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        method = "GET" if body is None else "POST"
        answer = request(port, target, method=method, headers=headers, body=data)
        self.assertLess(answer.status, 300, answer.text)
        return json.loads(answer.body)


class WithoutFileTests(FirstCase):
    """C{--from} and C{--to}."""

    def test_serves(self) -> None:
        """A worker for each processor, both members checked and used, nothing on disk."""
        program = self.run_it(*self.words(self.port))
        program.wait_for_line("2 of 2 members up")
        count = processors()
        program.wait_for_line(f"{count} of {count} worker processes serve")
        self.assertEqual(
            {request(self.port, "/").text for _ in range(8)}, {"member a\n", "member b\n"}
        )
        admin = self.admin(program)
        self.assertIn(admin, range(9876, 9976))
        self.assertEqual(self.ask(admin, "/v1/status")["workers"]["serving"], count)
        (monitor,) = [pool["health_monitor"] for pool in self.ask(admin, "/v1/pools")["items"]]
        self.assertEqual(monitor["type"], "tcp")
        self.assertEqual(program.stop(), -signal.SIGTERM)
        self.assertEqual(list(Path(self.home).rglob("*")), [])

    def test_two(self) -> None:
        """A second one takes the next port for its admin API, by the other command as well."""
        first = self.run_it(*self.words(self.port))
        taken = self.admin(first)
        other = free_port()
        second = self.run_it(*self.words(other), run=True)
        self.assertNotEqual(self.admin(second), taken)
        for port in (self.port, other):
            self.assertEqual(request(port, "/").status, 200)

    def test_limit(self) -> None:
        """A limit of connections that the API sets holds over all workers, without a file."""
        program = self.run_it(*self.words(self.port))
        admin, port = self.admin(program), free_port()
        body = {"name": "l", "address": "127.0.0.1", "port": port, "protocol": "http"}
        self.ask(
            admin, "/v1/listeners", {**body, "default_pool_id": "members", "connection_limit": 3}
        )
        clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
        for client in clients:
            self.addCleanup(client.close)

        def opened() -> int:
            states = self.ask(admin, "/v1/status")["listeners"]
            found: int = next(one["connections"] for one in states if one["name"] == "l")
            return found

        program.wait_until(lambda: opened() == 3)

    def test_killed(self) -> None:
        """Nobody can take the workers over: they let go of the port, and finish what runs."""
        program = self.run_it(*self.words(self.port))
        self.admin(program)
        client = RawClient(self.port)
        self.addCleanup(client.close)
        client.send(b"GET /late/2 HTTP/1.1\r\nHost: x\r\n\r\n")
        program.crash()
        self.assertIn(b"200 OK", client.read_until(b"0\r\n\r\n"))
        again = self.run_it(*self.words(self.port))
        again.wait_until(lambda: accepts(self.port))
        again.wait_for_line("2 of 2 members up")

    def test_refused(self) -> None:
        """What is wrong is told as for a file: all of it, as it was given; exit code 1."""
        for words, told in (
            (
                ["--from", ":1", "--to", "local_host:80", "--to", "::1"],
                "--to ::1: '::1' is not of the form HOST:PORT",
            ),
            (["-c", "f.yaml", "--from", ":1", "--to", "127.0.0.1:1"], "--config goes without"),
            (["--from", "127.0.0.1:1", "--too", "127.0.0.1:1"], "did you mean '--to'"),
        ):
            program = self.run_it(*words)
            program.wait_for_line(re.escape(told))
            self.assertEqual(program.wait(), 1)

    def test_port_taken(self) -> None:
        """A port that another program has."""
        taken = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(taken.close)
        program = self.run_it(*self.words(self.port))
        program.wait_for_line(f"fiberlb: .*127.0.0.1:{self.port} is in use by another program")
        self.assertEqual(program.wait(), 1)

    def test_upgrade(self) -> None:
        """Nothing is kept that another image could go on with: it is refused, all goes on."""
        program = self.run_it(*self.words(self.port))
        self.admin(program)
        program.wait_for_line("members up")
        program.signal(signal.SIGUSR2)
        program.wait_for_line("No upgrade: with --from an upgrade is a restart")
        self.assertEqual(request(self.port, "/").status, 200)


class FileTests(FirstCase):
    """C{-c} with a file that says nothing of workers."""

    def test_serves(self) -> None:
        """A worker for each processor, on the lean reactor though twistd has taken another."""
        path = Path(self.home, "f.yaml")
        path.write_text(
            f"version: 1\nadmin: {{listen: '127.0.0.1:{free_port()}'}}\n"
            f"pools: [{{name: web, members: ['{self.members[0].address}']}}]\n"
            f"listeners: [{{name: web, address: 127.0.0.1, port: {self.port}, protocol: http,"
            " default_pool_id: web}]\n"
        )
        program = self.run_it("-c", str(path))
        count = processors()
        program.wait_for_line("EPollReactor")
        program.wait_for_line(f"{count} of {count} worker processes serve")
        self.assertEqual(request(self.port, "/").text, "member a\n")
        self.assertEqual(self.ask(self.admin(program), "/v1/status")["workers"]["wanted"], count)
