"""POST /v1/listeners/LISTENER/explain."""

from __future__ import annotations

from typing import Any

from tests.api.rest.asking import Asking


class ExplainTests(Asking):
    """What is told of requests."""

    FILE = """\
pools: [{name: p, members: [127.0.0.1:7]}, {name: empty}]
listeners:
  - {name: web, port: 80, protocol: http, default_pool_id: empty, l7_policies: [
      {name: api, redirect_pool_id: p, rules: [{path: /api/, compare_type: starts_with}]},
      {name: old, redirect_prefix: "https://new.example", rules: [{host_name: old.example}]},
      {name: off, enabled: false, action: reject, rules: [{path: /}]}]}
  - {name: late, port: 82, protocol: http}
  - {name: off, port: 81, protocol: http, enabled: false}
"""

    def explain(self, **asked: Any) -> dict[str, Any]:
        """The explanation of a request to the listener."""
        found = self.ask("POST", "/v1/listeners/web/explain", asked)
        self.assertEqual(found.status, 200, found.body)
        document: dict[str, Any] = found.document
        return document

    def test_pool(self) -> None:
        """Policy, pool, member; the rules that say so."""
        found = self.explain(url="http://x/api/1")
        self.assertEqual((found["policy"]["name"], found["pool"]["name"]), ("api", "p"))
        self.assertEqual(found["pool"]["chosen"]["name"], "127.0.0.1:7")
        (policy,) = found["policies"]
        self.assertEqual(policy["rules"][0]["compared"], ["/api/1"])
        self.assertEqual((found["not_asked"], found["never_asked"][0]["why"]), (1, "disabled"))
        self.assertIn("'api' leads to pool 'p'", found["summary"])

    def test_split(self) -> None:
        """A choice of pools: those that can serve, or the one that stands in for the others."""
        self.post("/v1/pools", {"name": "q", "members": ["127.0.0.1:8"]})
        pools = [{"pool_id": "p", "weight": 9}, {"pool_id": "q"}]
        body = {"name": "x", "listener_id": "late", "rules": [{"path": "/x"}]}
        self.post("/v1/l7_policies", {**body, "redirect_pools": pools})

        def explain() -> Any:
            return self.ask("POST", "/v1/listeners/late/explain", {"url": "/x"}).document

        found = explain()
        self.assertEqual((found["action"], found["pool"]), ("pool", None))
        self.assertIn("one of the pools 'p' (weight 9), 'q' (weight 1)", found["summary"])
        told = [(one["name"], one["weight"], one["able"]) for one in found["split"]["pools"]]
        self.assertEqual(told, [("p", 9, True), ("q", 1, True)])
        pools = [{"pool_id": "empty"}, {"pool_id": "p", "weight": 0}]
        changed = {"redirect_pools": pools, "failover_pool_id": "q"}
        self.ask("PATCH", "/v1/l7_policies/x", changed)
        found = explain()
        self.assertEqual(found["pool"]["name"], "q")
        self.assertEqual((found["status"], found["split"]["failover"]["able"]), (None, True))
        self.ask("PATCH", "/v1/l7_policies/x", {"failover_pool_id": None})
        found = explain()
        self.assertEqual((found["pool"]["name"], found["reason"]), ("empty", "no_members"))

    def test_response(self) -> None:
        """An answer of the policy's own."""
        body = {"listener_id": "late", "response": {"status": 204}, "rules": [{"path": "/x"}]}
        self.post("/v1/l7_policies", body)
        found = self.ask("POST", "/v1/listeners/late/explain", {"url": "/x"}).document
        self.assertEqual((found["action"], found["status"], found["split"]), ("answer", 204, None))

    def test_nested(self) -> None:
        """Rules of rules are told of part by part."""
        rules = [{"any": [{"path": "/x"}, {"not": {"header": "X-A"}}]}]
        self.post("/v1/l7_policies", {"listener_id": "late", "action": "reject", "rules": rules})
        found = self.ask("POST", "/v1/listeners/late/explain", {"url": "/y"}).document
        (rule,) = found["policies"][0]["rules"]
        self.assertEqual(rule["outcome"], "matched")
        self.assertEqual([one["outcome"] for one in rule["rules"]], ["not", "matched"])

    def test_default(self) -> None:
        """Nobody takes it, and nobody is there."""
        found = self.explain(url="http://x/")
        self.assertEqual(
            (found["policy"], found["status"], found["reason"]), (None, 503, "no_members")
        )
        self.assertEqual([one["outcome"] for one in found["policies"]], ["not", "not"])

    def test_redirect(self) -> None:
        """Where it leads."""
        found = self.explain(url="http://old.example/a?b")
        wanted = ("redirect", 302, "https://new.example/a?b")
        self.assertEqual((found["action"], found["status"], found["location"]), wanted)

    def test_two_readings(self) -> None:
        """Both are told of."""
        found = self.explain(url="http://x/api%2F1")
        self.assertEqual(found["reason"], "ambiguous_path")
        self.assertEqual(found["other_reading"]["policy"]["name"], "api")

    def test_malformed(self) -> None:
        """A head that is no request is explained; a question that is none is refused."""
        found = self.explain(url="/a b")
        self.assertEqual((found["action"], found["status"]), ("refuse", 400))
        wrong = self.ask("POST", "/v1/listeners/web/explain", {"urll": "/", "from_ip": 1})
        self.refusal(wrong, 400, "invalid")
        self.assertEqual([path for path, _ in wrong.errors], ["/urll", "/from_ip"])
        self.refusal(self.ask("POST", "/v1/listeners/x/explain", {}), 404, "not_found")

    def test_disabled(self) -> None:
        """A listener that serves nobody."""
        self.refusal(self.ask("POST", "/v1/listeners/off/explain", {}), 409, "disabled")
