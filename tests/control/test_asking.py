"""Listeners that are asked what they would do."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from fiberlb.control.asking import Answered, answered, head, server_name, within
from fiberlb.model.asked import Asked
from tests.control.stage import Stage

_FILE = """\
pools: [{name: p}, {name: t, protocol: tcp}]
listeners:
  - {name: web, port: 80, protocol: http, default_pool_id: p, l7_policies: [
      {name: home, action: reject, rules: [{source_ip: 10.0.0.0/8}]},
      {name: told, redirect_url: "https://x.example{uri}", rules: [{header: X-Forwarded-For}]}]}
  - {name: shut, port: 81, protocol: http, allowed_cidrs: [192.0.2.0/24]}
  - {name: thru, port: 443, protocol: https, l7_policies: [
      {name: named, redirect_pool_id: t, rules: [{ssl_conn_sni: a.example}]}]}
"""


class AnsweredTests(SynchronousTestCase):
    """What becomes of requests."""

    def setUp(self) -> None:
        """A node."""
        self.stage = Stage(self, _FILE)

    def ask(self, listener: str, *trusted: str, **fields: Any) -> Answered:
        """One request."""
        snapshot = self.stage.control.snapshot
        assert snapshot is not None
        plans = {plan.listener.name: plan for plan in snapshot.listeners.values()}
        return answered(plans[listener], Asked(**fields), trusted)

    def test_trusted(self) -> None:
        """Who the client is, and what rules see, depends on who has connected."""
        told = (("X-Forwarded-For", ("10.1.1.1",)),)
        found = self.ask("web", "192.0.2.0/24", from_ip="192.0.2.1", headers=told)
        self.assertEqual((found.decision.policy_name, found.client), ("home", "10.1.1.1"))
        found = self.ask("web", from_ip="192.0.2.1", headers=told)
        self.assertEqual((found.decision.policy_name, found.client), ("", "192.0.2.1"))

    def test_refused(self) -> None:
        """Before any policy is asked."""
        found = self.ask("web", url="/a b")
        self.assertEqual(
            (found.decision.reason, found.status, found.explained), ("bad_request", 400, None)
        )
        found = self.ask("shut", from_ip="10.0.0.1")
        self.assertEqual(found.decision.reason, "denied_address")
        self.assertEqual(self.ask("shut", from_ip="192.0.2.1").decision.reason, "no_route")

    def test_passthrough(self) -> None:
        """By the server name."""
        self.assertEqual(self.ask("thru", url="https://A.example./").decision.policy_name, "named")
        self.assertEqual(self.ask("thru", sni="b.example").decision.reason, "no_route")

    def test_head(self) -> None:
        """The octets that are looked at; what is told of Host wins."""
        self.assertIn(b"Host: a:81\r\n", head(Asked(url="http://a:81/")))
        given = head(Asked(url="http://a/", headers=(("host", ("b",)),)))
        self.assertNotIn(b"Host: a", given)

    def test_server_name(self) -> None:
        """An address is no name."""
        self.assertEqual(server_name(Asked(url="https://A.b/"), True), b"a.b")
        self.assertIsNone(server_name(Asked(url="https://[::1]/"), True))
        self.assertIsNone(server_name(Asked(url="https://a.b/"), False))

    def test_within(self) -> None:
        """Networks of both families; a Unix socket is none."""
        self.assertTrue(within("::1", ["unix:", "::/0"]))
        self.assertFalse(within("10.0.0.1", ["unix:", "::/0", "192.0.2.0/24"]))
