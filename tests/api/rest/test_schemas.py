"""Schemas of bodies, against bodies."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from fiberlb.api.rest.schemas import schemas
from fiberlb.api.rest.tables import TOP
from fiberlb.model.configuration import COLLECTIONS
from tests.api.rest.asking import Asking
from tests.support.certificates import leaf

_POLICY = {"name": "a", "action": "reject", "rules": [{"path": "/x"}, {"header": "X-A"}]}
_LISTENER = {"name": "l", "port": 99, "protocol": "http", "default_pool_id": "p"}
_POOL = {
    "name": "p",
    "members": ["127.0.0.1:7 weight=2", {"address": "::1", "port": 8}],
    "health_monitor": {"type": "http", "expected_codes": [200, 204]},
    "session_persistence": {"type": "cookie"},
    "timeouts": {"member_connect": "2s"},
}


class SchemasTests(Asking):
    """What is answered and what is taken is as the schemas say."""

    def setUp(self) -> None:
        """Something of everything."""
        super().setUp()
        self.post("/v1/pools", _POOL)
        self.post("/v1/listeners", {**_LISTENER, "l7_policies": [_POLICY]})
        made = leaf("a.example")
        self.post("/v1/certificates", {"name": "c", "certificate": made.pem + made.key_pem()})
        self.post("/v1/load_balancers", {"name": "b", "vip_address": "127.0.0.1"})

    def problems(self, name: str, value: Any) -> list[str]:
        """What a schema has against a value."""
        where = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas()}}
        found = Draft202012Validator(where).iter_errors(value)
        return [f"{list(error.path)}: {error.message}"[:500] for error in found]

    def test_answers(self) -> None:
        """Objects, lists and the rest."""
        for path, table in TOP.items():
            model = COLLECTIONS[table.collection].__name__
            found = self.get(f"/v1/{path}").document
            self.assertGreater(len(found["items"]), 0, path)
            self.assertEqual(self.problems(f"{model}List", found), [])
        for path, name in (
            ("/v1/l7_policies/a/rules", "L7RuleList"),
            ("/v1/pools/p/health_monitor", "HealthMonitor"),
            ("/v1/revisions", "RevisionList"),
            ("/v1/status", "Status"),
            ("/v1/members/127.0.0.1:7/state", "MemberState"),
        ):
            self.assertEqual(self.problems(name, self.get(path).document), [], path)
        dry = self.ask("DELETE", "/v1/listeners/l?dry_run=true").document
        self.assertEqual(self.problems("DryRun", dry), [])
        self.assertEqual(self.problems("Problem", self.ask("GET", "/v1/pools/x").document), [])

    def test_taken(self) -> None:
        """What is sent, also as it was read."""
        for name, value in (
            ("PoolNew", _POOL),
            ("ListenerNew", {**_LISTENER, "l7_policies": [_POLICY]}),
            ("ListenerNew", self.get("/v1/listeners/l").document),
            ("MemberNews", ["127.0.0.1:7"]),
            ("ListenerPatch", {"default_pool_id": None}),
            ("StateChange", {"state": "drain", "deadline": "5m"}),
        ):
            self.assertEqual(self.problems(name, value), [], (name, value))
        for name, value in (
            ("PoolNew", {"algoritm": "x"}),
            ("ListenerNew", {"protocol": "ftp"}),
            ("ListenerNew", {"name": "no protocol"}),
            ("StateChange", {}),
        ):
            self.assertNotEqual(self.problems(name, value), [], (name, value))
