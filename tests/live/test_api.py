"""The admin API of a running FiberLB: changes, seen by the traffic that they are about."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import threading
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.certificates import Leaf, authority, leaf
from tests.support.clients import PATIENCE, Answer, Session, request
from tests.support.members import Member
from tests.support.ports import free_port

_FILE = """
pools: [{{name: filed, members: ["{member}"]}}]
listeners: [{{name: filed, address: 127.0.0.1, port: {port}, protocol: http,
              default_pool_id: filed}}]
"""


class ApiCase(SynchronousTestCase):
    """Two members and one FiberLB."""

    def setUp(self) -> None:
        """Start them; the balancer has one listener of its file."""
        self.one, self.two = Member("one").start(), Member("two").start()
        self.addCleanup(self.one.stop)
        self.addCleanup(self.two.stop)
        self.port = free_port()
        self.balancer = Balancer(self.file())
        self.addCleanup(self.balancer.stop)
        self.balancer.start(self.port)

    def file(self) -> str:
        """The objects of the file."""
        return _FILE.format(member=self.one.address, port=self.port)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request to the admin API."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            fields["Content-Type"] = "application/json"
        data = None if body is None else json.dumps(body).encode()
        return request(self.balancer.admin, path, method=method, headers=fields, body=data)

    def done(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One request that must succeed; its document."""
        found = self.ask(method, path, body, **headers)
        self.assertLess(found.status, 300, found.text)
        return json.loads(found.body) if found.body else None

    def listener(self, port: int, **more: Any) -> dict[str, Any]:
        """The document of a listener on loopback."""
        body = {"name": f"l{port}", "address": "127.0.0.1", "port": port, "protocol": "http"}
        return {**body, **more}

    def restart(self) -> None:
        """End the process in order, and start it again."""
        self.balancer.stop()
        self.balancer.start(self.port)


class ChangeTests(ApiCase):
    """A write is in force when it is answered."""

    def test_life(self) -> None:
        """A pool and a listener come, change and go."""
        port = free_port()
        self.done("POST", "/v1/pools", {"name": "p", "members": [self.one.address]})
        self.done("POST", "/v1/listeners", self.listener(port, default_pool_id="p"))
        self.assertEqual(request(port).headers["x-member"], "one")
        self.done("PUT", "/v1/pools/p/members", [self.two.address])
        self.assertEqual(request(port).headers["x-member"], "two")
        policy = {"listener_id": f"l{port}", "action": "reject", "rules": [{"path": "/no"}]}
        self.done("POST", "/v1/l7_policies", policy)
        self.assertEqual((request(port, "/no").status, request(port).status), (403, 200))
        self.done("DELETE", f"/v1/listeners/l{port}")
        self.assertRaises(ConnectionRefusedError, request, port)
        self.assertEqual(request(self.port).status, 200)

    def test_address_in_use(self) -> None:
        """A port that another program has: 409, nothing stored; afterwards it can be had."""
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
            body = self.listener(port, default_pool_id="filed")
            found = self.ask("POST", "/v1/listeners", body)
            self.assertEqual(
                (found.status, json.loads(found.body)["code"]), (409, "address_in_use")
            )
            self.assertEqual(self.ask("GET", f"/v1/listeners/l{port}").status, 404)
        self.done("POST", "/v1/listeners", body)
        self.assertEqual(request(port).status, 200)

    def test_no_request_is_lost(self) -> None:
        """Requests on kept connections go on through many changes of everything they use."""
        port = free_port()
        self.done("POST", "/v1/pools", {"name": "p", "members": [self.one.address]})
        self.done("POST", "/v1/listeners", self.listener(port, default_pool_id="p"))
        statuses: list[int] = []
        over = threading.Event()

        def client() -> None:
            with Session(port) as session:
                while not over.is_set():
                    statuses.append(session.request("/").status)

        clients = [threading.Thread(target=client) for _ in range(4)]
        for thread in clients:
            thread.start()
        for number in range(20):
            members = [self.one.address, self.two.address][: 1 + number % 2]
            self.done("PUT", "/v1/pools/p/members", members)
            description = {"description": f"change {number}"}
            self.done("PATCH", f"/v1/listeners/l{port}", description)
        over.set()
        for thread in clients:
            thread.join(PATIENCE)
        self.assertGreater(len(statuses), 20)
        self.assertEqual(set(statuses), {200})

    def test_history(self) -> None:
        """Who changed what, and why, with the revisions of the answers."""
        found = self.ask("POST", "/v1/pools", {"name": "p"}, FiberLB_Reason="ticket 7")
        self.assertEqual(found.headers["fiberlb-revision"], "1")
        [entry] = self.done("GET", "/v1/revisions")["items"]
        self.assertEqual((entry["revision"], entry["reason"]), (1, "ticket 7"))


class RestartTests(ApiCase):
    """What was stored is there again."""

    def test_objects(self) -> None:
        """The same objects under the same ids, serving."""
        port = free_port()
        self.done("POST", "/v1/pools", {"name": "p", "members": [self.two.address]})
        self.done("POST", "/v1/listeners", self.listener(port, default_pool_id="p"))
        before = self.done("GET", "/v1/config")
        tag = self.ask("GET", "/v1/pools/p").headers["etag"]
        self.restart()
        self.assertEqual(self.done("GET", "/v1/config"), before)
        self.assertEqual(self.ask("GET", "/v1/pools/p").headers["etag"], tag)
        self.assertEqual(request(port).headers["x-member"], "two")

    def test_taken_meanwhile(self) -> None:
        """A stored listener whose port was taken is reported, and gets it back by itself."""
        port = free_port()
        self.done("POST", "/v1/listeners", self.listener(port, default_pool_id="filed"))
        self.balancer.stop()
        with socket.create_server(("127.0.0.1", port)):
            self.balancer.start(self.port)
            states = self.done("GET", "/v1/status")["listeners"]
            self.assertEqual({one["port"]: one["state"] for one in states}[port], "error")
            self.assertEqual(request(self.port).status, 200)
        self.balancer.wait_for_ports(port)
        self.assertEqual(request(port).status, 200)


class ReloadTests(ApiCase):
    """The file and the API together."""

    def test_needed(self) -> None:
        """A file without what a stored object needs is refused, and says who needs it."""
        port = free_port()
        self.done("POST", "/v1/listeners", self.listener(port, default_pool_id="filed"))
        assert self.balancer.program is not None
        self.balancer.write("")
        self.balancer.reload()
        line = self.balancer.program.wait_for_line("cannot be taken out of the file")
        self.assertIn(f"'l{port}' of listeners", line)
        self.assertEqual((request(port).status, request(self.port).status), (200, 200))
        self.assertEqual(self.done("GET", "/v1/status")["file_generation"], 1)

    def test_owned(self) -> None:
        """What the file holds is changed there: 409 says where."""
        found = self.ask("PATCH", "/v1/pools/filed", {"description": "x"})
        document = json.loads(found.body)
        self.assertEqual((found.status, document["code"]), (409, "owned_by_file"))
        self.assertEqual(document["file"], str(self.balancer.path))


class CertificateTests(ApiCase):
    """Keys and certificates through the API."""

    def served(self, port: int) -> str:
        """The fingerprint of the certificate that a client gets."""
        context = ssl.create_default_context(cadata=authority().pem)
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        with context.wrap_socket(plain, server_hostname="a.example") as secure:
            return hashlib.sha256(secure.getpeercert(True) or b"").hexdigest()

    def body(self, made: Leaf) -> dict[str, Any]:
        """The document of a certificate."""
        return {"name": "c", "certificate": made.pem, "private_key": made.key_pem()}

    def test_renewed(self) -> None:
        """A new certificate serves the next handshake, with the fingerprint that was answered."""
        port = free_port()
        first = self.done("POST", "/v1/certificates", self.body(leaf("a.example", serial=1)))
        tls = {"certificate_id": "c"}
        body = self.listener(port, protocol="https", tls_config=tls, default_pool_id="filed")
        self.done("POST", "/v1/listeners", body)
        self.assertEqual(self.served(port), first["fingerprint_sha256"])
        second = self.done("PUT", "/v1/certificates/c", self.body(leaf("a.example", serial=2)))
        self.assertEqual(self.served(port), second["fingerprint_sha256"])
        self.assertNotEqual(first["fingerprint_sha256"], second["fingerprint_sha256"])
        self.assertEqual(self.ask("DELETE", "/v1/certificates/c").status, 409)
        self.restart()
        self.balancer.wait_for_ports(port)
        self.assertEqual(self.served(port), second["fingerprint_sha256"])

    def test_secret(self) -> None:
        """No file but the key file, no answer and no log line has a piece of a key."""
        made = leaf("a.example")
        self.done("POST", "/v1/certificates", self.body(made))
        half = self.body(made) | {"private_key": made.key_pem()[:100]}
        self.assertEqual(self.ask("POST", "/v1/certificates", half).status, 400)
        piece = made.key_pem().splitlines()[1][:30]
        for path in ("/v1/certificates/c", "/v1/certificates", "/v1/config", "/v1/revisions"):
            self.assertNotIn(piece, self.ask("GET", path).text)
        self.balancer.stop()
        self.assertNotIn(piece, self.balancer.output)
        for file in Path(self.balancer.directory, "state").rglob("*"):
            if file.is_file():
                self.assertNotIn(piece.encode(), file.read_bytes(), str(file))


class SurfaceTests(ApiCase):
    """The door, over real sockets."""

    def test_other_name(self) -> None:
        """A name that is not ours is refused, as a browser would send it."""
        found = self.ask("GET", "/v1/pools", Host="evil.example")
        self.assertEqual(found.status, 421)

    def test_too_large(self) -> None:
        """The answer to a body beyond the limit arrives although the client keeps sending."""
        found = self.ask("POST", "/v1/pools", {"description": "x" * 3_000_000})
        self.assertEqual((found.status, json.loads(found.body)["code"]), (413, "too_large"))

    def test_kept_connection(self) -> None:
        """One connection serves reads, writes and refusals one after the other."""
        with Session(self.balancer.admin) as session:
            for method, path, status in (
                ("GET", "/v1/pools", 200),
                ("HEAD", "/v1/pools", 200),
                ("GET", "/nothing", 404),
                ("DELETE", "/v1/pools/filed", 409),
                ("GET", "/readyz", 200),
            ):
                self.assertEqual(session.request(path, method=method).status, status)
