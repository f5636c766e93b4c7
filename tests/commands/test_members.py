"""Tests of fiberlb.commands.members."""

from __future__ import annotations

from typing import Any

from fiberlb.commands.exits import REFUSED
from tests.commands.answering import Answering


def state(**fields: Any) -> dict[str, Any]:
    """What the API says of a member's state."""
    known = {"name": "a", "state": "drain", "weight": None, "deadline": None, "in_flight": 2}
    return {**known, "drained": False, **fields}


class MembersTests(Answering):
    """C{fiberlb member}."""

    def test_ls(self) -> None:
        """What is set, and what runs."""
        pools = {"items": [{"id": "p", "name": "web"}], "next": None}
        common = {
            "pool_id": "p",
            "address": "10.0.0.1",
            "weight": 1,
            "status": {"health": "up", "in_flight": 3, "reason": ""},
        }
        operational = {"state": "ready", "deadline": None, "weight": None, "reason": ""}
        one = {**common, "id": "1", "name": "a", "port": 80}
        two = {**common, "id": "2", "name": "b", "port": 81}
        items = [
            {**one, "operational": {**operational, "drained": False}},
            {
                **two,
                "operational": {
                    **operational,
                    "state": "drain",
                    "deadline": "Z",
                    "weight": 5,
                    "reason": "patch",
                    "drained": True,
                },
            },
        ]
        self.serve({"items": items, "next": None})
        self.serve(pools)
        lines = self.run_command("member", "ls", "web").output.splitlines()
        self.assertEqual(
            [line.split() for line in lines[1:]],
            [
                ["web", "a", "10.0.0.1", "80", "up", "ready", "-", "1", "3", "-"],
                ["web", "b", "10.0.0.1", "81", "up", "drained", "Z", "5", "(1)", "3", "patch"],
            ],
        )
        self.assertEqual(self.targets[0], "/v1/pools/web/members?limit=1000")

    def test_set(self) -> None:
        """What became of it, and what was asked."""
        for words, answer, said in (
            (("drain",), state(deadline="Z"), "a: drain, until Z; 2 running on it"),
            (("maintenance",), state(state="maintenance"), "a: maintenance; 2 running on it"),
            (("ready", "--weight", "3"), state(state="ready", weight=3), "a is ready, weight 3"),
        ):
            self.answers.clear()
            self.serve(answer)
            found = self.run_command("member", words[0], "my pool", "a", *words[1:])
            self.assertEqual((found.exit_code, found.output), (0, said + "\n"))
            self.assertEqual(self.targets[-1], "/v1/pools/my%20pool/members/a/state")

    def test_wait(self) -> None:
        """It returns when the member has drained; or was made ready, which is an error."""
        self.serve(state())
        self.serve(state(drained=True))
        found = self.run_command("member", "drain", "web", "a", "--wait")
        self.assertEqual(found.exit_code, 0)
        self.assertIn("a has drained", found.output)
        self.answers.clear()
        self.serve(state())
        self.serve(state(state="ready"))
        found = self.run_command("member", "drain", "web", "a", "--wait")
        self.assertEqual(found.exit_code, REFUSED)

    def test_refused(self) -> None:
        """The API's words."""
        self.serve({"detail": "there is nothing called 'x' in members"}, 404)
        found = self.run_command("member", "drain", "web", "x")
        self.assertEqual(found.exit_code, REFUSED)
        self.assertIn("nothing called", found.output)
