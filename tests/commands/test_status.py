"""Tests of fiberlb.commands.status."""

from __future__ import annotations

import json
from typing import Any

from fiberlb.commands.exits import REFUSED
from tests.commands.answering import Answering


def status(**fields: Any) -> dict[str, Any]:
    """What the API says of the process."""
    listener = {
        "name": "front",
        "address": "0.0.0.0",
        "port": 80,
        "state": "listening",
        "reason": "",
        "connections": 3,
        "requests": 70,
    }
    known = {
        "node": "n1",
        "version": "1.0",
        "ready": True,
        "revision": 7,
        "file_generation": 2,
        "workers": {"wanted": 2, "serving": 2},
        "members": {"total": 3, "up": 2, "down": 1, "ejected": 0},
        "panic": [],
        "problems": [],
        "listeners": [listener],
    }
    return {**known, **fields}


def member(name: str, health: str, state: str = "ready", **more: str) -> dict[str, Any]:
    """A member as the API shows it."""
    return {
        "name": name,
        "pool_id": "p",
        "status": {"health": health, "reason": more.get("why", ""), "since": None},
        "operational": {"state": state, "drained": False, "reason": more.get("said", "")},
    }


class StatusTests(Answering):
    """C{fiberlb status}."""

    def test_shown(self) -> None:
        """Figures, listeners, and members that are not well with the reason."""
        self.serve(status())
        items = [
            member("a", "up"),
            member("b", "down", why="connection refused"),
            member("c", "up", "drain", said="kernel"),
        ]
        self.serve({"items": items, "next": None})
        self.serve({"items": [{"id": "p", "name": "web"}], "next": None})
        found = self.run_command("status")
        self.assertEqual(found.exit_code, 0)
        output = found.output
        self.assertIn("workers   2 of 2 worker processes serve\n", output)
        self.assertIn("members   3: 2 up, 1 down\n", output)
        self.assertRegex(output, r"front +0\.0\.0\.0 80 +listening +3 +70 +-\n")
        self.assertRegex(output, r"web +b +down +ready +- +connection refused\n")
        self.assertRegex(output, r"web +c +up +drain +- +kernel\n")
        self.assertNotRegex(output, r"web +a ")

    def test_problems(self) -> None:
        """What is wrong is told, and is exit code 1."""
        self.serve(status(ready=False, problems=["the store is away"], members={}))
        found = self.run_command("status")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("problem: the store is away\n", found.output)
        listener = {**status()["listeners"][0], "state": "error", "reason": "address in use"}
        self.answers.clear()
        self.serve(status(listeners=[listener], panic=[{"name": "web"}]))
        self.serve({"items": [], "next": None})
        found = self.run_command("status")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("address in use", found.output)
        self.assertIn("panic: too few members of web", found.output)

    def test_many(self) -> None:
        """Of many members that are down some are shown."""
        self.serve(status())
        items = [member(f"m{number}", "down") for number in range(25)]
        self.serve({"items": items, "next": None})
        self.serve({"items": [], "next": None})
        self.assertIn("and 5 more", self.run_command("status").output)

    def test_document(self) -> None:
        """For programs."""
        self.serve(status())
        self.assertEqual(json.loads(self.run_command("status", "-o", "json").output), status())
