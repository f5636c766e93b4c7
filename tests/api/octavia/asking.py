"""The Octavia face, to be asked."""

from __future__ import annotations

from typing import Any

from tests.api.rest.asking import Answer, Asking

SUBNET = "11111111-1111-1111-1111-111111111111"
NETWORK = "22222222-2222-2222-2222-222222222222"
#: Settings with a subnet that is known.
KNOWN = f"""\
octavia:
  subnets:
    - {{id: {SUBNET}, name: front, network_id: {NETWORK}, cidr: 127.88.0.0/24}}
"""
#: What the collections have as their envelopes.
_ROOTS = {"l7policies": "l7policy", "rules": "rule"}


class OctaviaCase(Asking):
    """Test cases that ask it."""

    FILE = KNOWN

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request below C{/v2.0/lbaas}."""
        return self.ask(method, f"/v2.0/lbaas/{path}", body, **headers)  # type: ignore[arg-type]

    def make(self, path: str, **attributes: Any) -> dict[str, Any]:
        """A POST that must succeed; what it answers, out of its envelope."""
        word = path.rpartition("/")[2]
        root = _ROOTS.get(word, word.removesuffix("s"))
        found = self.call("POST", path, {root: attributes})
        self.assertEqual(found.status, 201, found.body)
        made: dict[str, Any] = found.document[root]
        return made

    def change(self, path: str, **attributes: Any) -> dict[str, Any]:
        """A PUT that must succeed."""
        word = path.split("/")[-2]
        root = _ROOTS.get(word, word.removesuffix("s"))
        found = self.call("PUT", path, {root: attributes})
        self.assertEqual(found.status, 200, found.body)
        made: dict[str, Any] = found.document[root]
        return made

    def look(self, path: str) -> Any:
        """A GET that must succeed."""
        found = self.call("GET", path)
        self.assertEqual(found.status, 200, found.body)
        return found.document

    def fault(self, method: str, path: str, body: Any, status: int, text: str) -> None:
        """A request that is refused with a text."""
        found = self.call(method, path, body)
        self.assertEqual(found.status, status, found.body)
        document = found.document
        self.assertEqual(set(document), {"faultcode", "faultstring", "debuginfo"})
        self.assertIn(text, document["faultstring"])

    def refused(self, path: str, status: int, text: str, **attributes: Any) -> None:
        """A POST that is refused."""
        word = path.rpartition("/")[2]
        root = _ROOTS.get(word, word.removesuffix("s"))
        self.fault("POST", path, {root: attributes}, status, text)

    def balancer(self, **attributes: Any) -> str:
        """The id of a new load balancer."""
        made = self.make("loadbalancers", vip_subnet_id=SUBNET, **attributes)
        return str(made["id"])

    def listener(self, balancer: str, port: int = 80, **attributes: Any) -> str:
        """The id of a new listener, of HTTP unless told otherwise."""
        given = {"protocol": "HTTP", "protocol_port": port, **attributes}
        return str(self.make("listeners", loadbalancer_id=balancer, **given)["id"])

    def pool(self, **attributes: Any) -> str:
        """The id of a new pool."""
        given = {"protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", **attributes}
        return str(self.make("pools", **given)["id"])
