"""Members that drain, live: a rolling restart under load, and one that is taken out."""

from __future__ import annotations

import subprocess

from tests.live.sticky_case import StickyCase
from tests.support.load import Load
from tests.support.programs import Program, temporary_directory, venv_program

CHECKED = "health_monitor: {url_path: /, interval: 1s, timeout: 1s, rise: 1, fall: 5}"
STICKY = "session_persistence: {type: cookie}, drain: {deadline: 3s}"


class RollingTests(StickyCase):
    """Five members, restarted one after the other while they serve."""

    COUNT = 5

    def roll(self, workers: int) -> None:
        """Drain, wait, stop, start, ready: not one request fails."""
        self.begin(self.text(CHECKED), workers)
        load = Load(self.port, 30, kept=True, connections=8)
        for name, member in self.members.items():
            self.state(name, "drain", reason="rolling restart")
            self.wait_drained(name)
            self.assertEqual(self.shown(name)["status"]["in_flight"], 0)
            member.stop()
            member.start()
            self.state(name, "ready")
            self.wait_up(name)
        told = load.result()
        self.assertEqual(told.errors, 0, told.text)
        self.assertGreater(told.requests, 500)
        self.assertEqual(self.balancer.output.count("has drained"), self.COUNT)

    def test_in_one(self) -> None:
        """In one process."""
        self.roll(0)

    def test_in_workers(self) -> None:
        """In workers."""
        self.roll(2)


class DrainTests(StickyCase):
    """One member of three."""

    def test_removed_while_it_serves(self) -> None:
        """A member that is taken out of the file finishes what runs; nobody notices."""
        for workers in (0, 2):
            self.begin(self.text("slow_start: 0s"), workers)
            load = Load(self.port, 6, kept=True, connections=8)
            slow = [self.slow() for _ in range(9)]
            # All of them, and some of the load's.
            self.program().wait_until(lambda: self.running() > 9, within=60)
            self.reload(self.text("slow_start: 0s", "a", "b"))
            for program in slow:
                program.wait(60)
            answers = {program.output.strip() for program in slow}
            self.assertLessEqual(answers, {"member a", "member b", "member c"})
            told = load.result()
            self.assertEqual(told.errors, 0, told.text)
            self.balancer.stop()

    def slow(self) -> Program:
        """A client whose answer takes three seconds."""
        url = f"http://127.0.0.1:{self.port}/late3"
        program = Program(["curl", "-s", "-m", "60", url], cwd=temporary_directory())
        self.addCleanup(program.stop)
        return program

    def running(self) -> int:
        """Requests in flight on all members."""
        members = self.ask("/v1/pools/web/members")["items"]
        return sum(one["status"]["in_flight"] for one in members)

    def check_persistent(self, workers: int) -> None:
        """Clients that belong to it stay until the deadline, new ones never come."""
        self.begin(self.text(STICKY), workers)
        jars = [self.jar() for _ in range(6)]
        first = [self.served("/", jar) for jar in jars]
        mine = next(jar for jar, name in zip(jars, first, strict=True) if name == "b")
        self.state("b", "drain", deadline="60s")
        self.assertEqual(self.served("/", mine), "b")
        self.assertNotIn("b", {self.served() for _ in range(8)})
        self.assertFalse(self.shown("b")["operational"]["drained"])
        self.state("b", "drain", deadline="0s")
        other = self.served("/", mine)
        self.assertNotEqual(other, "b")
        self.wait_drained("b")
        self.state("b", "ready")
        self.assertEqual(self.served("/", mine), other)
        self.assertIn("b", {self.served() for _ in range(8)})

    def test_persistent(self) -> None:
        """In one process."""
        self.check_persistent(0)

    def test_persistent_workers(self) -> None:
        """In workers."""
        self.check_persistent(2)

    def test_kept(self) -> None:
        """States outlive reloads, restarts and workers; weights change live."""
        text = self.text(CHECKED)
        self.begin(text, 2)
        self.state("a", "maintenance", reason="disk")
        self.state("b", "drain")
        for again in (False, True):
            if again:
                self.balancer.stop()
                self.balancer.start(self.port)
            else:
                self.reload(text + "# again\n")
                self.ask("/v1/workers/restart", "POST")
            self.assertEqual({self.served() for _ in range(8)}, {"c"})
            self.assertEqual(self.shown("a")["operational"]["reason"], "disk")
        self.state("b", "ready", weight=0)
        self.wait_up("b")
        self.assertEqual({self.served() for _ in range(6)}, {"c"})
        self.state("b", "ready", weight=5)
        self.assertIn("b", {self.served() for _ in range(12)})

    def test_command(self) -> None:
        """C{fiberlb member}."""
        self.begin(self.text(CHECKED), 2)

        def run(*words: str) -> tuple[int, str]:
            command = [venv_program("fiberlb"), "member", *words, "-c", str(self.balancer.path)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            return done.returncode, done.stdout + done.stderr

        code, text = run("drain", "web", "a", "--reason", "patch", "--wait")
        self.assertEqual((code, text), (0, "a has drained (drain): nothing runs on it\n"))
        code, text = run("ls", "web")
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"web +a +127\.0\.0\.1 \d+ +up +drained .* patch")
        self.assertEqual(run("maintenance", "web", "b")[0], 0)
        self.assertEqual({self.served() for _ in range(6)}, {"c"})
        self.assertEqual(run("ready", "web", "a"), (0, "a is ready\n"))
        self.assertEqual(run("ready", "web", "b")[0], 0)
        self.assertEqual(run("ready", "web", "nobody")[0], 1)
        self.balancer.stop()
        self.assertEqual(run("ls")[0], 3)
