"""A life of a pool and a listener by the command alone, traffic going on meanwhile."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.live.crew_case import CrewCase
from tests.support.clients import request
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import venv_program


class LifeTests(CrewCase):
    """C{fiberlb}, as somebody types it."""

    def setUp(self) -> None:
        """A second member, and a port for what is made."""
        super().setUp()
        self.other = Member("b").start()
        self.addCleanup(self.other.stop)
        self.front = free_port()

    def run_command(self, line: str, code: int = 0) -> str:
        """What a command line says; C{-c FILE} is in the environment's place."""
        words = [venv_program("fiberlb"), *line.split()]
        environ = {
            "FIBERLB_URL": f"http://127.0.0.1:{self.balancer.admin}",
            "HOME": self.balancer.directory,
            "PATH": "/usr/bin:/bin",
        }
        done = subprocess.run(
            words, env=environ, capture_output=True, text=True, timeout=300, check=False
        )
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def served(self) -> set[str]:
        """Who answers."""
        answers = [request(self.front, "/") for _ in range(8)]
        self.assertEqual({answer.status for answer in answers}, {200})
        return {answer.text.strip() for answer in answers}

    def make(self) -> None:
        """A pool with two members, and a listener before it."""
        members = f"{self.member.address},{self.other.address}"
        said = self.run_command(
            f"create pool shop --set members={members} --set health_monitor.type=http"
            " --set health_monitor.interval=1s --set health_monitor.rise=1"
        )
        self.assertEqual(said, "Created pool shop (revision 1)\n")
        self.run_command(
            f"create listener till --set protocol=http --set address=127.0.0.1 --reason new"
            f" --set port={self.front} --set default_pool_id=shop"
        )
        self.program().wait_until(lambda: self.run_command("ls members shop").count(" up ") == 2)
        self.assertEqual(self.served(), {"member a", "member b"})

    def test_life(self) -> None:
        """Made, used, drained, changed, refused, looked at, saved, lost and back."""
        self.crew()
        self.make()
        said = self.run_command(f"drain shop/{self.member.address} --wait --reason kernel")
        self.assertIn("has drained (drain): nothing runs on it", said)
        self.assertEqual(self.served(), {"member b"})
        self.change()
        self.look()
        self.lose()

    def change(self) -> None:
        """Fields change, those that are wrong are told, and what is in use stays."""
        said = self.run_command("update pool shop --set algorithm=maglef --set slow_start=x", 1)
        self.assertIn("did you mean 'maglev'?", said)
        self.assertIn("/slow_start: must be a duration", said)
        said = self.run_command("update pool shop --set algorithm=maglev --if-match 99", 4)
        self.assertIn("look again", said)
        self.run_command("update pool shop --set algorithm=maglev")
        found = json.loads(self.run_command("show pool shop -o json"))
        self.assertEqual(found["algorithm"], "maglev")
        said = self.run_command("delete pool shop", 1)
        self.assertIn("'shop' of pools is used by till of listeners", said)
        self.assertEqual(self.served(), {"member b"})

    def look(self) -> None:
        """The state of everything, a check by hand, and an explanation."""
        said = self.run_command("status")
        self.assertRegex(said, rf"till +127\.0\.0\.1 {self.front} +listening")
        self.assertRegex(said, rf"shop +{self.member.address} +up +drained .* kernel")
        self.assertIn("2 of 2 worker processes serve", said)
        said = self.run_command(f"check-member shop {self.other.address}")
        self.assertRegex(said, r"(?s)connect +ok .*http +ok .*Its health is up")
        said = self.run_command("explain till /")
        self.assertIn("leads to pool 'shop'", said)

    def lose(self) -> None:
        """A backup while it runs brings back what was deleted since, drained member included."""
        copy = Path(self.balancer.directory, "copy.db")
        there = f"-c {self.balancer.path}"
        self.assertIn("private keys in it are sealed", self.run_command(f"backup {copy} {there}"))
        self.run_command("delete listener till")
        self.run_command("delete pool shop")
        self.assertIn("stop it first", self.run_command(f"restore {copy} {there} --yes", 1))
        self.balancer.stop()
        self.assertIn("--yes", self.run_command(f"restore {copy} {there}", 1))
        self.run_command(f"restore {copy} {there} --yes")
        self.run_command("status", 3)
        self.balancer.start(self.port, self.front)
        self.assertEqual(self.served(), {"member b"})
        self.run_command(f"ready shop/{self.member.address}")
        found = json.loads(self.run_command("ls members shop -o json"))
        self.assertEqual({one["operational"]["state"] for one in found}, {"ready"})
