"""
A stand-in for the parts of OpenStack that tempest needs around Octavia: Keystone and Neutron.

Run: C{python -m tests.live.stand_in PORT URL}, with the address of the Octavia API for the
catalogue. Users are as in C{USERS}; any password will do. Networks and subnets come out of a few
that both sides know (L{networks}).
"""

from __future__ import annotations

import json
import sys
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

#: Each set of roles that tempest asks for; the first word is what its users are called.
_ROLES = {
    "admin": ["admin"],
    "primary": ["member", "reader"],
    "lb-admin": ["load-balancer_admin"],
    "observer": ["load-balancer_observer", "reader"],
    "global": ["load-balancer_global_observer", "reader"],
    "one": ["load-balancer_member", "member"],
    "two": ["load-balancer_member", "member"],
}
#: User -> project and roles: a set of them for each of the runs that go on side by side.
USERS = {
    f"{name}-{run}": (f"{name}-{run}", roles) for run in (1, 2) for name, roles in _ROLES.items()
}
_NAMESPACE = uuid.UUID("5f1be51b-0000-5000-8000-6f70656e7374")


def ident(*words: Any) -> str:
    """The same id for the same words."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(map(str, words))))


def networks() -> list[tuple[str, str, str, str, str]]:
    """Networks, each with its IPv4 and its IPv6 subnet and their CIDRs."""
    return [
        (
            ident("network", n),
            ident("subnet", n, 4),
            f"127.90.{n}.0/24",
            ident("subnet", n, 6),
            f"fd00:90:{n}::/64",
        )
        for n in range(1, 60)
    ]


def token_document(user: str, base: str, octavia: str) -> dict[str, Any]:
    """What Keystone says of a token."""
    project, roles = USERS[user]
    domain = {"id": "default", "name": "Default"}

    def service(kind: str, name: str, url: str) -> dict[str, Any]:
        endpoints = [
            {
                "id": ident(name, face),
                "interface": face,
                "region": "one",
                "region_id": "one",
                "url": url,
            }
            for face in ("public", "internal", "admin")
        ]
        return {"id": ident(name), "type": kind, "name": name, "endpoints": endpoints}

    return {
        "methods": ["password"],
        "user": {"id": ident("user", user), "name": user, "domain": domain},
        "project": {
            "id": ident("project", project).replace("-", ""),
            "name": project,
            "domain": domain,
        },
        "roles": [{"id": ident("role", role), "name": role} for role in roles],
        "issued_at": "2026-01-01T00:00:00.000000Z",
        "expires_at": "2099-01-01T00:00:00.000000Z",
        "audit_ids": [ident("audit", user)],
        "catalog": [
            service("identity", "keystone", f"{base}/v3"),
            service("load-balancer", "octavia", octavia),
            service("network", "neutron", f"{base}/network"),
            service("compute", "nova", f"{base}/compute/v2.1"),
            service("image", "glance", f"{base}/image"),
        ],
    }


class Neutron:
    """Networks and subnets that tempest makes: handed out of those that are known."""

    def __init__(self) -> None:
        self.free = networks()
        self.known: dict[str, dict[str, dict[str, Any]]] = {
            name: {} for name in ("networks", "subnets", "ports", "security-groups", "subnetpools")
        }
        self.of_network: dict[str, tuple[str, str, str, str, str]] = {}

    def create(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        """POST."""
        made = {"id": str(uuid.uuid4()), "status": "ACTIVE", **body}
        if kind == "networks":
            five = self.free.pop(0)
            made["id"] = five[0]
            self.of_network[five[0]] = five
        elif kind == "subnets":
            five = self.of_network[body["network_id"]]
            made["id"], made["cidr"] = five[1:3] if body.get("ip_version", 4) == 4 else five[3:5]
        self.known[kind][made["id"]] = made
        return made

    def delete(self, kind: str, word: str) -> None:
        """DELETE; a network may be made again."""
        self.known[kind].pop(word, None)
        five = self.of_network.pop(word, None)
        if five is not None:
            self.free.append(five)


class Front(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    octavia: ClassVar[str] = ""
    neutron: ClassVar[Neutron] = Neutron()
    lock: ClassVar[threading.Lock] = threading.Lock()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""

    def _send(self, status: int, document: Any = None, **headers: str) -> None:
        body = b"" if document is None else json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> Any:
        length = int(self.headers.get("content-length") or 0)
        return json.loads(self.rfile.read(length) or b"{}")

    @property
    def base(self) -> str:
        """The address of all of it."""
        return f"http://{self.headers['host']}"

    def _answer(self) -> None:
        path = self.path.partition("?")[0].rstrip("/")
        if path in ("", "/v3"):
            link = [{"rel": "self", "href": f"{self.base}/v3/"}]
            version = {"id": "v3.14", "status": "stable", "links": link, "media-types": []}
            whole = {"versions": {"values": [version]}} if not path else {"version": version}
            self._send(300 if not path else 200, whole)
        elif path == "/v3/auth/tokens":
            self._token()
        elif path.startswith("/network"):
            with self.lock:
                self._network(path.removeprefix("/network").removeprefix("/v2.0").strip("/"))
        else:
            self._send(404, {"error": {"code": 404, "message": "nothing here"}})

    def _token(self) -> None:
        if self.command == "POST":
            user = self._body()["auth"]["identity"]["password"]["user"]["name"]
            subject = f"token-{user}"
        else:
            subject = self.headers.get("x-subject-token") or ""
            user = subject.removeprefix("token-")
        if user not in USERS:
            self._send(401 if self.command == "POST" else 404, {"error": {"code": 404}})
            return
        document = {"token": token_document(user, self.base, self.octavia)}
        self._send(201 if self.command == "POST" else 200, document, X_Subject_Token=subject)

    def _network(self, rest: str) -> None:
        if not rest:
            link = [{"rel": "self", "href": f"{self.base}/network/v2.0"}]
            self._send(200, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": link}]})
            return
        kind, _, word = rest.partition("/")
        singular = kind.removesuffix("s").replace("-", "_")
        if kind == "extensions":
            self._send(200, {"extensions": []})
        elif kind not in self.neutron.known:
            self._send(404, {"NeutronError": {"message": "nothing here", "type": "", "detail": ""}})
        elif self.command == "POST":
            self._send(201, {singular: self.neutron.create(kind, self._body()[singular])})
        elif self.command == "DELETE":
            self.neutron.delete(kind, word)
            self._send(204)
        elif word:
            found = self.neutron.known[kind].get(word)
            self._send(404 if found is None else 200, {singular: found})
        else:
            self._send(200, {kind.replace("-", "_"): list(self.neutron.known[kind].values())})

    def do_GET(self) -> None:
        """GET."""
        self._answer()

    def do_POST(self) -> None:
        """POST."""
        self._answer()

    def do_DELETE(self) -> None:
        """DELETE."""
        self._answer()


if __name__ == "__main__":
    Front.octavia = sys.argv[2]
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Front) as server:
        server.serve_forever()
