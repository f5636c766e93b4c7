"""Tests of fiberlb.commands.operating."""

from __future__ import annotations

import json
from typing import Any

from fiberlb.commands.exits import REFUSED
from tests.commands.answering import Answering


def state(name: str = "a", **fields: Any) -> dict[str, Any]:
    """What the API says of a member's state."""
    known = {"id": f"id-of-{name}", "name": name, "state": "drain", "weight": None}
    return {**known, "deadline": None, "in_flight": 2, "drained": False, **fields}


class StateTests(Answering):
    """C{fiberlb drain}, C{maint}, C{ready}."""

    def body(self, number: int = -1) -> Any:
        """What was sent."""
        return json.loads(self.requests[number].partition(b"\r\n\r\n")[2])

    def test_member(self) -> None:
        """One member, by its pool and name, which may be an address."""
        self.serve(state())
        found = self.run_command("drain", "web/10.0.0.1:80", "--reason", "x", "--deadline", "2m")
        self.assertEqual((found.exit_code, found.output), (0, "a: drain; 2 running on it\n"))
        self.assertEqual(self.targets, ["/v1/pools/web/members/10.0.0.1%3A80/state"])
        body = {"state": "drain", "deadline": "2m", "weight": None, "reason": "x"}
        self.assertEqual(self.body(), body)

    def test_address(self) -> None:
        """Every member of a machine."""
        self.serve({"items": [state("a", state="maintenance"), state("b", state="maintenance")]})
        found = self.run_command("maint", "10.0.0.2")
        self.assertEqual(len(found.output.splitlines()), 2)
        self.assertEqual(self.targets, ["/v1/members/state"])
        self.assertEqual(self.body()["address"], "10.0.0.2")
        self.assertNotIn("port", self.body())

    def test_port(self) -> None:
        """Those at one port of a machine; C{--dry-run} asks for the same ones."""
        self.serve({"items": [state("a")]})
        self.serve({"items": [{"id": "1", "name": "a"}], "next": None})
        self.assertEqual(self.run_command("drain", "[2001:db8::1]:80").exit_code, 0)
        self.assertEqual((self.body()["address"], self.body()["port"]), ("2001:db8::1", 80))
        found = self.run_command("drain", "10.0.0.2:80", "--dry-run")
        self.assertEqual(found.output, "Nothing was done. This is meant for:\n  a\n")
        self.assertIn("port=80", self.targets[-1])

    def test_meant(self) -> None:
        """Several are told with their pools: a server bears the same name in many."""
        members = [{"id": n, "name": "a", "pool_id": n} for n in ("1", "2")]
        self.serve({"items": members, "next": None})
        self.serve({"items": [{"id": "1", "name": "web"}, {"id": "2", "name": ""}], "next": None})
        found = self.run_command("drain", "10.0.0.2", "--dry-run")
        self.assertEqual(found.output.splitlines()[1:], ["  web/a", "  2/a"])

    def test_wait(self) -> None:
        """It returns when nothing runs on any of them."""
        self.serve({"items": [state("a"), state("b", drained=True)]})
        self.serve(state("a"))
        self.serve(state("b", drained=True))
        self.serve(state("a", drained=True))
        self.serve(state("b", drained=True))
        found = self.run_command("drain", "10.0.0.2", "--wait")
        self.assertEqual(found.exit_code, 0)
        self.assertIn("a has drained", found.output)
        self.assertEqual(self.targets[-1], "/v1/members/id-of-b/state")

    def test_made_ready(self) -> None:
        """Somebody has made it ready meanwhile: there is nothing to wait for."""
        self.serve(state())
        self.serve(state(state="ready"))
        found = self.run_command("drain", "web/a", "--wait")
        self.assertEqual((found.exit_code, found.output), (REFUSED, "a: made ready meanwhile\n"))

    def test_several(self) -> None:
        """Several, in their order."""
        self.serve(state("a", state="ready"))
        self.serve(state("b", state="ready", weight=3))
        found = self.run_command("ready", "web/a", "web/b", "--weight", "3")
        self.assertEqual(found.output, "a is ready\nb is ready, weight 3\n")

    def test_dry_run(self) -> None:
        """Who is meant; nothing is written."""
        self.serve({"items": [{"name": "a"}, {"name": "b"}], "next": None})
        found = self.run_command("drain", "10.0.0.2", "--dry-run")
        self.assertEqual(found.output.splitlines()[1:], ["  a", "  b"])
        self.assertTrue(self.requests[0].startswith(b"GET "))


class CheckTests(Answering):
    """C{fiberlb check-member}."""

    def test_phases(self) -> None:
        """Each phase is a line; a check that fails is exit code 1."""
        phases = [
            {"phase": "connect", "passed": True, "reason": "", "milliseconds": 0.4},
            {"phase": "http", "passed": False, "reason": "status 503", "milliseconds": 5.0},
        ]
        checks = [{"address": "10.0.0.1", "port": 80, "passed": False, "phases": phases}]
        answer = {"health": "down", "reason": "status 503", "passed": False, "checks": checks}
        self.serve(answer)
        found = self.run_command("check-member", "web", "a")
        self.assertEqual(found.exit_code, REFUSED)
        lines = found.output.splitlines()
        self.assertRegex(lines[1], r"^10.0.0.1 80  connect  ok      0.4 ms  -$")
        self.assertRegex(lines[2], r"^10.0.0.1 80  http     failed  5.0 ms  status 503$")
        self.assertEqual(lines[-1], "Its health is down: status 503")
        self.assertEqual(self.targets, ["/v1/pools/web/members/a/check"])

    def test_passed(self) -> None:
        """One that is passed is exit code 0."""
        checks: list[Any] = [{"address": "unix:/s", "port": None, "passed": True, "phases": []}]
        for _ in range(2):
            self.serve({"health": "up", "reason": "", "passed": True, "checks": checks})
        self.assertEqual(self.run_command("check-member", "web", "a").exit_code, 0)
        self.assertEqual(self.run_command("check-member", "web/a").exit_code, 0)
        self.assertEqual(self.targets[0], self.targets[1])
        found = self.run_command("check-member", "web")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("which member of it?", found.output)

    def test_nowhere(self) -> None:
        """A member that is nowhere cannot be asked."""
        self.serve({"health": "down", "reason": "no such name", "passed": False, "checks": []})
        found = self.run_command("check-member", "web", "a")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("nowhere", found.output)
