"""What a service manager is told, by the process as users start it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from typing import Any

from tests.live.crew_case import PLAIN, CrewCase
from tests.support.balancer import Balancer
from tests.support.members import Member
from tests.support.notified import Listening
from tests.support.ports import free_port
from tests.support.processes import children, environment, state
from tests.support.programs import Program, venv_program

#: Starts a program with WATCHDOG_PID as its own pid, which stays over the exec.
_STARTER = """
import os, sys
os.environ.update(WATCHDOG_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
"""
#: Seconds of the watchdog; long enough for a machine that is busy.
_WATCHDOG = 4
_FOR_US_ALONE = ("NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_")


class NotifyCase(CrewCase):
    """A FiberLB whose starter listens."""

    workers = 0
    abstract = False

    def run_it(self, text: str = PLAIN, **options: Any) -> Balancer:
        """Start it; it is not awaited."""
        self.listening = Listening(abstract=self.abstract)
        self.addCleanup(self.listening.close)
        self.text = text.format(member=self.member.address, port=self.port)
        options.setdefault("workers", self.workers)
        self.balancer = balancer = Balancer(self.text, **options)
        self.addCleanup(self.end)
        twistd = [venv_program("twistd"), "-n", "--pidfile=", "fiberlb", "-c", str(balancer.path)]
        told = {"NOTIFY_SOCKET": self.listening.address, "WATCHDOG_USEC": f"{_WATCHDOG}000000"}
        balancer.program = Program(
            [sys.executable, "-c", _STARTER, sys.executable, *twistd],
            cwd=balancer.directory,
            env={**os.environ, **told},
        )
        return balancer

    def ready(self) -> dict[str, str]:
        """Ready, and what it said with it; it serves in that moment."""
        try:
            found = self.listening.wait_for_state("READY")
        except AssertionError as why:
            raise AssertionError(f"{why}\n{self.balancer.output}") from None
        self.good()
        return found


class LifeTests(NotifyCase):
    """What is the same with workers and without; here without."""

    def test_ready(self) -> None:
        """Ready when it serves, with its pid; then how things are, also when they change."""
        self.run_it()
        self.assertEqual(self.ready()["MAINPID"], str(self.program().pid))
        self.listening.wait_for_status("on 1 listener")
        self.assertEqual(self.serving(), {"wanted": self.workers, "serving": self.workers})
        other = Member("b").start()
        self.addCleanup(other.stop)
        self.ask("/v1/pools", "POST", {"name": "more", "members": [other.address]})
        found = self.listening.wait_for_status("2 members up")["STATUS"]
        self.assertIn("serving revision 1 and file generation 1 on 1 listener", found)
        self.assertEqual("2/2 workers" in found, self.workers == 2)

    def test_watchdog(self) -> None:
        """Signs of life come in time, not from a process that does not run, and then again."""
        self.run_it()
        self.ready()
        for _ in range(3):
            self.listening.wait_for_state("WATCHDOG")
        pid = self.program().pid
        os.kill(pid, signal.SIGSTOP)
        self.program().wait_until(lambda: state(pid) == "T")
        while self.listening.hear(0) is not None:
            pass
        self.assertIsNone(self.listening.hear(_WATCHDOG * 1.5))
        os.kill(pid, signal.SIGCONT)
        self.listening.wait_for_state("WATCHDOG")


class OneProcessTests(NotifyCase):
    """What does not depend on workers."""

    def test_open_round(self) -> None:
        """A member that takes its time to be checked does not hold up readiness."""
        text = PLAIN.replace(
            "pools: [{{", "pools: [{{health_monitor: {{interval: 2h, timeout: 1h}}, "
        )
        self.run_it(text.replace("{member}", f"127.0.0.1:{self.silent()}"))
        self.listening.wait_for_state("READY")
        self.listening.wait_for_status("1 not checked yet")

    def silent(self) -> int:
        """A port at which connections are taken and nothing is said."""
        sock = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(sock.close)
        port: int = sock.getsockname()[1]
        return port

    def test_reload(self) -> None:
        """A reload is told at both ends, also a refused one, whose reason is in the status."""
        balancer = self.run_it()
        self.ready()
        balancer.reload()
        self.assertGreater(int(self.listening.wait_for_state("RELOADING")["MONOTONIC_USEC"]), 0)
        self.assertNotIn("refused", self.listening.wait_for_state("READY")["STATUS"])
        balancer.write("pools: [{nam: x}]\n")
        balancer.reload()
        self.listening.wait_for_state("RELOADING")
        found = self.listening.wait_for_state("READY")["STATUS"]
        self.assertIn("the file was refused: ", found)
        self.assertIn("did you mean 'name'", found)
        self.good()
        balancer.write(self.text)
        balancer.reload()
        self.listening.wait_for_state("RELOADING")
        self.assertNotIn("refused", self.listening.wait_for_state("READY")["STATUS"])

    def test_stop(self) -> None:
        """The end is told, and the manager asked to wait for as long as it may take."""
        self.run_it(grace="30s", deadline="40s")
        self.ready()
        self.program().signal(signal.SIGTERM)
        self.assertIn("up to 70 s", self.listening.wait_for_state("STOPPING")["STATUS"])
        for _ in range(3):
            found = self.listening.wait_for(lambda message: "EXTEND_TIMEOUT_USEC" in message)
            self.assertEqual(found["EXTEND_TIMEOUT_USEC"], "10000000")
        self.good()
        self.program().signal(signal.SIGTERM)
        self.assertEqual(self.program().wait(), -signal.SIGTERM)

    def test_refused(self) -> None:
        """A start that is refused is never ready, and says why."""
        taken = free_port()
        self.addCleanup(socket.create_server(("127.0.0.1", taken)).close)
        self.run_it(PLAIN.replace("{port}", str(taken)))
        found = self.listening.wait_for_status("refused")
        self.assertIn("is in use", found["STATUS"])
        self.assertEqual(self.program().wait(), 1)
        while self.listening.hear(0) is not None:
            pass
        self.assertFalse([one for one in self.listening.heard if "READY" in one])


class CrewTests(LifeTests):
    """The same with workers, over an abstract address, and over upgrades."""

    workers = 2
    abstract = True

    def check_children(self) -> None:
        """None of the other processes can speak for this one."""
        others = [*self.pids(self.balancer), *children(self.program().pid)]
        self.assertGreaterEqual(len(others), 3)
        for pid in others:
            for line in environment(pid):
                self.assertFalse(line.startswith(_FOR_US_ALONE), line)

    def test_upgrade(self) -> None:
        """The next image goes on telling, under the same pid; its children cannot either."""
        self.run_it()
        self.ready()
        self.check_children()
        before = self.pids(self.balancer)
        pid = self.program().pid
        self.program().signal(signal.SIGUSR2)
        self.listening.wait_for_state("RELOADING")
        found = self.listening.wait_for(lambda message: "READY" in message)
        self.assertEqual(found["MAINPID"], str(pid))
        self.program().wait_until(lambda: not set(before) & set(self.pids(self.balancer)))
        self.wait_for_workers(2)
        self.check_children()
        self.listening.wait_for_state("WATCHDOG")

    def test_template_waited_for(self) -> None:
        """The template of the image before does not stay in the table of processes."""
        self.run_it()
        self.ready()
        self.program().signal(signal.SIGUSR2)
        self.listening.wait_for_state("RELOADING")
        self.listening.wait_for_state("READY")
        self.program().wait_until(lambda: not children(self.program().pid, ended=True))
        self.good()
