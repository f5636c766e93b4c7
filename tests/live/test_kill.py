"""The whole process, killed while it takes changes: what was acknowledged is there afterwards."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from twisted.trial.unittest import SynchronousTestCase

from tests.support.balancer import Balancer
from tests.support.certificates import leaf
from tests.support.clients import Answer, request
from tests.support.ports import free_port

#: Members of each pool that is made: a pool with fewer was half written.
MEMBERS = 3
#: Seconds from a write that is sent to the kill: from before it is read to after it is answered.
MOMENTS = (0.0005, 0.001, 0.002, 0.003, 0.004, 0.006, 0.01, 0.1)


class _KillTests(SynchronousTestCase):
    def setUp(self) -> None:
        """A running process without any configuration."""
        self.balancer = Balancer()
        self.addCleanup(self.balancer.stop)
        self.start()

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self.balancer.start()
        program = self.balancer.program
        assert program is not None
        program.wait_until(lambda: self.ask("/readyz").status == 200)

    def kill(self) -> None:
        """End it as nothing can be prevented from."""
        program = self.balancer.program
        assert program is not None
        os.kill(program.pid, signal.SIGKILL)
        self.assertEqual(program.wait(), -signal.SIGKILL)
        program.stop()

    def ask(self, target: str, method: str = "GET", body: Any = None) -> Answer:
        """One request to the admin API."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return request(self.balancer.admin, target, method=method, headers=headers, body=data)

    def get(self, target: str) -> Any:
        """What the admin API answers, read."""
        answer = self.ask(target)
        self.assertEqual(answer.status, 200, answer.text)
        return json.loads(answer.body)

    def post(self, target: str, body: Any) -> Any:
        """Write, and have it acknowledged."""
        answer = self.ask(target, "POST", body)
        self.assertIn(answer.status, (200, 201), answer.text)
        return json.loads(answer.body)

    @property
    def state(self) -> Path:
        """The state directory."""
        return Path(self.balancer.directory, "state")

    def check_database(self) -> None:
        """SQLite finds nothing wrong with it."""
        connection = sqlite3.connect(self.state / "fiberlb.db")
        self.assertEqual(connection.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        connection.close()


class WriteTests(_KillTests):
    """Kills between writes and within them."""

    def test_between(self) -> None:
        """Objects of every kind are the same after a kill, and so are their tags."""
        port = free_port()
        certificate = leaf("localhost")
        pool = self.post("/v1/pools", {"name": "api", "members": ["127.0.0.1:9"]})
        self.post(
            "/v1/certificates",
            {"name": "c", "certificate": certificate.chain, "private_key": certificate.key_pem()},
        )
        self.post(
            "/v1/listeners",
            {
                "name": "in",
                "address": "127.0.0.1",
                "port": port,
                "protocol": "https",
                "tls_config": {"certificate_id": "c"},
                "default_pool_id": "api",
                "l7_policies": [
                    {"redirect_url": "https://x.example/", "rules": [{"path": "/x"}]},
                ],
            },
        )
        self.assertEqual(
            self.ask(f"/v1/pools/{pool['id']}", "PATCH", {"description": "changed"}).status, 200
        )
        before = self.everything()
        self.kill()
        self.start()
        self.assertEqual(self.everything(), before)
        self.check_database()

    def everything(self) -> dict[str, Any]:
        """All that is stored, and what the lists and their tags say."""
        found: dict[str, Any] = {"config": self.get("/v1/config")}
        for name in ("load_balancers", "listeners", "pools", "l7_policies", "certificates"):
            listed = self.get(f"/v1/{name}")
            found[name] = listed["revision"], [item["id"] for item in listed["items"]]
            for item in listed["items"]:
                found[item["id"]] = self.ask(f"/v1/{name}/{item['id']}").headers["etag"]
        found["revisions"] = self.get("/v1/revisions")
        return found

    def test_within(self) -> None:
        """Whenever it is killed: what was acknowledged is there, nothing is half there."""
        acknowledged = 0
        for moment in MOMENTS:
            for _ in range(2):
                acknowledged += 1
                self.post("/v1/pools", self.pool(acknowledged))
            acknowledged += self.killed_within(acknowledged + 1, moment)
            self.start()
            acknowledged = self.check(acknowledged)
        self.kill()
        self.check_database()

    def pool(self, number: int) -> dict[str, Any]:
        """The pool of that number, with its members: several objects, one write."""
        members = [f"127.0.0.1:{1 + member}" for member in range(MEMBERS)]
        return {"name": f"pool-{number}", "members": members}

    def killed_within(self, number: int, moment: float) -> bool:
        """Send a write, and kill the process so many seconds later; whether it was answered."""
        body = json.dumps(self.pool(number)).encode()
        head = (
            "POST /v1/pools HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", self.balancer.admin)) as client:
            client.sendall(head.encode() + body)
            client.settimeout(moment)
            try:
                answer = client.recv(4096)
            except TimeoutError:
                answer = b""
            self.kill()
        if answer:
            self.assertEqual(answer.split(b" ", 2)[1], b"201", answer)
        return bool(answer)

    def check(self, acknowledged: int) -> int:
        """What is there is whole, and no less than was acknowledged; the number it is at."""
        pools = {pool["name"]: pool["id"] for pool in self.get("/v1/pools?limit=1000")["items"]}
        number = len(pools)
        self.assertIn(number, (acknowledged, acknowledged + 1))
        self.assertEqual(set(pools), {f"pool-{made}" for made in range(1, number + 1)})
        for name, ident in pools.items():
            members = self.get(f"/v1/pools/{ident}/members")["items"]
            self.assertEqual(len(members), MEMBERS, name)
        revisions = self.get("/v1/revisions?limit=1000")["items"]
        self.assertEqual([entry["revision"] for entry in revisions], list(range(number, 0, -1)))
        for entry in revisions:
            self.assertEqual(len(entry["changes"]), 1 + MEMBERS)
        return number


class SecretTests(_KillTests):
    """The private key of a certificate, before and after a kill."""

    def test_nowhere(self) -> None:
        """No file but the key's own, no answer and no line of the log shows a private key."""
        certificate = leaf("secret.example")
        text = certificate.key_pem()
        sent = {"name": "c", "certificate": certificate.chain, "private_key": text}
        made = self.post("/v1/certificates", sent)
        told = [self.ask(f"/v1/certificates/{made['id']}").body, self.ask("/v1/config").body]
        told += [self.ask("/v1/revisions").body, self.ask("/v1/certificates").body]
        found = [(path.name, path.read_bytes()) for path in self.state.iterdir()]
        self.kill()
        found += [(path.name, path.read_bytes()) for path in self.state.iterdir()]
        self.start()
        found += [(path.name, path.read_bytes()) for path in self.state.iterdir()]
        found += [("answer", body) for body in told]
        found.append(("log", self.balancer.output.encode()))
        self.assertIn("fiberlb.db", [name for name, _ in found])
        forms = (
            (Encoding.DER, PrivateFormat.PKCS8),
            (Encoding.DER, PrivateFormat.TraditionalOpenSSL),
        )
        secrets = [certificate.key.private_bytes(*form, NoEncryption()) for form in forms]
        # The third line is all public key, which the certificate holds as well.
        secrets += [line.encode() for line in text.splitlines()[1:3]]
        secrets += [secrets[1][7:39], b"PRIVATE KEY"]
        for name, content in found:
            for secret in secrets:
                self.assertNotIn(secret, content, (name, secret))

    def test_closed(self) -> None:
        """Nobody else may open what is in the state directory."""
        self.post("/v1/pools", {"name": "p"})
        self.assertEqual(self.state.stat().st_mode & 0o777, 0o700)
        for path in self.state.iterdir():
            self.assertEqual(path.stat().st_mode & 0o077, 0, path.name)

    def test_other_key(self) -> None:
        """With another key it does not start, says why, and loses nothing."""
        certificate = leaf("secret.example")
        self.post(
            "/v1/certificates",
            {"name": "c", "certificate": certificate.chain, "private_key": certificate.key_pem()},
        )
        self.kill()
        key = self.state / "key"
        right = key.read_bytes()
        key.unlink()
        program = self.balancer.spawn("-c", str(self.balancer.path))
        self.assertEqual(program.wait(), 1)
        self.assertIn("which is not among the keys given", program.output)
        key.write_bytes(right)
        self.start()
        self.assertEqual(len(self.get("/v1/certificates")["items"]), 1)


class LockTests(_KillTests):
    """One process for one state directory."""

    def test_second(self) -> None:
        """A second process is refused, naming the first, which goes on."""
        first = self.balancer.program
        assert first is not None
        second = self.balancer.spawn("-c", str(self.balancer.path))
        self.addCleanup(second.kill)
        self.assertEqual(second.wait(), 1)
        self.assertIn(f"the process {first.pid} uses this state directory", second.output)
        self.balancer.program = first
        self.post("/v1/pools", {"name": "p"})
