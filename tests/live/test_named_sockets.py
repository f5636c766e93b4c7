"""Unix sockets and inherited ones, as listeners and as members, through the whole process."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from tests.live.crew_case import CrewCase
from tests.live.processes import template
from tests.support.balancer import Balancer
from tests.support.clients import Answer, request
from tests.support.processes import environment
from tests.support.programs import Program, accepts, need, temporary_directory, venv_program

_SERVED = {"protocol": "http", "default_pool_id": "web"}
_HEAD = b"GET /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n"


def ask(where: str | int, extra: bytes = b"") -> bytes:
    """The whole answer of one request to a Unix socket or a port of loopback."""
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    with socket.socket(family) as client:
        client.settimeout(15)
        client.connect(where if isinstance(where, str) else ("127.0.0.1", where))
        client.sendall(_HEAD + extra + b"\r\n")
        found = b""
        while piece := client.recv(65536):
            found += piece
        return found


class Echo:
    """A member on a Unix socket that answers with the head of the request."""

    def __init__(self, path: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            with client:
                head = b""
                while b"\r\n\r\n" not in head and (piece := client.recv(65536)):
                    head += piece
                if head:
                    length = b"%d" % len(head)
                    client.sendall(
                        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
                        + length
                        + b"\r\n\r\n"
                        + head
                    )

    def close(self) -> None:
        """Listen no more."""
        if self.socket.fileno() >= 0:
            self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()


_TEXT = """
trusted_proxies: {trusted}
access_log: {{{{format: json, path: {log}}}}}
pools:
  - {{{{name: web, members: ["unix:{app} weight=2"], health_monitor: {{{{type: http}}}}}}}}
  - {{{{name: raw, protocol: tcp, members: ["unix:{app}"], health_monitor: {{{{type: tcp}}}}}}}}
listeners:
  - {{{{name: in, address: "unix:{web}", protocol: http, default_pool_id: web}}}}
  - {{{{name: raw, address: "unix:{tcp}", protocol: tcp, default_pool_id: raw}}}}
  - {{{{name: tcp, address: 127.0.0.1, port: {{port}}, protocol: http, default_pool_id: web}}}}
"""


class UnixCase(CrewCase):
    """A balancer with Unix sockets on either side."""

    workers = 0

    def setUp(self) -> None:
        """The member at its socket."""
        super().setUp()
        self.place = temporary_directory()
        self.app, self.web, self.tcp = (f"{self.place}/{name}" for name in ("app", "web", "tcp"))
        self.log = f"{self.place}/access.log"
        self.echo = Echo(self.app)
        self.addCleanup(self.echo.close)

    def run_it(self, trusted: str = "[]") -> Balancer:
        """Started, everything up."""
        names = {"app": self.app, "web": self.web, "tcp": self.tcp, "log": self.log}
        text = _TEXT.format(trusted=trusted, **names)
        return self.crew(text, workers=self.workers)


class UnixTests(UnixCase):
    """In one process."""

    def test_serves(self) -> None:
        """Requests and bytes come and go over Unix sockets; a client there has no address."""
        self.run_it()
        for _ in range(5):
            found = ask(self.web, b"X-Forwarded-For: 192.0.2.9\r\n")
            self.assertIn(b"200 OK", found)
            self.assertIn(b"Host: a.example\r\n", found)
            self.assertNotIn(b"X-Forwarded-For", found)
            self.assertNotIn(b"X-Forwarded-Port", found)
            self.assertIn(b"X-Forwarded-Proto: http\r\n", found)
        self.assertIn(b"200 OK", ask(self.tcp))
        self.assertIn(b"X-Forwarded-For: 127.0.0.1\r\n", ask(self.port))
        self.assertEqual(stat.S_IMODE(os.stat(self.web).st_mode), 0o666)
        states = {one["name"]: one for one in self.ask("/v1/status")["listeners"]}
        self.assertEqual(
            (states["in"]["address"], states["in"]["port"]), (f"unix:{self.web}", None)
        )
        self.program().wait_until(lambda: Path(self.log).read_text().count("\n") >= 7)
        lines = [json.loads(line) for line in Path(self.log).read_text().splitlines()]
        self.assertEqual({line["client"] for line in lines}, {"unix:", "127.0.0.1"})
        self.assertEqual(self.ask("/v1/status")["members"]["up"], 2)
        self.assertIn(f"Listening on unix:{self.web} (listener in, http)", self.balancer.output)
        self.balancer.stop()
        self.assertFalse(Path(self.web).exists() or Path(self.tcp).exists())

    def test_trusted(self) -> None:
        """A trusted proxy on the Unix socket is believed, and adds no address of its own."""
        self.run_it('["unix:"]')
        found = ask(self.web, b"X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-Port: 8443\r\n")
        self.assertIn(b"X-Forwarded-For: 192.0.2.9\r\n", found)
        self.assertIn(b"X-Forwarded-Port: 8443\r\n", found)
        self.program().wait_until(lambda: "192.0.2.9" in Path(self.log).read_text())

    def test_changes(self) -> None:
        """Through the API: a socket comes, moves between listeners and goes, with its file."""
        self.run_it()
        third = f"{self.place}/third"
        body = {"name": "n", "address": f"unix:{third}", **_SERVED}
        made = self.ask("/v1/listeners", "POST", body)
        self.assertIsNone(made["port"])
        self.assertIn(b"200 OK", ask(third))
        self.ask("/v1/listeners/n", "PATCH", {"allowed_cidrs": ["192.0.2.0/24"]})
        self.assertIn(b"403 Forbidden", ask(third))
        self.ask("/v1/listeners/n", "PATCH", {"allowed_cidrs": ["192.0.2.0/24", "unix:"]})
        self.assertIn(b"200 OK", ask(third))
        self.ask("/v1/listeners/n", "DELETE")
        self.program().wait_until(lambda: not Path(third).exists())

    def test_refused(self) -> None:
        """A live socket of somebody else, a file, a missing directory, and a port are refused."""
        self.run_it()
        Path(self.place, "file").write_text("precious")
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(f"{self.place}/stale")
        stale.close()
        for name, code in (
            ("app", "address_in_use"),
            ("file", "address_in_use"),
            ("no/where", "address_unavailable"),
        ):
            answer = self.post(f"unix:{self.place}/{name}")
            self.assertEqual((answer.status, json.loads(answer.body)["code"]), (409, code))
        answer = self.post("fd:77")
        self.assertEqual(
            (answer.status, json.loads(answer.body)["code"]), (409, "address_unavailable")
        )
        answer = self.post(f"unix:{self.place}/x", port=80)
        self.assertEqual(json.loads(answer.body)["errors"][0]["path"], "/port")
        self.assertEqual(Path(self.place, "file").read_text(), "precious")
        self.assertEqual(self.post(f"unix:{self.place}/stale").status, 201)
        self.assertIn(b"200 OK", ask(f"{self.place}/stale"))
        self.assertIn(b"200 OK", ask(self.web))

    def post(self, address: str, **more: object) -> Answer:
        """A listener at an address, through the API."""
        body = {"name": "p", "address": address, **_SERVED, **more}
        return request(
            self.balancer.admin,
            "/v1/listeners",
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )

    def test_member_gone(self) -> None:
        """A member whose socket is gone is told as down, with the reason."""
        self.run_it()
        self.echo.close()
        os.unlink(self.app)
        self.program().wait_until(lambda: self.ask("/v1/status")["members"]["down"] == 2)
        found = self.ask("/v1/pools/web/members")["items"][0]["status"]
        self.assertEqual(found["reason"], "there is no such socket")


class CrewUnixTests(UnixTests):
    """The same with workers, and what only they do."""

    workers = 2

    def test_shared(self) -> None:
        """Both workers accept from the one socket, and go on over their own replacement."""
        self.run_it()
        before = self.pids(self.balancer)
        self.ask("/v1/workers/restart", "POST")
        self.assertNotEqual(self.pids(self.balancer), before)
        for _ in range(20):
            self.assertIn(b"200 OK", ask(self.web))
        self.balancer.workers = 3
        names = {"app": self.app, "web": self.web, "tcp": self.tcp, "log": self.log}
        text = _TEXT.format(trusted="[]", **names).format(port=self.port)
        for count in (3, 1):
            self.balancer.workers = count
            self.balancer.write(text)
            self.balancer.reload()
            self.wait_for_workers(count)
            for _ in range(20):
                self.assertIn(b"200 OK", ask(self.web))

    def test_taken_over(self) -> None:
        """Control dies: the workers serve on at the socket, and the next one owns its file."""
        balancer = self.run_it()
        self.program().crash()
        self.assertIn(b"200 OK", ask(self.web))
        balancer.start(self.port)
        self.wait_for_workers(2)
        self.assertIn(b"200 OK", ask(self.web))
        balancer.stop()
        self.assertFalse(Path(self.web).exists())


#: A starter like systemd: a listening socket as descriptor 3, named in the environment.
_STARTER = """
import os, socket, sys
sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
sock.bind(("127.0.0.1", int(sys.argv[1])))
sock.listen(64)
os.dup2(sock.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="web")
os.execv(sys.argv[2], sys.argv[2:])
"""
_INHERITED = """
pools: [{{name: web, members: ["{member}"]}}]
listeners:
  - {{name: web, address: "fd:web", protocol: http, default_pool_id: web}}
"""


class InheritedTests(CrewCase):
    """A socket of the starter, in one process."""

    workers = 0

    def run_it(self, starter: Sequence[str] = (), program: Sequence[str] = ()) -> None:
        """
        Started like systemd does.

        @param starter: listens, and starts what follows it.
        @param program: how FiberLB is started, up to its options.
        """
        text = _INHERITED.format(member=self.member.address)
        self.balancer = balancer = Balancer(text, workers=self.workers)
        self.addCleanup(self.end)
        twistd = [venv_program("twistd"), "-n", "--pidfile=", "fiberlb"]
        command = [
            *(starter or [sys.executable, "-c", _STARTER, str(self.port)]),
            *(program or [sys.executable, *twistd]),
            "-c",
            str(balancer.path),
        ]
        balancer.program = Program(command, cwd=balancer.directory, env=dict(os.environ))
        balancer.wait_for_ports(balancer.admin)
        self.wait_for_workers(self.workers)

    def test_serves(self) -> None:
        """It is served under its name and under its number, and told with its real port."""
        self.run_it()
        self.good()
        (state,) = self.ask("/v1/status")["listeners"]
        self.assertEqual((state["address"], state["port"]), ("fd:web", self.port))
        self.assertIn(f"Listening on fd:web (port {self.port})", self.balancer.output)
        self.balancer.write(_INHERITED.format(member=self.member.address).replace(':web"', ':3"'))
        self.balancer.reload()
        self.program().wait_until(
            lambda: [one["address"] for one in self.ask("/v1/status")["listeners"]] == ["fd:3"]
        )
        self.good()

    def test_systemd(self) -> None:
        """The same from systemd's own starter, by C{fiberlb run}, which a unit file has."""
        activate = need("systemd-socket-activate")
        where = f"--listen=127.0.0.1:{self.port}"
        knocking = threading.Thread(target=self.knock, daemon=True)
        knocking.start()
        self.run_it([activate, where, "--fdname=web"], [venv_program("fiberlb"), "run"])
        self.good()
        knocking.join()

    def knock(self) -> None:
        """The first connection, for which the program is started; it is answered like others."""
        until = monotonic() + 60
        while monotonic() < until and not accepts(self.port):
            pass


class CrewInheritedTests(InheritedTests):
    """The same with workers, and over an upgrade."""

    workers = 2

    def test_upgrade(self) -> None:
        """The socket outlives SIGUSR2, and workers that are replaced."""
        self.run_it()
        before = self.pids(self.balancer)
        self.program().signal(signal.SIGUSR2)
        self.program().wait_until(lambda: not set(before) & set(self.pids(self.balancer)))
        self.good()
        self.wait_for_workers(2)
        self.ask("/v1/workers/restart", "POST")
        for _ in range(10):
            self.good()

    def test_told_alone(self) -> None:
        """No other process is told of the socket, be it from before or after an upgrade."""
        self.run_it()
        self.check_alone()
        # A refused one, and a template that is made after it.
        good = self.balancer.path.read_text()
        self.balancer.path.write_text("nonsense: 1")
        self.program().signal(signal.SIGUSR2)
        self.program().wait_for_line("No upgrade")
        self.balancer.path.write_text(good)
        self.renew()
        self.check_alone()
        self.program().signal(signal.SIGUSR2)
        self.program().wait_for_line("workers of an earlier process are taken over")
        self.balancer.wait_for_ports(self.balancer.admin)
        self.wait_for_workers(2)
        self.check_alone()
        self.renew()
        self.check_alone()
        self.good()

    def renew(self) -> None:
        """The template dies; another one, and workers from it."""
        before = self.pids(self.balancer)
        os.kill(template(self.program().pid), signal.SIGKILL)
        self.program().wait_until(lambda: not set(before) & set(self.pids(self.balancer)))
        self.wait_for_workers(2)

    def check_alone(self) -> None:
        """Template and workers know nothing of it."""
        found = [line for pid in self.pids(self.balancer) for line in environment(pid)]
        found += environment(template(self.program().pid))
        self.assertEqual([line for line in found if line.startswith("LISTEN_")], [])
