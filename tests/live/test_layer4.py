"""TLS passed through and PROXY headers, with HAProxy, nginx, curl and openssl around."""

from __future__ import annotations

import json
import re
import ssl
import subprocess
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.live.layer4 import BEFORE, Surroundings
from tests.support.balancer import Balancer
from tests.support.clients import RawClient, curl, request
from tests.support.programs import need
from tests.wire.hellos import of_ssl


class LayerFourTests(SynchronousTestCase):
    """Everything in one process."""

    workers = 0

    def setUp(self) -> None:
        """The programs, and a FiberLB between them."""
        self.around = Surroundings()
        self.addCleanup(self.around.stop)
        text = "access_log: {format: json, path: access.log}\n" + self.around.configuration
        self.balancer = Balancer(text, workers=self.workers)
        self.addCleanup(self.end)
        self.balancer.start(self.around.ports["open"])
        if self.workers:
            assert self.balancer.program is not None
            self.balancer.program.wait_until(lambda: bool(self.status()["workers"]["serving"]))

    def end(self) -> None:
        """Stop it; no exception was logged."""
        self.balancer.stop()
        self.assertNotIn("Traceback", self.balancer.output)

    def status(self) -> Any:
        """What the admin API says."""
        return json.loads(request(self.balancer.admin, "/v1/status").body)

    def get(self, name: str, host: str) -> str:
        """What is got through one port."""
        port = self.around.ports[name]
        scheme = "http" if name in ("v1-plain", "v2-plain", "v1-tcp", "v2-tcp") else "https"
        url = f"{scheme}://{host}:{port}/"
        done = curl("-sk", "--resolve", f"{host}:{port}:127.0.0.1", url)
        return done.stdout.decode()

    def logged(self, wanted: str) -> dict[str, Any]:
        """The line of the access log that tells of the most octets; workers have no order."""
        path = Path(self.balancer.directory, "access.log")
        assert self.balancer.program is not None
        self.balancer.program.wait_until(lambda: wanted in path.read_text())
        found = [json.loads(line) for line in path.read_text().splitlines() if wanted in line]
        return max(found, key=lambda entry: int(entry["sent"]) + int(entry["received"]))

    def test_everywhere(self) -> None:
        """A client's address passes HAProxy, every kind of listener, and HAProxy again."""
        for name in BEFORE:
            said = self.get(name, "a.test").split()
            self.assertEqual(said[0], "127.0.0.1", name)
            if name.endswith("passed"):
                self.assertEqual(said[1:], ["a.test", "a.test"], name)
            elif not name.endswith("tcp"):
                self.assertEqual(said[1:], ["127.0.0.1"], name)
        entry = self.logged('"listener":"passed"')
        self.assertEqual((entry["pool"], entry["sni"], entry["policy"]), ("tls", "a.test", "tls"))

    def test_tls_behind(self) -> None:
        """A header goes before TLS to a member, too, and nginx believes it, in both versions."""
        for name in ("v1-ended", "v2-ended"):
            for host in ("b.test", "c.test"):
                # Each is asked for by the one name that its certificate is verified for.
                self.assertEqual(self.get(name, host), "127.0.0.1 b.test", (name, host))

    def test_passed_through(self) -> None:
        """curl, openssl and Python reach the member of a name, and unknown names get an alert."""
        self.assertEqual(self.get("open", "a.test").split(), ["127.0.0.1", "a.test", "a.test"])
        self.assertEqual(self.get("open", "b.test"), "127.0.0.1 b.test")
        said = self.openssl("b.test")
        self.assertIn("BEGIN CERTIFICATE", said)
        self.assertIn("unrecognized name", self.openssl("unknown.test"))
        entry = self.logged('"policy":"nginx"')
        self.assertEqual((entry["pool"], entry["sni"]), ("nginx", "b.test"))
        self.assertGreater(min(entry["sent"], entry["received"]), 500)
        self.assertEqual(self.logged('"sni":"unknown.test"')["reason"], "no_route")

    def openssl(self, name: str) -> str:
        """What C{openssl s_client} says of one name."""
        where = f"127.0.0.1:{self.around.ports['open']}"
        command = [need("openssl"), "s_client", "-connect", where, "-servername", name]
        done = subprocess.run(command, input=b"Q\n", capture_output=True, timeout=20, check=False)
        return (done.stdout + done.stderr).decode()

    def test_cut(self) -> None:
        """A hello in single octets is a hello."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with RawClient(self.around.ports["open"]) as client:
            data = of_ssl("b.test")
            for at in range(len(data)):
                client.send(data[at : at + 1])
            self.assertEqual(client.read(1), b"\x16")
        with RawClient(self.around.ports["open"]) as client:
            client.send(b"GET / HTTP/1.1\r\n\r\n")
            self.assertRaises(ConnectionResetError, client.read, 1)

    def test_not_trusted(self) -> None:
        """Who is not in trusted_proxies is not listened to."""
        for name in ("plain", "tcp", "ended", "passed"):
            try:
                # The reset may come before the connection is used at all.
                with RawClient(self.around.ports[name]) as client:
                    client.send(b"PROXY UNKNOWN\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
                    found = client.socket.recv(1)
            except OSError:
                found = b""
            self.assertEqual(found, b"", name)
        self.assertEqual(self.logged('"reason":"denied_address"')["client"], "127.0.0.1")

    def test_health(self) -> None:
        """Checks of members that expect a header say that they are about nobody."""
        assert self.balancer.program is not None
        self.balancer.program.wait_until(lambda: self.status()["members"]["up"] == 4)

    def test_changed(self) -> None:
        """The file and the API change it while it runs."""
        self.assertIn("unrecognized name", self.openssl("d.test"))
        port = self.around.ports["open"]
        text = Path(self.balancer.path).read_text().replace("c.test", "d.test")
        self.balancer.path.write_text(text)
        self.balancer.reload()
        assert self.balancer.program is not None
        self.balancer.program.wait_until(lambda: self.get("open", "d.test") == "127.0.0.1 d.test")
        body = {
            "name": "made", "port": self.around.ports["passed"] + 0, "protocol": "https",
            "address": "127.0.0.2", "default_pool_id": "nginx",
        }  # fmt: skip
        answer = request(
            self.balancer.admin,
            "/v1/listeners",
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps(body).encode(),
        )
        self.assertEqual(answer.status, 201, answer.text)
        where = f"any.test:{body['port']}"
        done = curl("-sk", "--resolve", f"{where}:127.0.0.2", f"https://{where}/")
        self.assertEqual(done.stdout.decode(), "127.0.0.1 any.test")
        refused = request(
            self.balancer.admin,
            "/v1/l7_policies",
            method="POST",
            headers={"Content-Type": "application/json"},
            body=json.dumps(
                {
                    "listener_id": json.loads(answer.body)["id"],
                    "action": "reject",
                    "rules": [{"rule_type": "path", "value": "/"}],
                }
            ).encode(),
        )
        self.assertEqual(refused.status, 400)
        self.assertTrue(re.search("add tls_config", refused.text))
        self.assertNotEqual(port, body["port"])


class WorkersTests(LayerFourTests):
    """The same with worker processes."""

    workers = 2
