"""
FiberLB as a container runs it: the first process, not root, where only its state can be written.

The namespaces that a container has, made by C{unshare}; the image itself is not built here.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from unittest import SkipTest

from twisted.trial.unittest import SynchronousTestCase

from tests.live.front import connect, get
from tests.live.origin import Caller, Origin
from tests.support.clients import request
from tests.support.ports import free_ports
from tests.support.processes import children
from tests.support.programs import Program, need, temporary_directory, venv_program

_CONFIGURATION = """
version: 1
workers: 2
admin: {{listen: "127.0.0.1:{admin}"}}
shutdown: {{grace: 0s}}
pools: [{{name: web, members: ["{member}"]}}]
listeners:
  - {{name: web, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}
"""
#: Everything is made read-only but the state directory; then the user is 10001 and may nothing.
_CONTAINER = """
set -e
mount --bind "$STATE_DIRECTORY" "$STATE_DIRECTORY"
cut -d' ' -f2 /proc/self/mounts | while read -r place; do
    case "$place" in
        "$STATE_DIRECTORY" | /proc* | /sys* | /dev*) ;;
        *) mount -o remount,bind,ro "$place" ;;
    esac
done
exec unshare --user --map-user=10001 --map-group=10001 -- "$@"
"""
_USER = 10001
#: Processes that lose their parents.
_STRANGERS = 20


class ContainerTests(SynchronousTestCase):
    """From the start to SIGTERM."""

    def setUp(self) -> None:
        """A member that answers when it may, and FiberLB in its container."""
        unshare = need("unshare")
        self.asked, self.may = threading.Event(), threading.Event()
        self.may.set()
        self.origin = Origin(self.answer)
        self.addCleanup(self.origin.stop)
        self.port, self.admin = free_ports(2)
        self.state = temporary_directory()
        path = Path(temporary_directory(), "f.yaml")
        path.write_text(
            _CONFIGURATION.format(member=self.origin.address, port=self.port, admin=self.admin)
        )
        isolated = [unshare, "--pid", "--fork", "--kill-child", "--mount", "--mount-proc"]
        self.container = [*isolated, "sh", "-c", _CONTAINER, "sh"]
        self.environment = {"PATH": os.environ["PATH"], "STATE_DIRECTORY": self.state}
        self.probe()
        command = [*self.container, venv_program("fiberlb"), "run", "-c", str(path)]
        self.program = Program(command, cwd=str(path.parent), env=self.environment)
        self.addCleanup(self.program.kill)
        self.program.wait_until(lambda: self.health() == 0, within=60)
        (self.first,) = children(self.program.pid)

    def probe(self) -> None:
        """Whether such namespaces can be had at all."""
        command = [*self.container, "true"]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise SkipTest(f"no namespaces: {done.stderr.strip()}")

    def answer(self, caller: Caller) -> None:
        """The member."""
        while caller.request_head() is not None:
            self.asked.set()
            self.may.wait(60)
            caller.reply(b"hello")

    def health(self) -> int:
        """What C{HEALTHCHECK} is told."""
        command = [venv_program("fiberlb"), "health"]
        return subprocess.run(
            command, env=self.environment, capture_output=True, timeout=60, check=False
        ).returncode

    def test_life(self) -> None:
        """It is the first process, it serves, orphans are waited for, SIGTERM ends it in order."""
        self.assertEqual(Path(self.state, "lock").read_text(), "1\n")
        about = Path(f"/proc/{self.first}")
        self.assertEqual((about / "uid_map").read_text().split(), [str(_USER), "0", "1"])
        self.assertIn("CapEff:\t0000000000000000", (about / "status").read_text())
        self.assertRegex((about / "mounts").read_text(), r"(?m)^\S+ / \S+ ro,")
        self.assertEqual(request(self.port, "/").text, "hello")
        self.check_strangers()
        self.check_end()

    def check_strangers(self) -> None:
        """Whoever loses its parent here and ends does not stay in the table of processes."""
        own = set(children(self.first))
        pipe = f"{self.state}/pipe"
        os.mkfifo(pipe)
        orphan = f"for _ in $(seq {_STRANGERS}); do (read -r _ <'{pipe}' &) ; done"
        command = [need("nsenter"), f"--target={self.first}", "--pid", "sh", "-c", orphan]
        subprocess.run(command, check=True, timeout=60)

        def fallen() -> set[int]:
            return set(children(self.first)) - own

        with open(pipe, "w"):
            self.program.wait_until(lambda: len(fallen()) == _STRANGERS)
        self.program.wait_until(lambda: not fallen(), within=60)
        self.program.wait_until(lambda: not children(self.first, ended=True), within=60)

    def check_end(self) -> None:
        """The request that runs is answered; the status is that of a process that ended well."""
        self.asked.clear()
        self.may.clear()
        client = connect(self.port)
        self.addCleanup(client.socket.close)
        client.send(get(b"/"))
        self.assertTrue(self.asked.wait(60))
        os.kill(self.first, signal.SIGTERM)
        self.program.wait_until(lambda: self.health() != 0, within=60)
        self.may.set()
        answer = client.answer()
        assert answer is not None
        self.assertEqual((answer.status, answer.body), (200, b"hello"))
        self.assertEqual(self.program.wait(60), 0)
        self.assertEqual(self.health(), 3)
