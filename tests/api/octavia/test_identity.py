"""Who asks, for which project."""

from __future__ import annotations

from tests.api.octavia.asking import KNOWN, SUBNET, OctaviaCase
from tests.api.rest.asking import Answer


class ProjectTests(OctaviaCase):
    """Projects of clients that say who they are elsewhere."""

    FILE = KNOWN + "  trusted: [0.0.0.0/0]\n"

    def made(self, project: str, roles: str = "member") -> Answer:
        """A load balancer of a project."""
        body = {"loadbalancer": {"vip_subnet_id": SUBNET}}
        headers = {"X_Project_Id": project, "X_Roles": roles}
        return self.call("POST", "loadbalancers", body, **headers)

    def seen(self, project: str, roles: str = "member") -> int:
        """How many load balancers somebody sees."""
        headers = {"X_Project_Id": project, "X_Roles": roles}
        return len(self.call("GET", "loadbalancers", **headers).document["loadbalancers"])

    def test_scoped(self) -> None:
        """Everybody sees their own; some see all."""
        ident = self.made("a").document["loadbalancer"]["id"]
        self.made("b")
        self.assertEqual((self.seen("a"), self.seen("c"), self.seen("c", "admin")), (1, 0, 2))
        found = self.call("GET", f"loadbalancers/{ident}", X_Project_Id="b", X_Roles="member")
        self.assertEqual(found.status, 404)
        body = {
            "listener": {"loadbalancer_id": ident, "protocol": "TCP", "protocol_port": 1},
        }
        found = self.call("POST", "listeners", body, X_Project_Id="b", X_Roles="member")
        self.assertEqual(found.status, 404)

    def test_roles(self) -> None:
        """Who only reads changes nothing; quotas are an administrator's."""
        self.assertEqual(self.made("a", "reader").status, 403)
        body = {"quota": {"pool": 1}}
        found = self.call("PUT", "quotas/a", body, X_Project_Id="a", X_Roles="member")
        self.assertEqual(found.status, 403)
        other = {"loadbalancer": {"vip_subnet_id": SUBNET, "project_id": "b"}}
        found = self.call("POST", "loadbalancers", other, X_Project_Id="a", X_Roles="member")
        self.assertEqual(found.status, 403)


class UntrustedTests(OctaviaCase):
    """Fields from anywhere else."""

    def test_ignored(self) -> None:
        """They are not believed."""
        body = {"loadbalancer": {"vip_subnet_id": SUBNET, "project_id": "mine"}}
        made = self.call("POST", "loadbalancers", body, X_Project_Id="a", X_Roles="reader")
        self.assertEqual(made.document["loadbalancer"]["project_id"], "mine")


class TokenTests(OctaviaCase):
    """Tokens of the admin API."""

    FILE = """\
admin:
  tokens:
    - {name: one, role: write, token: one-token-of-sixteen, project: p1}
    - {name: all, role: read, token: all-token-of-sixteen}
"""

    def test_tokens(self) -> None:
        """In either field; bound ones see their project; roles hold."""
        self.assertEqual(self.call("GET", "loadbalancers").status, 401)
        self.assertEqual(self.ask("GET", "/").status, 200)
        body = {"loadbalancer": {"vip_subnet_id": SUBNET}}
        made = self.call("POST", "loadbalancers", body, X_Auth_Token="one-token-of-sixteen")
        self.assertEqual(made.document["loadbalancer"]["project_id"], "p1")
        bearer = {"Authorization": "Bearer all-token-of-sixteen"}
        self.assertEqual(
            len(self.call("GET", "loadbalancers", **bearer).document["loadbalancers"]), 1
        )
        self.assertEqual(self.call("POST", "loadbalancers", body, **bearer).status, 403)
        wrong = self.call("GET", "loadbalancers", X_Auth_Token="x")
        self.assertEqual((wrong.status, wrong.document["faultcode"]), (401, "Client"))


class OpenTests(OctaviaCase):
    """Where nobody needs a token."""

    def test_ignored(self) -> None:
        """One that is sent is not looked at."""
        self.assertEqual(self.call("GET", "pools", X_Auth_Token="notused").status, 200)
