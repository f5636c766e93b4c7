"""Tests of fiberlb.commands.reasons."""

from __future__ import annotations

import json
from typing import Any

from fiberlb.commands.exits import REFUSED
from tests.commands.answering import Answering


def rule(kind: str, outcome: str, **more: Any) -> dict[str, Any]:
    """A rule of an explanation."""
    known: dict[str, Any] = {
        "key": None,
        "compare_type": "equal_to",
        "values": [],
        "compared": [],
        "rules": [],
    }
    return {**known, "rule_type": kind, "invert": False, "outcome": outcome, **more}


EXPLANATION = {
    "summary": "policy 'api' leads to pool 'apis': a (round_robin)",
    "policies": [
        {
            "name": "beta",
            "outcome": "not",
            "rules": [rule("cookie", "not", key="beta", values=["1"], invert=True)],
        },
        {
            "name": "api",
            "outcome": "matched",
            "rules": [
                rule("path", "matched", compare_type="under", values=["/api"], compared=["/api/1"]),
                rule("any", "matched", rules=[rule("method", "matched", values=["GET"])]),
            ],
        },
    ],
    "left_out": 2,
    "not_asked": 3,
    "never_asked": [{"name": "old", "why": "disabled"}],
    "pool": {
        "name": "apis",
        "algorithm": "round_robin",
        "chosen": {"id": "1", "name": "a"},
        "members": [
            {"id": "1", "name": "a", "health": "up", "weight": 1, "why_not": None},
            {"id": "2", "name": "b", "health": "down", "weight": 1, "why_not": "down"},
        ],
    },
}


class ExplainTests(Answering):
    """C{fiberlb explain}."""

    def test_explained(self) -> None:
        """The sentence, then each policy with its rules, then the members."""
        self.serve(EXPLANATION)
        found = self.run_command("explain", "front", "/api/1")
        self.assertEqual(found.exit_code, 0, found.output)
        lines = [line for line in found.output.splitlines() if line]
        self.assertEqual(
            lines,
            [
                "policy 'api' leads to pool 'apis': a (round_robin)",
                "policy beta: not",
                "  not cookie beta equal_to '1': not (was nothing)",
                "policy api: matched",
                "  path under '/api': matched (was '/api/1')",
                "  any: matched",
                "    method equal_to 'GET': matched (was nothing)",
                "2 policies that did not match are left out here",
                "policy old: never asked: disabled",
                "3 policies come after",
                "pool apis, round_robin:",
                "  a: chosen (up, weight 1)",
                "  b: down (down, weight 1)",
            ],
        )
        self.assertEqual(self.targets, ["/v1/listeners/front/explain"])

    def test_request(self) -> None:
        """What is asked is sent, and nothing else."""
        self.serve(EXPLANATION)
        words = ("-X", "POST", "-H", "A: 1", "-H", "A:2", "--from-ip", "192.0.2.1", "--alpn", "h2")
        self.run_command("explain", "front", "https://x/", *words)
        self.assertEqual(
            json.loads(self.requests[0].partition(b"\r\n\r\n")[2]),
            {
                "method": "POST",
                "url": "https://x/",
                "headers": {"A": ["1", "2"]},
                "from_ip": "192.0.2.1",
                "alpn": ["h2"],
            },
        )
        self.assertEqual(self.run_command("explain", "front", "-H", "A").exit_code, REFUSED)


class WhyTests(Answering):
    """C{fiberlb why}."""

    def test_shown(self) -> None:
        """What is known of an answer, and each member that was tried."""
        attempts = [{"member": "a", "reason": "connect_refused", "detail": "", "after": 0.0057}]
        answer = {
            "id": "x/1",
            "status": 502,
            "reason": "connect_refused",
            "pool": "web",
            "attempts": attempts,
            "times": {"head": 0.0, "total": 0.0062},
        }
        self.serve(answer)
        found = self.run_command("why", "x/1")
        self.assertEqual(found.exit_code, 0, found.output)
        self.assertEqual(self.targets, ["/v1/requests/x%2F1"])
        self.assertIn("reason  connect_refused\n", found.output)
        self.assertIn("times  head 0.0 ms, total 6.2 ms\n", found.output)
        self.assertRegex(found.output, r"\na +connect_refused +5\.7 ms +-\n")

    def test_unknown(self) -> None:
        """One that nobody remembers."""
        self.serve({"detail": "it is too long ago"}, 404)
        found = self.run_command("why", "x")
        self.assertEqual((found.exit_code, found.output), (REFUSED, "it is too long ago\n"))
