"""Checks of members that somebody asks for."""

from __future__ import annotations

from fiberlb.health.probing import Phase, Probe
from tests.api.rest.asking import Asking


class CheckTests(Asking):
    """C{POST .../check} of members, those of a file too."""

    FILE = "pools: [{name: web, members: [{name: a, address: 127.0.0.1, port: 9001}]}]"

    def test_phases(self) -> None:
        """Each phase is told, with its time and why it failed."""
        ident = self.get("/v1/pools/web/members/a").document["id"]
        phases = [Phase("connect", "", 0.00123), Phase("http", "status 500", 0.01)]
        self.stage.health.probes[ident] = Probe("127.0.0.1", 9001, "http", phases)
        found = self.ask("POST", "/v1/pools/web/members/a/check")
        self.assertEqual(found.status, 200, found.body)
        self.assertFalse(found.document["passed"])
        self.assertEqual(
            found.document["checks"],
            [
                {
                    "address": "127.0.0.1",
                    "port": 9001,
                    "type": "http",
                    "passed": False,
                    "phases": [
                        {"phase": "connect", "passed": True, "reason": "", "milliseconds": 1.2},
                        {
                            "phase": "http",
                            "passed": False,
                            "reason": "status 500",
                            "milliseconds": 10.0,
                        },
                    ],
                }
            ],
        )
        self.assertEqual(self.ask("POST", f"/v1/members/{ident}/check").status, 200)

    def test_nobody(self) -> None:
        """A member that is not there is 404; one that is nowhere has passed nothing."""
        self.assertEqual(self.ask("POST", "/v1/pools/web/members/b/check").status, 404)
        self.assertFalse(self.ask("POST", "/v1/pools/web/members/a/check").document["passed"])
