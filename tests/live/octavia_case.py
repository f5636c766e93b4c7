"""A load balancer that was made through the Octavia API, before real members."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.clients import Answer, request
from tests.support.members import Member
from tests.support.ports import free_port
from tests.support.programs import temporary_directory

SUBNET = "11111111-1111-1111-1111-111111111111"
_ROOTS = {"l7policies": "l7policy", "rules": "rule"}
#: Of members: a second port that wants PROXY headers, and an application that sets a cookie.
_EXTRA = """
listen 127.0.0.1:{port} proxy_protocol;
location = /told {{ return 200 "$proxy_protocol_addr"; }}
location = /login {{ add_header Set-Cookie "APP=$request_id; Path=/"; return 200 "{name}"; }}
"""
#: Fields that nearly everybody inserts.
FORWARDED = ("X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto")
#: Those that have the client's address by other names.
ADDRESSES = ("X-Forwarded-IP", "X-Client-IP", "X-Real-IP")
#: Of a certificate that no client has shown.
CLIENT_HEADERS = ("X-SSL-Client-Verify", "X-SSL-Client-Has-Cert")


class OctaviaCase(SynchronousTestCase):
    """Two members, one FiberLB, and a load balancer in it."""

    def setUp(self) -> None:
        """Start them."""
        self.proxied = {name: free_port() for name in ("one", "two")}
        self.members = {
            name: Member(name, extra=_EXTRA.format(port=port, name=name)).start()
            for name, port in self.proxied.items()
        }
        for member in self.members.values():
            self.addCleanup(member.stop)
        self.balancer = Balancer()
        self.addCleanup(self.balancer.stop)
        self.balancer.start()
        made = self.make("loadbalancers", vip_subnet_id=SUBNET)
        self.lb, self.vip = made["id"], made["vip_address"]
        self.directory = temporary_directory()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the API, which must succeed; its document."""
        data = None if body is None else json.dumps(body).encode()
        fields = {"Content-Type": "application/json"} if data else {}
        found = request(self.balancer.admin, path, method=method, headers=fields, body=data)
        self.assertLess(found.status, 300, found.text)
        return json.loads(found.body) if found.body else None

    def make(self, path: str, **attributes: Any) -> dict[str, Any]:
        """A POST."""
        word = path.rpartition("/")[2]
        root = _ROOTS.get(word, word.removesuffix("s"))
        made: dict[str, Any] = self.ask("POST", f"/v2.0/lbaas/{path}", {root: attributes})[root]
        return made

    def change(self, path: str, **attributes: Any) -> None:
        """A PUT."""
        word = path.split("/")[-2]
        root = _ROOTS.get(word, word.removesuffix("s"))
        self.ask("PUT", f"/v2.0/lbaas/{path}", {root: attributes})

    def pool(self, *names: str, protocol: str = "HTTP", **attributes: Any) -> str:
        """A pool with members."""
        given = {"protocol": protocol, "lb_algorithm": "ROUND_ROBIN", **attributes}
        made = self.make("pools", loadbalancer_id=self.lb, **given)
        for name in names:
            ports = self.proxied if protocol.startswith("PROXY") else None
            port = ports[name] if ports else self.members[name].port
            self.member(made["id"], port, name=name)
        return str(made["id"])

    def member(self, pool: str, port: int, **attributes: Any) -> str:
        """A member on loopback."""
        given = {"address": "127.0.0.1", "protocol_port": port, **attributes}
        return str(self.make(f"pools/{pool}/members", **given)["id"])

    def listen(self, pool: str | None, protocol: str = "HTTP", **attributes: Any) -> int:
        """The port of a new listener."""
        port = free_port()
        made = self.make(
            "listeners",
            loadbalancer_id=self.lb,
            protocol=protocol,
            protocol_port=port,
            default_pool_id=pool,
            **attributes,
        )
        self.listener = made["id"]
        return port

    def get(self, port: int, target: str = "/", **fields: str) -> Answer:
        """What a listener answers."""
        headers = {name.replace("_", "-"): value for name, value in fields.items()}
        return request(port, target, host=self.vip, headers=headers)

    def served(self, port: int, count: int = 8, **fields: str) -> list[str]:
        """The members that answer some requests."""
        return [self.get(port, **fields).headers["x-member"] for _ in range(count)]

    def statuses(self) -> dict[str, str]:
        """The operating statuses of members, by name, and of C{pool} and C{lb}."""
        tree = self.ask("GET", f"/v2.0/lbaas/loadbalancers/{self.lb}/status")["statuses"]
        top = tree["loadbalancer"]
        [pool] = top["listeners"][0]["pools"]
        found = {one["name"]: one["operating_status"] for one in pool["members"]}
        return {**found, "pool": pool["operating_status"], "lb": top["operating_status"]}
