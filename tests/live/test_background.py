"""C{twistd fiberlb} without C{-n}: into the background, and what is told on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.live.processes import wait_for
from tests.support.clients import request
from tests.support.members import Member
from tests.support.ports import free_ports
from tests.support.processes import children
from tests.support.programs import PATIENCE, accepts, temporary_directory, venv_program

_TEXT = """
version: 1
state_directory: state
admin: {{listen: "127.0.0.1:{admin}"}}
shutdown: {{grace: 0s}}
workers: {workers}
access_log: {{format: json, path: access.log}}
pools: [{{name: web, members: ["{member}"]}}]
listeners: [{{name: web, address: 127.0.0.1, port: {port}, protocol: http, default_pool_id: web}}]
"""


class BackgroundTests(SynchronousTestCase):
    """One that goes there, or does not."""

    def setUp(self) -> None:
        """A directory with a configuration, and one below it to run in."""
        self.member = Member("a").start()
        self.addCleanup(self.member.stop)
        self.directory = Path(temporary_directory())
        (self.directory / "run").mkdir()
        self.port, self.admin = free_ports(2)
        self.addCleanup(self.end)

    def write(self, workers: int = 0, more: str = "") -> None:
        """The file."""
        text = _TEXT.format(
            admin=self.admin, port=self.port, member=self.member.address, workers=workers
        )
        (self.directory / "f.yaml").write_text(text + more)

    def start(self, *options: str) -> subprocess.CompletedProcess[str]:
        """Run the command until it has gone into the background; what it said."""
        words = ["--pidfile=t.pid", "--rundir=run", *options, "fiberlb", "-c", "f.yaml"]
        command = [venv_program("twistd"), *words]
        return subprocess.run(
            command, cwd=self.directory, capture_output=True, text=True, timeout=3 * PATIENCE
        )

    @property
    def pid(self) -> int:
        """Of the process in the background, as its file has it."""
        return int((self.directory / "t.pid").read_text())

    def until(self, ready: Callable[[], bool]) -> None:
        """Wait, but not for ever."""
        try:
            wait_for(ready)
        except TimeoutError:
            logs = "\n".join(map(self.log, self.directory.glob("*.log*")))
            raise AssertionError(logs) from None

    def log(self, name: str | Path = "twistd.log") -> str:
        """What it logged."""
        return (self.directory / name).read_text()

    def end(self) -> None:
        """Stop it, if it runs; its file goes."""
        if (self.directory / "t.pid").exists():
            pid = self.pid
            os.kill(pid, signal.SIGTERM)
            self.until(lambda: not Path(f"/proc/{pid}").exists())
        self.assertFalse((self.directory / "t.pid").exists())

    def good(self) -> None:
        """A request is answered by the member."""
        self.assertEqual(request(self.port, "/x").status, 200)

    def test_started(self) -> None:
        """
        When the command has ended it serves; paths begin where they were given, it runs where
        it was told to, and answers to signals by its file.
        """
        self.write()
        done = self.start()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertTrue(accepts(self.admin))
        self.good()
        self.assertEqual(os.readlink(f"/proc/{self.pid}/cwd"), str(self.directory / "run"))
        self.assertIn("1 of 1 members up", self.log())
        access = self.directory / "access.log"
        self.until(lambda: '"/x"' in access.read_text())
        self.assertEqual(access.stat().st_mode & 0o777, 0o640)
        self.assertEqual(os.listdir(self.directory / "run"), [])

    def test_logs(self) -> None:
        """SIGUSR1 begins twistd's log anew, and those of the file, which were moved."""
        self.write(more="log: {path: fiberlb.log}\n")
        self.assertEqual(self.start("--logfile=own.log").returncode, 0)
        access, own = self.directory / "access.log", self.directory / "fiberlb.log"
        for path in (access, own):
            path.rename(f"{path}.old")
        os.kill(self.pid, signal.SIGUSR1)
        self.until(access.exists)
        self.until(own.exists)
        self.until((self.directory / "own.log.1").exists)
        self.good()
        self.until(lambda: '"/x"' in access.read_text())

    def test_reload(self) -> None:
        """SIGHUP finds the file."""
        self.write()
        self.assertEqual(self.start().returncode, 0)
        self.write(more="x-nothing: 1\n")
        os.kill(self.pid, signal.SIGHUP)
        self.until(lambda: "read again and is in force" in self.log())

    def test_upgrade(self) -> None:
        """SIGUSR2: the same pid, whose file still goes at the end, and the same log."""
        self.write(workers=1)
        self.assertEqual(self.start().returncode, 0)
        pid = self.pid
        for count in (1, 2):
            os.kill(pid, signal.SIGUSR2)
            self.until(lambda c=count: self.log().count("are taken over") == c)  # type: ignore[misc]
            self.until(lambda c=count: self.log().count("members up") == c + 1)  # type: ignore[misc]
            self.good()
        self.assertEqual(self.pid, pid)
        # What fell to it is waited for before long.
        self.until(lambda: not children(pid, ended=True))
        os.kill(pid, signal.SIGUSR1)
        self.until((self.directory / "twistd.log.1").exists)
        self.end()

    def test_port_taken(self) -> None:
        """The command waits for the start: what hinders it stands on the terminal, whole."""
        taken = socket.create_server(("127.0.0.1", self.port))
        self.addCleanup(taken.close)
        for workers in (0, 1):
            self.write(workers=workers)
            done = self.start()
            self.assertEqual(done.returncode, 1)
            said = f"fiberlb: 127.0.0.1:{self.port} is in use by another program"
            self.assertIn(said, done.stderr)
            self.until(lambda: not (self.directory / "t.pid").exists())
            self.assertFalse(accepts(self.admin))

    def test_bad_file(self) -> None:
        """So does what is wrong with the file, each with its place, before anything else."""
        self.write(more="nonsense: 1\n")
        done = self.start()
        self.assertEqual(done.returncode, 1)
        self.assertIn("f.yaml:10:1", done.stderr)
        self.assertFalse((self.directory / "t.pid").exists())
        self.write(more="l7_policies: [{name: p, listener_id: web, redirect_pool_id: wob}]\n")
        done = self.start()
        self.assertEqual(done.returncode, 1)
        self.assertIn("did you mean 'web'", done.stderr)

    def test_bad_log(self) -> None:
        """And a log that cannot be opened."""
        self.write(more="log: {path: nowhere/x.log}\n")
        done = self.start()
        self.assertEqual(done.returncode, 1)
        self.assertIn("fiberlb: ", done.stderr)
        self.assertIn("nowhere/x.log: No such file", done.stderr)

    def test_nowhere(self) -> None:
        """An access log to the standard output is lost there, and the log says so."""
        self.write()
        path = self.directory / "f.yaml"
        path.write_text(path.read_text().replace("access.log", "stdout"))
        self.assertEqual(self.start().returncode, 0)
        self.assertIn("access log goes nowhere", self.log())
