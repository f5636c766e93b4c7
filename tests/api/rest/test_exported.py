"""The store layer as a file that people read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from fiberlb.commands.changes import adopts
from fiberlb.commands.sending import read
from tests.api.rest.asking import Asking
from tests.support.certificates import leaf

OBJECTS = """\
load_balancers: [{name: lb}]
pools:
- {name: web, algorithm: maglev, health_monitor: http, members: ["127.0.0.1:80 weight=2"]}
- {name: alt, timeouts: {member_response: 3s}}
listeners:
- name: front
  port: 80
  protocol: http
  loadbalancer_id: lb
  default_pools: [{pool_id: web, weight: 1}, {pool_id: alt, weight: 3}]
  l7_policies:
  - {name: p, action: redirect_to_pool, redirect_pool_id: alt,
     rules: [{path: /api}, {not: {path: /x}}]}
"""


class ExportedTests(Asking):
    """Out of one node, and into another."""

    def exported(self) -> dict[str, Any]:
        """What is there."""
        found: dict[str, Any] = self.get("/v1/config?names=true").document
        return found

    def planned(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """What an apply of it would change, by way of a file."""
        path = Path(self.mktemp())
        path.write_text(yaml.safe_dump(document))
        body = read(str(path), {}).document
        found = self.ask("POST", "/v1/apply?dry_run=true", body)
        self.assertEqual(found.status, 200, found.body)
        changes: list[dict[str, Any]] = found.document["changes"]
        return changes

    def put(self, text: str) -> None:
        """Have these stored."""
        found = self.ask("PUT", "/v1/config", yaml.safe_load(text))
        self.assertEqual(found.status, 200, found.body)

    def test_read(self) -> None:
        """Names, and nothing that goes without saying."""
        self.put(OBJECTS)
        found = self.exported()
        self.assertEqual(found["load_balancers"], [{"name": "lb"}])
        member = {"name": "127.0.0.1:80", "address": "127.0.0.1", "port": 80, "weight": 2}
        (web, alt), (front,) = found["pools"], found["listeners"]
        self.assertEqual(web["members"], [member])
        self.assertEqual(web["health_monitor"].get("id"), None)
        wanted = {"name": "alt", "timeouts": {"member_response": "3s"}, "members": []}
        self.assertEqual(alt, wanted)
        self.assertEqual(front["loadbalancer_id"], "lb")
        self.assertEqual([one["pool_id"] for one in front["default_pools"]], ["web", "alt"])
        (policy,) = front["l7_policies"]
        self.assertEqual((policy["redirect_pool_id"], "id" in policy), ("alt", False))

    def test_there_and_back(self) -> None:
        """Applied where it is from it changes nothing; elsewhere it makes the same."""
        self.put(OBJECTS)
        found = self.exported()
        changes = self.planned(found)
        self.assertEqual([one for one in changes if not adopts(one)], [])
        same = self.ask("PUT", "/v1/config?dry_run=true", found)
        self.assertEqual(same.document["changes"], [])
        self.put("{pools: [], listeners: [], load_balancers: []}")
        self.assertEqual(self.exported(), {})
        self.put(yaml.safe_dump(found))
        self.assertEqual(self.exported(), found)

    def test_nameless(self) -> None:
        """What a file could not call by its name has one, and its id."""
        for _ in range(2):
            self.post("/v1/pools", {"name": "twin", "members": ["127.0.0.1:80"]})
        self.post("/v1/pools", {"name": ""})
        found = self.exported()["pools"]
        for one in found:
            self.assertTrue(one["name"].endswith("-" + one["id"][-8:]), one["name"])
        self.assertEqual(len({one["name"] for one in found}), 3)
        changes = self.planned({"pools": found})
        fields = [[field["field"] for field in one["fields"]] for one in changes]
        self.assertEqual(sorted(fields), [["managed_by"]] * 2 + [["name", "managed_by"]] * 3)

    def test_key(self) -> None:
        """A key is a mark, which is taken back."""
        one = leaf("a.test")
        body = {"name": "a", "certificate": one.pem, "private_key": one.key_pem()}
        self.post("/v1/certificates", body)
        found = self.exported()
        self.assertTrue(found["certificates"][0]["private_key"].startswith("stored:sha256:"))
        self.assertNotIn("PRIVATE KEY", str(found))
        self.assertEqual([one for one in self.planned(found) if not adopts(one)], [])
