"""The process as a whole: how it starts, is refused, reloads and ends."""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.clients import RawClient, request
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import Program, accepts, venv_program

_ONE = """
pools: [{{name: web, members: ["{member}"]}}]
listeners: [{{name: web, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}]
"""


class NodeCase(SynchronousTestCase):
    """One member and one FiberLB."""

    def setUp(self) -> None:
        """A member; the balancer is the test's."""
        self.member = Member("a").start()
        self.addCleanup(self.member.stop)
        self.port = free_port()

    def balancer(self, configuration: str, **options: Any) -> Balancer:
        """A balancer that ends with the test."""
        found = Balancer(configuration, **options)
        self.addCleanup(found.stop)
        return found

    def one(self, **options: str) -> Balancer:
        """A balancer before the member."""
        text = _ONE.format(member=self.member.address, port=self.port)
        return self.balancer(text, **options).start(self.port)


class StartTests(NodeCase):
    """The first lines, and the refusals."""

    def test_lines(self) -> None:
        """What listens, the admin API, the members and the access log are told."""
        balancer = self.one()
        assert balancer.program is not None
        balancer.program.wait_for_line(rf"Listening on 127.0.0.1:{self.port} \(listener web, http")
        balancer.program.wait_for_line(rf"Admin API on http://127.0.0.1:{balancer.admin}")
        balancer.program.wait_for_line("1 of 1 members up")
        balancer.program.wait_for_line("access log is off")

    def test_both_reactors(self) -> None:
        """The same on the lean reactor and on the stock one."""
        for reactor in ("fiberlb", "epoll", "poll", "asyncio"):
            with self.subTest(reactor):
                balancer = self.one(reactor=reactor)
                for _ in range(3):
                    self.assertEqual(request(self.port, "/").status, 200)
                balancer.stop()

    def test_run(self) -> None:
        """C{fiberlb run} is the same command on the lean reactor."""
        balancer = self.balancer(_ONE.format(member=self.member.address, port=self.port))
        program = Program(
            [venv_program("fiberlb"), "run", "-c", str(balancer.path)], cwd=balancer.directory
        )
        self.addCleanup(program.stop)
        program.wait_for_line("LeanReactor")
        program.wait_until(lambda: accepts(self.port))
        self.assertEqual(request(self.port, "/").status, 200)

    def test_port_taken(self) -> None:
        """An occupied port: a clear error, exit code 1, and none of the other ports half open."""
        other = free_port()
        taken = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(taken.close)
        balancer = self.balancer(
            f"""
listeners:
  - {{name: first, address: 127.0.0.1, port: {other}, protocol: tcp}}
  - {{name: second, address: 127.0.0.1, port: {self.port}, protocol: tcp}}
"""
        )
        program = balancer.spawn("-c", str(balancer.path))
        self.assertEqual(program.wait(), 1)
        self.assertIn(f"127.0.0.1:{self.port} is in use", program.output)
        self.assertFalse(accepts(other))

    def test_bad_file(self) -> None:
        """A bad file: every problem with its place, exit code 1."""
        balancer = self.balancer("listeners: [{name: x, prot: 1}]\npools: [{nam: y}]\n")
        program = balancer.spawn("-c", str(balancer.path))
        self.assertEqual(program.wait(), 1)
        self.assertIn("did you mean", program.output)
        self.assertIn("fiberlb.yaml:7:", program.output)

    def test_missing_pool(self) -> None:
        """A policy naming a pool that is not there: refused with the place and a guess."""
        balancer = self.balancer(
            _ONE.format(member=self.member.address, port=self.port)
            + "l7_policies: [{name: p, listener_id: web, redirect_pool_id: wob}]\n"
        )
        program = balancer.spawn("-c", str(balancer.path))
        self.assertEqual(program.wait(), 1)
        self.assertIn("there is no pool 'wob'", program.output)
        self.assertIn("did you mean 'web'", program.output)


class ReloadTests(NodeCase):
    """SIGHUP."""

    def test_good_and_bad(self) -> None:
        """A good file is in force at once, a bad one is refused whole, connections live on."""
        balancer = self.one()
        assert balancer.program is not None
        client = RawClient(self.port)
        self.addCleanup(client.close)
        head = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
        client.send(head)
        client.read_until(b"member a\n")
        other = Member("b").start()
        self.addCleanup(other.stop)
        balancer.write(_ONE.format(member=other.address, port=self.port))
        balancer.reload()
        balancer.program.wait_for_line("read again and is in force")
        client.send(head)
        client.read_until(b"member b\n")
        balancer.write(_ONE.format(member="127.0.0.1:1", port=self.port) + "nonsense: 1\n")
        balancer.reload()
        balancer.program.wait_for_line("refused, what runs goes on.*nonsense")
        client.send(head)
        client.read_until(b"member b\n")

    def test_no_file(self) -> None:
        """Emptied, or a pipe in its place: refused at once, and the next reload works."""
        balancer = self.one()
        assert balancer.program is not None
        good = balancer.path.read_text()
        balancer.path.write_text("")
        balancer.reload()
        balancer.program.wait_for_line("refused, what runs goes on.*is empty")
        self.assertEqual(request(self.port).status, 200)
        balancer.path.unlink()
        os.mkfifo(balancer.path)
        balancer.reload()
        balancer.program.wait_for_line("refused, what runs goes on.*not a regular file")
        balancer.path.unlink()
        balancer.path.write_text(good)
        balancer.reload()
        balancer.program.wait_for_line("read again and is in force")
        self.assertEqual(request(self.port).status, 200)

    def test_listener_moves(self) -> None:
        """A listener goes to another port: the new one serves, the old one refuses."""
        balancer = self.one()
        assert balancer.program is not None
        port = free_port()
        balancer.write(_ONE.format(member=self.member.address, port=port))
        balancer.reload()
        balancer.program.wait_for_line("read again and is in force")
        self.assertEqual(request(port, "/").status, 200)
        balancer.program.wait_until(lambda: not accepts(self.port))

    def test_port_taken(self) -> None:
        """A reload that needs an occupied port is refused, and the old port goes on."""
        balancer = self.one()
        assert balancer.program is not None
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = taken.getsockname()[1]
        balancer.write(_ONE.format(member=self.member.address, port=port))
        balancer.reload()
        balancer.program.wait_for_line(f"refused.*{port} is in use")
        self.assertEqual(request(self.port, "/").status, 200)


class LogTests(NodeCase):
    """The access log's file."""

    def test_rotation(self) -> None:
        """After SIGUSR1 lines go to a new file; none is lost on the way."""
        text = _ONE.format(member=self.member.address, port=self.port)
        balancer = self.balancer(text + "access_log: {format: json, path: access.log}\n")
        balancer.start(self.port)
        assert balancer.program is not None
        path = Path(balancer.directory, "access.log")
        aside = Path(balancer.directory, "access.log.1")
        request(self.port, "/first")
        balancer.program.wait_until(lambda: b"/first" in path.read_bytes())
        path.rename(aside)
        balancer.program.signal(signal.SIGUSR1)
        balancer.program.wait_until(path.exists)
        request(self.port, "/second")
        balancer.program.wait_until(lambda: b"/second" in path.read_bytes())
        self.assertNotIn(b"/second", aside.read_bytes())


class StopTests(NodeCase):
    """SIGTERM and SIGINT."""

    def in_flight(self, balancer: Balancer) -> int:
        """Requests that the member has now."""
        answer = request(balancer.admin, "/v1/members")
        found: int = json.loads(answer.body)["items"][0]["status"]["in_flight"]
        return found

    def test_finishes(self) -> None:
        """SIGTERM: what runs is finished and its connection closed, nothing new is accepted."""
        balancer = self.one()
        assert balancer.program is not None
        client = RawClient(self.port)
        self.addCleanup(client.close)
        client.send(b"GET /late/1 HTTP/1.1\r\nHost: x\r\n\r\n")
        idle = RawClient(self.port)
        self.addCleanup(idle.close)
        balancer.program.wait_until(lambda: self.in_flight(balancer) == 1)
        balancer.program.signal(signal.SIGTERM)
        answer = client.read_all()
        self.assertIn(b"200 OK", answer)
        self.assertIn(b"Connection: close", answer)
        self.assertTrue(answer.endswith(b"0\r\n\r\n"))
        self.assertEqual(idle.read_all(), b"")
        balancer.program.wait()
        self.assertFalse(accepts(self.port))

    def test_at_once(self) -> None:
        """SIGINT does not wait for what runs."""
        balancer = self.one()
        assert balancer.program is not None
        client = RawClient(self.port)
        self.addCleanup(client.close)
        client.send(b"GET /late/30 HTTP/1.1\r\nHost: x\r\n\r\n")
        balancer.program.signal(signal.SIGINT)
        balancer.program.wait(within=5)
